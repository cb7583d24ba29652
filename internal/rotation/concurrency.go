package rotation

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// PanicError is a panic that was recovered: a fault of the provider.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// recoverInto turns a panic of the calling function into an error, so that what it had made is undone or
// remembered as after any other failure.
func recoverInto(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: debug.Stack()}
	}
}

// goSafely runs f beside the caller. A panic of f ends it, and nothing else: what f was to find out is found
// out by whoever needs it.
func goSafely(f func()) {
	go func() {
		var err error
		defer recoverInto(&err)
		f()
	}()
}

// Concurrently runs functions beside each other and returns the first error. It ends the others then. A panic of one of
// them is an error too.
func Concurrently(ctx context.Context, functions ...func(ctx context.Context) error) error {
	return forEach(ctx, len(functions), len(functions), func(ctx context.Context, i int) error { return functions[i](ctx) })
}

// forEach calls do for 0 to n-1, some of them at a time, and returns the first error. It ends the others then.
func forEach(ctx context.Context, limit, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() (err error) {
			defer recoverInto(&err)
			return do(ctx, i)
		})
	}
	return group.Wait()
}

// sleepUntil waits for a moment, unless it is over.
func sleepUntil(ctx context.Context, c clock.Clock, moment time.Time) error {
	if wait := moment.Sub(c.Now()); wait > 0 {
		return c.Sleep(ctx, wait)
	}
	return ctx.Err()
}
