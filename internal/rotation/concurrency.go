package rotation

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// PanicError is a recovered panic. It is a bug of the provider.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// recoverInto turns a panic of the calling function into an error. The caller can then undo or remember what it
// generated.
func recoverInto(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: debug.Stack()}
	}
}

// goSafely runs f in a goroutine. A panic ends only f: whoever needs the result of f gets it in another way.
func goSafely(f func()) {
	go func() {
		var err error
		defer recoverInto(&err)
		f()
	}()
}

// Concurrently runs functions in goroutines and returns the first error, which cancels the context of the others. A
// panic counts as an error.
func Concurrently(ctx context.Context, functions ...func(ctx context.Context) error) error {
	return forEach(ctx, len(functions), len(functions), func(ctx context.Context, i int) error { return functions[i](ctx) })
}

// forEach calls do for 0 to n-1, at most limit at a time. It returns the first error, which cancels the context of
// the others. A panic counts as an error.
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

// sleepUntil waits until a moment or the end of ctx. It returns ctx's error if ctx has ended.
func sleepUntil(ctx context.Context, c clock.Clock, moment time.Time) error {
	if wait := moment.Sub(c.Now()); wait > 0 {
		return c.Sleep(ctx, wait)
	}
	return ctx.Err()
}
