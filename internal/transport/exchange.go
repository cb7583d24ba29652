package transport

import "time"

// RequestRecord has the fields of an attempt that may be recorded. Records of exchanges use only these fields. There
// is no body, header or query here, so none can get into a log (I2).
type RequestRecord struct {
	API           string
	Host          string
	Method        string
	Template      string
	Attempt       int
	Status        int
	Kind          Kind
	CorrelationID string
	Duration      time.Duration
}
