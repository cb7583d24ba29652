package rotation

import "sync"

// breakerThreshold is how many consecutive outage failures trip the breaker.
const breakerThreshold = 10

// breaker is a circuit breaker. It trips after consecutive failures that affect all shops. It is safe for
// concurrent use.
type breaker struct {
	isOutage func(error) bool

	mu sync.Mutex
	// started is how many shops have been started, and startedBefore how many of them before the first of the
	// failures.
	started, startedBefore int
	failures               int
	last                   error
}

// start returns the number of the shop that starts now.
func (o *breaker) start() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.started++
	return o.started
}

// record records the result of a shop. The success of a shop that started before the failures does not reset their
// count: it may already have been past the part that stopped working.
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

// tripped returns the last of the failures if the breaker has tripped, or nil.
func (o *breaker) tripped() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failures < breakerThreshold {
		return nil
	}
	return o.last
}
