package rotation

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// A shop that yields frees its slot, up to twice the limit, and resumes without waiting.
func TestSlots_YieldFreesSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, all = 2, 6
		room, taken := newSlots(limit), make(chan *slot, all)
		go func() {
			for range all {
				taken <- room.acquire()
			}
		}()
		want := func(n int, when string) {
			t.Helper()
			if synctest.Wait(); len(taken) != n {
				t.Errorf("%s: %d shops are started, want %d", when, len(taken), n)
			}
		}
		want(2, "at first")
		a, b := <-taken, <-taken
		// Two goroutines of one shop wait.
		resume, resumeToo := a.yield(), a.yield()
		want(1, "one yields")
		c := <-taken
		resumeB := b.yield()
		want(1, "two yield")
		d := <-taken
		resumeC := c.yield()
		want(0, "three yield, but four are unfinished")
		d.release()
		want(1, "one is done, and three yield")
		e := <-taken
		resume()
		want(0, "one of a shop's goroutines resumes")
		resumeB()
		resumeC()
		resumeToo()
		b.release()
		c.release()
		want(0, "none yields, and two are unfinished")
		a.release()
		want(1, "one is unfinished")
		e.release()
	})
}

// started counts the shops that are worked on, in all and at once.
type started struct {
	mu               sync.Mutex
	all, now, atOnce int
}

// begin counts a shop until the returned function is called.
func (s *started) begin() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all++
	s.now++
	s.atOnce = max(s.atOnce, s.now)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now--
	}
}

func TestFleet_WorksOnOthersWhileSomeWait(t *testing.T) {
	t.Parallel()
	for _, yields := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const shops, concurrency = 100, 8
			c := YieldingClock(clock.System{})
			f := Fleet{
				Engine: New(Options{Clock: c}), Concurrency: concurrency, Members: make([]*Member, shops),
				IsOutage: func(error) bool { return false },
			}
			began := time.Now()
			var s started
			f.each(t.Context(), time.Hour, func(ctx context.Context, _ *Member) error {
				defer s.begin()()
				time.Sleep(time.Second) // a request
				if yields {
					return c.Sleep(ctx, time.Second)
				}
				return nil
			})
			want, atOnce := 13*time.Second, concurrency
			if yields {
				want, atOnce = 14*time.Second, 2*concurrency
			}
			if took := time.Since(began); took != want || s.atOnce != atOnce {
				t.Errorf("yielding %t: it took %v with %d at once, want %v with %d", yields, took, s.atOnce, want, atOnce)
			}
		})
	}
}
