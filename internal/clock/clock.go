// Package clock is the provider's only source of time. Tests replace it, so that they wait for nothing.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits. Implementations are safe for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// Sleep waits for d and returns nil. If ctx ends first, it returns the context's error. If d would exceed the
	// deadline of [WithTimeout], it returns context.DeadlineExceeded immediately.
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

// WithTimeout limits ctx to d, measured by c. The context is also cancelled after d of real time, for callees that do
// not know c, such as an HTTP request.
func WithTimeout(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	deadline := c.Now().Add(d)
	if outer, ok := ctx.Value(deadlineKey{}).(time.Time); ok && outer.Before(deadline) {
		deadline = outer
	}
	ctx = context.WithValue(ctx, deadlineKey{}, deadline)
	return context.WithTimeout(ctx, d)
}

// Detach returns a context for cleanup after ctx has ended, such as the deletion of an orphaned key. It ends after d.
func Detach(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx = context.WithValue(context.WithoutCancel(ctx), deadlineKey{}, c.Now().Add(d))
	return context.WithTimeout(ctx, d)
}

// Outlast returns a context for work that an interruption must not leave unfinished. It ends d of real time after ctx does.
func Outlast(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	// A sleep after the end of ctx must not fail because of the deadline of ctx.
	lasting, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), deadlineKey{}, nil))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return lasting, func() { stop(); cancel() }
}

// Check returns the error that a sleep of d from now would return immediately, or nil. It is for implementations of
// [Clock].
func Check(ctx context.Context, now time.Time, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Value(deadlineKey{}).(time.Time); ok && now.Add(d).After(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
