// Package clock is the provider's only source of time, so that everything that waits, ages or
// expires can be tested without waiting.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits. Implementations are safe for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// Sleep waits for d and returns nil. It returns early with the context's error when ctx is
	// done, and at once with context.DeadlineExceeded when d would outlast the deadline that
	// [WithTimeout] set: there is no point in waiting for a moment at which it is too late.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the real clock.
type System struct{}

// Now implements [Clock].
func (System) Now() time.Time { return time.Now() }

// Sleep implements [Clock].
func (s System) Sleep(ctx context.Context, d time.Duration) error {
	if err := Check(ctx, s.Now(), d); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

type deadlineKey struct{}

// WithTimeout bounds ctx by d, measured on c. The bound also holds for what does not know c, such
// as a request under way: the returned context is cancelled after d of real time.
func WithTimeout(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	deadline := c.Now().Add(d)
	if outer, ok := ctx.Value(deadlineKey{}).(time.Time); ok && outer.Before(deadline) {
		deadline = outer
	}
	ctx = context.WithValue(ctx, deadlineKey{}, deadline)
	return context.WithTimeout(ctx, d)
}

// Detach returns a context for work that must be finished although ctx was cancelled or has run
// out, such as the removal of a key that would otherwise be left behind. It lasts for d.
func Detach(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx = context.WithValue(context.WithoutCancel(ctx), deadlineKey{}, c.Now().Add(d))
	return context.WithTimeout(ctx, d)
}

// Check reports what stands in the way of a sleep of d that starts now: nil, or the error that
// [Clock.Sleep] returns at once. It is for implementations of Clock.
func Check(ctx context.Context, now time.Time, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Value(deadlineKey{}).(time.Time); ok && now.Add(d).After(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
