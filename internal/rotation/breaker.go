package rotation

import "sync"

// breakerThreshold is how many failures in a row that are about all shops keep a fleet from starting with further
// ones.
const breakerThreshold = 10

// breaker counts such failures. It is safe for concurrent use.
type breaker struct {
	isOutage func(error) bool

	mu sync.Mutex
	// started is how many shops were begun with, and before of them until the first failure of the row.
	started, startedBefore int
	failures               int
	last                   error
}

// start returns the number of a shop that is begun with.
func (o *breaker) start() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.started++
	return o.started
}

// record notes what became of a shop. One that was begun with before the failures does not end their row: it may
// have been past what has stopped working.
func (o *breaker) record(number int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil && o.isOutage(err):
		if o.failures == 0 {
			o.startedBefore = o.started
		}
		o.failures++
		o.last = err
	case number > o.startedBefore:
		o.failures = 0
	}
}

// tripped returns the last of the failures, once there have been enough.
func (o *breaker) tripped() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failures < breakerThreshold {
		return nil
	}
	return o.last
}
