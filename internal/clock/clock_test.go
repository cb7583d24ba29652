package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
)

var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// clocks runs a test on both implementations; the real one inside a bubble, where its waits cost no
// time.
func clocks(t *testing.T, test func(t *testing.T, c clock.Clock)) {
	t.Helper()
	t.Run("system", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, clock.System{}) })
	})
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		test(t, clocktest.New(noon))
	})
}

// sleeps fails the test unless a sleep of d returns want after exactly took.
func sleeps(t *testing.T, ctx context.Context, c clock.Clock, d, took time.Duration, want error) {
	t.Helper()
	start := c.Now()
	if err := c.Sleep(ctx, d); !errors.Is(err, want) {
		t.Errorf("a sleep of %v returned %v, want %v", d, err, want)
	}
	if got := c.Now().Sub(start); got != took {
		t.Errorf("a sleep of %v took %v, want %v", d, got, took)
	}
}

func TestSleep_WaitsForDuration(t *testing.T) {
	t.Parallel()
	clocks(t, func(t *testing.T, c clock.Clock) {
		sleeps(t, t.Context(), c, 3*time.Second, 3*time.Second, nil)
		sleeps(t, t.Context(), c, 0, 0, nil)
		sleeps(t, t.Context(), c, -time.Second, 0, nil)
	})
}

func TestSleep_FailsBeforeOutlastingDeadline(t *testing.T) {
	t.Parallel()
	clocks(t, func(t *testing.T, c clock.Clock) {
		ctx, cancel := clock.WithTimeout(t.Context(), c, time.Minute)
		defer cancel()
		sleeps(t, ctx, c, time.Minute+1, 0, context.DeadlineExceeded)
		if ctx.Err() != nil {
			t.Errorf("a refused sleep ended the context: %v", ctx.Err())
		}
		sleeps(t, ctx, c, 40*time.Second, 40*time.Second, nil)
		sleeps(t, ctx, c, 20*time.Second+1, 0, context.DeadlineExceeded)
	})
}

// The earlier of two deadlines applies, whichever was set first.
func TestWithTimeout_KeepsEarlierDeadline(t *testing.T) {
	t.Parallel()
	for name, bounds := range map[string][2]time.Duration{
		"outer narrower": {time.Minute, time.Hour},
		"inner narrower": {time.Hour, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clocks(t, func(t *testing.T, c clock.Clock) {
				outer, cancelOuter := clock.WithTimeout(t.Context(), c, bounds[0])
				defer cancelOuter()
				inner, cancelInner := clock.WithTimeout(outer, c, bounds[1])
				defer cancelInner()
				sleeps(t, inner, c, time.Minute+1, 0, context.DeadlineExceeded)
				sleeps(t, inner, c, time.Minute-1, time.Minute-1, nil)
			})
		})
	}
}

// A running request ends with the deadline, too.
func TestWithTimeout_CancelsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := clock.WithTimeout(t.Context(), clocktest.New(noon), time.Minute)
		defer cancel()
		start := time.Now()
		<-ctx.Done()
		if got := time.Since(start); got != time.Minute {
			t.Errorf("the context was done after %v", got)
		}
	})
}

func TestSleep_EndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		sleeps(t, ctx, clock.System{}, time.Hour, time.Second, context.Canceled)
		sleeps(t, ctx, clock.System{}, time.Hour, 0, context.Canceled)
	})
}

func TestFake_DoesNotSleepWhenCancelled(t *testing.T) {
	t.Parallel()
	fake := clocktest.New(noon)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sleeps(t, ctx, fake, time.Second, 0, context.Canceled)
	if got := fake.Slept(); len(got) != 0 {
		t.Errorf("it slept %v", got)
	}
}

func TestDetach_OutlivesCancellationAndDeadline(t *testing.T) {
	t.Parallel()
	clocks(t, func(t *testing.T, c clock.Clock) {
		type key struct{}
		ctx, cancel := clock.WithTimeout(context.WithValue(t.Context(), key{}, "kept"), c, time.Second)
		cancel()
		detached, done := clock.Detach(ctx, c, 20*time.Second)
		defer done()
		if detached.Err() != nil || detached.Value(key{}) != "kept" {
			t.Errorf("the detached context has error %v, value %v", detached.Err(), detached.Value(key{}))
		}
		sleeps(t, detached, c, 15*time.Second, 15*time.Second, nil)
		sleeps(t, detached, c, 5*time.Second+1, 0, context.DeadlineExceeded)
	})
}

func TestDetach_Ends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		detached, cancel := clock.Detach(t.Context(), clock.System{}, 20*time.Second)
		defer cancel()
		start := time.Now()
		<-detached.Done()
		if got := time.Since(start); got != 20*time.Second {
			t.Errorf("the detached context was done after %v", got)
		}
	})
}

func TestOutlast_EndsLaterThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ctx, interrupt := clock.WithTimeout(t.Context(), clock.System{}, time.Minute)
		lasting, cancel := clock.Outlast(ctx, time.Second)
		defer cancel()
		time.Sleep(30 * time.Second)
		interrupt()
		if err := (clock.System{}).Sleep(lasting, time.Second-time.Nanosecond); err != nil {
			t.Errorf("before the end: %v", err)
		}
		if err := (clock.System{}).Sleep(lasting, time.Hour); !errors.Is(err, context.Canceled) || time.Since(begun) != 31*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}
