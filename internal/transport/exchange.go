package transport

import "time"

// Exchange is what may be told of one attempt. Records of exchanges are made of these fields and
// of nothing else: no body, header or query can get into a log, because none is here (I2).
type Exchange struct {
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
