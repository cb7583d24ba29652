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
func (b *breaker) start() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started++
	return b.started
}

// record records the result of a shop. The success of a shop that started before the failures does not reset their
// count: it may already have been past the part that stopped working.
func (b *breaker) record(number int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil && b.isOutage(err):
		if b.failures == 0 {
			b.startedBefore = b.started
		}
		b.failures++
		b.last = err
	case number > b.startedBefore:
		b.failures = 0
	}
}

// tripped returns the last of the failures if the breaker has tripped, or nil.
func (b *breaker) tripped() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerThreshold {
		return nil
	}
	return b.last
}
