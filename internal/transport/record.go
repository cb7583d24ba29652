package transport

import "time"

// RequestRecord describes one attempt of a request, for logs and messages. It has no body, header or query, so none can
// get into a log (I2).
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
