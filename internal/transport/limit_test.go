package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const perMinute = 120

// busiest returns the largest number of requests within any minute.
func busiest(moments []time.Time) int {
	slices.SortFunc(moments, time.Time.Compare)
	most, first := 0, 0
	for i, at := range moments {
		for at.Sub(moments[first]) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// waitConcurrently starts n callers of Wait. The returned function waits for them, and returns when each one continued.
func waitConcurrently(t *testing.T, l *transport.Limiter, n int) (moments func() []time.Time) {
	t.Helper()
	var (
		mu   sync.Mutex
		gone []time.Time
		all  sync.WaitGroup
	)
	for range n {
		all.Go(func() {
			if err := l.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			gone = append(gone, time.Now())
		})
	}
	return func() []time.Time {
		all.Wait()
		return gone
	}
}

// The limit holds in any minute, however the load arrives.
func TestLimiter_KeepsLimitInAnyMinute_I6(t *testing.T) {
	t.Parallel()
	loads := map[string]func(i int) time.Duration{
		"all at once":       func(int) time.Duration { return 0 },
		"after idling":      func(i int) time.Duration { return map[bool]time.Duration{true: 5 * time.Minute}[i%200 == 199] },
		"bursts of a third": func(i int) time.Duration { return map[bool]time.Duration{true: 20 * time.Second}[i%40 == 39] },
		"just too fast":     func(int) time.Duration { return 499 * time.Millisecond },
	}
	for name, pause := range loads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := clocktest.New(noon)
			l := transport.NewLimiter(perMinute, fake)
			var moments []time.Time
			for i := range 1000 {
				if err := l.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				moments = append(moments, fake.Now())
				fake.Advance(pause(i))
			}
			if got := busiest(moments); got > perMinute {
				t.Errorf("%d requests in one minute", got)
			}
		})
	}
}

// The few requests of one shop do not wait.
func TestLimiter_AllowsBurst(t *testing.T) {
	t.Parallel()
	fake := clocktest.New(noon)
	l := transport.NewLimiter(perMinute, fake)
	for i := range 300 {
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 29 && !fake.Now().Equal(noon) {
			t.Errorf("30 requests took %v", fake.Now().Sub(noon))
		}
	}
	if took := fake.Now().Sub(noon); took > 3*time.Minute+time.Second {
		t.Errorf("300 requests took %v", took)
	}
}

func TestLimiter_ServesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := transport.NewLimiter(perMinute, clock.System{})
		var (
			mu    sync.Mutex
			order []int
			all   sync.WaitGroup
		)
		for i := range 100 {
			all.Go(func() {
				if err := l.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		all.Wait()
		if !slices.IsSorted(order) {
			t.Errorf("the order is %v", order)
		}
	})
}

// A pause delays later callers, and callers that wait already.
func TestLimiter_PauseDelaysAll_I6(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := transport.NewLimiter(perMinute, clock.System{})
		moments := waitConcurrently(t, l, 40)
		synctest.Wait()
		l.Pause(20 * time.Second)
		l.Pause(10 * time.Second) // A shorter pause does not end a longer one.
		paused := time.Now()
		later := waitConcurrently(t, l, 5)
		for i, at := range append(moments()[30:], later()...) {
			if at.Sub(paused) < 20*time.Second {
				t.Errorf("caller %d continued %v into a pause of 20s", i+1, at.Sub(paused))
			}
		}
	})
}

// Delayed callers do not all continue at once when the pause ends.
func TestLimiter_KeepsLimitAfterPause_I6(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := transport.NewLimiter(perMinute, clock.System{})
		l.Pause(time.Minute)
		if got := busiest(waitConcurrently(t, l, 400)()); got > perMinute {
			t.Errorf("%d requests in one minute", got)
		}
	})
}

// A refusal pauses the token even if its own request is not retried.
func TestDo_PausesTokenAfter429_I6(t *testing.T) {
	t.Parallel()
	for name, retries := range map[string]int{"repeated": 1, "not repeated": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent []time.Time
				c := scripted(retries, func(*http.Request) (*http.Response, error) {
					sent = append(sent, time.Now())
					if len(sent) == 1 {
						return reply(http.StatusTooManyRequests, "{}", "Retry-After", "30"), nil
					}
					return reply(http.StatusOK, "{}"), nil
				})
				r := request(http.MethodGet)
				r.Limiter = transport.NewLimiter(perMinute, clock.System{})
				var first sync.WaitGroup
				first.Go(func() { _, _ = transport.Do[answer](t.Context(), c, r) }) // Its result does not matter.
				synctest.Wait()
				if _, err := transport.Do[answer](t.Context(), c, r); err != nil {
					t.Error(err)
				}
				first.Wait()
				if waited := sent[1].Sub(sent[0]); waited < 30*time.Second {
					t.Errorf("the token was used again after %v", waited)
				}
			})
		})
	}
}

// This holds for the next caller and for one that waits behind another.
func TestLimiter_StopsWithContext(t *testing.T) {
	t.Parallel()
	for _, ahead := range []int{0, 1} {
		t.Run(fmt.Sprintf("%d ahead", ahead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := transport.NewLimiter(perMinute, clock.System{})
				waitConcurrently(t, l, 30)()
				l.Pause(time.Minute)
				defer waitConcurrently(t, l, ahead)()
				synctest.Wait()
				start := time.Now()
				bounded, cancelBounded := clock.WithTimeout(t.Context(), clock.System{}, 59*time.Second)
				defer cancelBounded()
				if err := l.Wait(bounded); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 59*time.Second {
					t.Errorf("a wait that is too long ended after %v: %v", time.Since(start), err)
				}
				cancelled, cancel := context.WithCancel(t.Context())
				start = time.Now()
				time.AfterFunc(time.Second/2, cancel)
				if err := l.Wait(cancelled); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second/2 {
					t.Errorf("a cancelled wait ended after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

// A cancelled wait neither lengthens nor shortens the next one.
func TestLimiter_CancelledWaitUsesNoAllowance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := transport.NewLimiter(perMinute, clock.System{})
		gone := waitConcurrently(t, l, 30)()
		start := time.Now()
		for range 50 {
			ctx, cancel := clock.WithTimeout(t.Context(), clock.System{}, time.Millisecond)
			if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v", err)
			}
			cancel()
		}
		gone = append(gone, waitConcurrently(t, l, 1)()...)
		if took := gone[30].Sub(start); took > time.Second {
			t.Errorf("after cancelled waits, the next one took %v", took)
		}
		if got := busiest(append(gone, waitConcurrently(t, l, 300)()...)); got > perMinute {
			t.Errorf("%d requests in one minute", got)
		}
	})
}

func TestLimiter_NilDoesNotLimit(t *testing.T) {
	t.Parallel()
	var l *transport.Limiter
	l.Pause(time.Hour)
	if err := l.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestNewCap_IsNotPausedByRefusal(t *testing.T) {
	t.Parallel()
	clk := clocktest.New(noon)
	capped := transport.NewCap(120, clk)
	capped.Pause(time.Minute)
	for range 30 {
		if err := capped.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if slept := clk.Slept(); len(slept) > 0 {
		t.Errorf("it waits for %v", slept)
	}
	if err := capped.Wait(t.Context()); err != nil || len(clk.Slept()) == 0 {
		t.Errorf("it does not wait when the allowance is used up: %v", err)
	}
}
