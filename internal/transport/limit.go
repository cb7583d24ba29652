package transport

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Limiter limits the rate of one token's requests, so that a large run does not cause 429s (I6). Waiters are
// served in their order of arrival. A nil Limiter does not limit. It is safe for concurrent use.
type Limiter struct {
	clock clock.Clock
	rate  *rate.Limiter
	// turn is held by the next waiter. Only that waiter takes from the allowance, at the moment when it may go.
	// So a later pause finds nothing taken in advance.
	turn *semaphore.Weighted
	// ignoresPauses says that a Retry-After for one request does not delay the others.
	ignoresPauses bool

	mu sync.Mutex
	// until is the end of the pause; zero if there was none.
	until time.Time
}

// NewLimiter allows at most perMinute requests in any minute: a quarter of them at once, the rest spread
// evenly.
func NewLimiter(perMinute int, c clock.Clock) *Limiter {
	burst := perMinute / 4
	return &Limiter{
		clock: c,
		rate:  rate.NewLimiter(rate.Limit(float64(perMinute-burst)/60), burst),
		turn:  semaphore.NewWeighted(1),
	}
}

// NewCap allows as many requests as [NewLimiter], but limits the provider itself and not a server's quota. So a
// Retry-After for one request does not delay the others.
func NewCap(perMinute int, c clock.Clock) *Limiter {
	l := NewLimiter(perMinute, c)
	l.ignoresPauses = true
	return l
}

// Wait returns when a request may be sent. It returns an error if ctx ends before that.
func (l *Limiter) Wait(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	if err := l.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer l.turn.Release(1)
	for {
		// The loop checks again after each wait, because a pause may have begun meanwhile.
		now := l.clock.Now()
		reservation := l.rate.ReserveN(now, 1)
		wait := reservation.DelayFrom(now)
		if wait == 0 && l.paused(now) == 0 {
			return ctx.Err()
		}
		reservation.CancelAt(now)
		if err := l.clock.Sleep(ctx, max(wait, l.paused(now))); err != nil {
			return err
		}
	}
}

// Pause delays all requests for d, because a server's Retry-After applies to the whole token. A cap does not
// pause.
func (l *Limiter) Pause(d time.Duration) {
	if l == nil || l.ignoresPauses {
		return
	}
	until := l.clock.Now().Add(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.until) {
		l.until = until
	}
}

// paused returns the rest of the pause at a time; 0 if it is over.
func (l *Limiter) paused(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.until.Sub(now))
}
