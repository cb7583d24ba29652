package rotation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// TestSlots: who rests makes room for another, up to twice the limit, and takes it back without waiting.
func TestSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, all = 2, 6
		room, taken := newSlots(limit), make(chan *slot, all)
		go func() {
			for range all {
				taken <- room.take()
			}
		}()
		want := func(n int, when string) {
			t.Helper()
			if synctest.Wait(); len(taken) != n {
				t.Errorf("%s: %d are begun with, want %d", when, len(taken), n)
			}
		}
		want(2, "at first")
		a, b := <-taken, <-taken
		// Two goroutines wait for one shop.
		resume, resumeToo := a.yield(), a.yield()
		want(1, "one rests")
		c := <-taken
		resumeB := b.yield()
		want(1, "two rest")
		d := <-taken
		resumeC := c.yield()
		want(0, "three rest, but four are half done")
		d.release()
		want(1, "one is done, and three rest")
		e := <-taken
		resume()
		want(0, "one of a shop's goroutines goes on")
		resumeB()
		resumeC()
		resumeToo()
		b.release()
		c.release()
		want(0, "nobody rests, and two are half done")
		a.release()
		want(1, "one is half done")
		e.release()
	})
}

// TestFleetRests works on as many shops at once as there may be beside those that wait, and on no others
// where none waits.
func TestFleetRests(t *testing.T) {
	t.Parallel()
	for _, rests := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const shops, concurrency = 100, 8
			f := fakeFleet(shops, concurrency, connections{})
			f.connections.clock = yieldingClock{clock.System{}}
			began := time.Now()
			var s started
			f.each(t.Context(), "Not done", time.Hour, func(ctx context.Context, _ int, _ *fleetMember) error {
				defer s.begin()()
				time.Sleep(time.Second) // a request
				if rests {
					return f.connections.clock.Sleep(ctx, time.Second)
				}
				return nil
			})
			want, atOnce := 13*time.Second, concurrency
			if rests {
				want, atOnce = 14*time.Second, 2*concurrency
			}
			if took := time.Since(began); took != want || s.atOnce != atOnce {
				t.Errorf("yielding %t: it took %v with %d at once, want %v with %d", rests, took, s.atOnce, want, atOnce)
			}
		})
	}
}
