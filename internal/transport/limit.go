package transport

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Limiter paces the requests of one token, so that a large run earns no refusal of its own making
// (I6). Waiters are served in the order in which they came. A nil Limiter does not limit.
type Limiter struct {
	clock clock.Clock
	rate  *rate.Limiter
	// turn is held by the waiter who goes next. Only that one takes from the allowance, when it can
	// go: nothing is set aside for moments that a pause may turn out to cover.
	turn chan struct{}
	// deaf says that a refusal of one request holds back no other.
	deaf bool

	mu    sync.Mutex
	until time.Time
}

// NewLimiter allows at most perMinute requests in any minute: a quarter of them at once, the rest
// spread evenly.
func NewLimiter(perMinute int, c clock.Clock) *Limiter {
	burst := perMinute / 4
	return &Limiter{
		clock: c,
		rate:  rate.NewLimiter(rate.Limit(float64(perMinute-burst)/60), burst),
		turn:  make(chan struct{}, 1),
	}
}

// NewCap allows as many requests as [NewLimiter], and is no account of a limit that the server has told of: it bounds
// what the provider itself may come to send. So a server that asks to wait with one request is not taken to mean all.
func NewCap(perMinute int, c clock.Clock) *Limiter {
	l := NewLimiter(perMinute, c)
	l.deaf = true
	return l
}

// Wait returns when a request may be sent, or with an error when ctx does not allow to wait that
// long.
func (l *Limiter) Wait(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		// Looked at again after each wait: a pause may have begun meanwhile.
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

// Pause holds back all requests for d: what the server asks of one of them holds for its token. A cap does not pause.
func (l *Limiter) Pause(d time.Duration) {
	if l == nil || l.deaf {
		return
	}
	until := l.clock.Now().Add(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.until) {
		l.until = until
	}
}

func (l *Limiter) paused(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.until.Sub(now))
}
