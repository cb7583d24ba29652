package rotation_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// await is one deletion's wait, which may last two minutes. Its bound falls between two looks, not on
// one, so that there is one way for it to end.
func await(t *testing.T, shops *rotation.Shops, username string) (time.Duration, error) {
	t.Helper()
	ctx, cancel := clock.WithTimeout(t.Context(), clock.System{}, 2*time.Minute+time.Second/2)
	defer cancel()
	start := time.Now()
	err := shops.AwaitRelease(ctx, username)
	return time.Since(start), err
}

// guarded runs a test in a bubble, with shops that hold these usernames.
func guarded(t *testing.T, holds map[string]string, test func(t *testing.T, s *service, shops *rotation.Shops)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(holds)
		test(t, s, shopsOf(s, clock.System{}))
	})
}

func TestI1ReleasedAtOnce(t *testing.T) {
	guarded(t, map[string]string{"a": "new", "b": "", "c": "other"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		s.absent["b"] = true
		for range 2 {
			if took, err := await(t, shops, "old"); err != nil || took != 0 {
				t.Errorf("after %v: %v", took, err)
			}
		}
		for _, name := range []string{"a", "b", "c"} {
			if n := s.called(read, name); n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
	})
}

func TestI1NoShopsAreConfigured(t *testing.T) {
	guarded(t, nil, func(t *testing.T, _ *service, shops *rotation.Shops) {
		if took, err := await(t, shops, "old"); err != nil || took != 0 {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestI1WaitsForThisWalk: the shop's update comes later than the deletion of its old key.
func TestI1WaitsForThisWalk(t *testing.T) {
	guarded(t, map[string]string{"a": "old", "b": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		for after, name := range map[time.Duration]string{20 * time.Second: "a", 30 * time.Second: "b"} {
			time.AfterFunc(after, func() {
				if _, err := shops.Install(t.Context(), name, rotation.Pair{Username: "new", Secret: "s"}); err != nil {
					t.Error(err)
				}
			})
		}
		took, err := await(t, shops, "old")
		if err != nil || took < 30*time.Second || took > 32*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		// Twice a minute is often enough to ask a shop that this walk itself will move.
		if n := s.called(read, "b"); n > 10 {
			t.Errorf("the shop was read %d times", n)
		}
	})
}

// TestI1WaitsForOthers: what somebody does by hand, or in another run, is seen too.
func TestI1WaitsForOthers(t *testing.T) {
	for name, change := range map[string]func(*service){
		"moved":       func(s *service) { s.move("a", "new") },
		"cleared":     func(s *service) { s.move("a", "") },
		"uninstalled": func(s *service) { s.mu.Lock(); defer s.mu.Unlock(); s.absent["a"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			guarded(t, map[string]string{"a": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
				time.AfterFunc(33*time.Second, func() { change(s) })
				if took, err := await(t, shops, "old"); err != nil || took < 33*time.Second || took > 40*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

// TestI1StaleKnowledgeIsAskedAgain: what was true at the beginning of the walk may not be any more.
func TestI1StaleKnowledgeIsAskedAgain(t *testing.T) {
	guarded(t, map[string]string{"a": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		if _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.move("a", "new")
		if took, err := await(t, shops, "old"); err != nil || took != 0 {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestI1RefusesWhatIsHeld(t *testing.T) {
	guarded(t, map[string]string{"b": "old", "a": "old", "c": "old", "d": "other"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		time.AfterFunc(time.Minute, func() { s.move("b", "new") })
		took, err := await(t, shops, "old")
		h := held(t, err)
		if h.Username != "old" || !reflect.DeepEqual(h.Shops, []string{"a", "c"}) || h.Left {
			t.Errorf("the error is %+v", h)
		}
		if took < 110*time.Second || took > 2*time.Minute {
			t.Errorf("it refused after %v", took)
		}
	})
}

func TestI1RefusesWhatCannotBeSeen(t *testing.T) {
	t.Run("names unknown", func(t *testing.T) {
		t.Parallel()
		unknown := errors.New("mystore_tokens is not known yet")
		shops := rotation.NewShops(newService(nil), nil, clock.System{}, func() ([]string, error) { return nil, unknown })
		err := shops.AwaitRelease(t.Context(), "old")
		wantUnseen(t, err)
		if !errors.Is(err, unknown) {
			t.Errorf("the error is %v", err)
		}
	})
	for name, failsAt := range map[string]int{"at first": 1, "when asked again": 2, "while waiting": 4} {
		t.Run(name, func(t *testing.T) {
			guarded(t, map[string]string{"a": "old", "b": "other"}, func(t *testing.T, s *service, shops *rotation.Shops) {
				s.before = func(_ context.Context, _, shop string, call int) error {
					if shop == "a" && call >= failsAt {
						return errLost
					}
					return nil
				}
				_, err := await(t, shops, "old")
				wantUnseen(t, err)
				if !errors.Is(err, errLost) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
	t.Run("another shop", func(t *testing.T) {
		guarded(t, map[string]string{"a": "new", "b": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
			s.before = func(_ context.Context, _, shop string, _ int) error {
				if shop == "b" {
					return errLost
				}
				return nil
			}
			_, err := await(t, shops, "old")
			wantUnseen(t, err)
		})
	})
}

// TestI1AWriteInProgressIsNoRelease: until it has ended, and been read back.
func TestI1AWriteInProgressIsNoRelease(t *testing.T) {
	tests := map[string]struct {
		outcome error
		works   bool
	}{
		"it ends well":  {works: true},
		"it is refused": {outcome: errRefused},
		"it gets lost":  {outcome: errLost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			guarded(t, map[string]string{"a": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
				s.before = func(_ context.Context, kind, _ string, _ int) error {
					if kind != write {
						return nil
					}
					time.Sleep(30 * time.Second)
					return test.outcome
				}
				if _, err := shops.Holders(t.Context()); err != nil {
					t.Fatal(err)
				}
				go func() { _, _ = shops.Install(t.Context(), "a", rotation.Pair{Username: "new", Secret: "s"}) }()
				synctest.Wait()
				took, err := await(t, shops, "old")
				if test.works && (err != nil || took < 30*time.Second || took > 32*time.Second) {
					t.Errorf("after %v: %v", took, err)
				}
				if !test.works {
					wantHeld(t, err)
				}
				time.Sleep(5 * time.Minute)
			})
		})
	}
}

// TestI1TheNewKeyIsHeldFromTheWriteOn: a key that is being written into a shop may not be deleted.
func TestI1TheNewKeyIsHeldFromTheWriteOn(t *testing.T) {
	guarded(t, map[string]string{"a": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		s.after = func(_ context.Context, kind, _ string, _ int) error {
			if kind == write {
				time.Sleep(30 * time.Second)
			}
			return nil
		}
		if _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = shops.Install(t.Context(), "a", rotation.Pair{Username: "new", Secret: "s"}) }()
		synctest.Wait()
		_, err := await(t, shops, "new")
		wantHeld(t, err)
	})
}

// TestI1AnUnreadShopAfterAWriteIsUnknown: a write whose answer and whose read-back were lost leaves
// nothing to rely on.
func TestI1AnUnreadShopAfterAWriteIsUnknown(t *testing.T) {
	guarded(t, map[string]string{"a": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		if _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.after = func(context.Context, string, string, int) error { return errLost }
		if _, err := shops.Install(t.Context(), "a", rotation.Pair{Username: "new", Secret: "s"}); err == nil {
			t.Fatal("it was written")
		}
		for _, username := range []string{"old", "new"} {
			_, err := await(t, shops, username)
			wantUnseen(t, err)
		}
		s.after = nil
		if _, err := await(t, shops, "old"); err != nil {
			t.Error(err)
		}
		_, err := await(t, shops, "new")
		wantHeld(t, err)
	})
}

// TestShopsThatAreNotConfiguredHinderNoDeletion: that somebody has asked in vain for a shop without a token
// says nothing of a key that no configured shop holds.
func TestShopsThatAreNotConfiguredHinderNoDeletion(t *testing.T) {
	t.Parallel()
	s := newService(map[string]string{"butikk": "M1-new"})
	s.before = func(_ context.Context, _, shop string, _ int) error {
		return map[bool]error{shop == "stranger": errRefused}[true]
	}
	shops := shopsOf(s, clock.System{})
	for range 2 {
		if err := shops.AwaitRelease(t.Context(), "M1-old"); err != nil {
			t.Fatal(err)
		}
		if _, err := shops.Credentials(t.Context(), "stranger"); err == nil {
			t.Fatal("a shop without a token was read")
		}
	}
}

// TestAStalledWalkWaitsOnce: waits that hold Terraform's slots must not add up. After the first one
// has run out of time, those under way end, and new ones are refused at once.
func TestAStalledWalkWaitsOnce(t *testing.T) {
	guarded(t, map[string]string{"a": "old-a", "b": "old-b", "c": "old-c", "d": "new"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		var waits sync.WaitGroup
		start := time.Now()
		waits.Go(func() {
			_, err := await(t, shops, "old-a")
			wantHeld(t, err)
		})
		time.Sleep(time.Minute)
		waits.Go(func() {
			if took, err := await(t, shops, "old-b"); took > 62*time.Second || !reflect.DeepEqual(held(t, err).Shops, []string{"b"}) {
				t.Errorf("after %v: %v", took, err)
			}
		})
		waits.Wait()
		if took := time.Since(start); took > 122*time.Second {
			t.Errorf("two waits took %v", took)
		}
		if took, err := await(t, shops, "old-c"); took != 0 || held(t, err).Left {
			t.Errorf("a later one ended after %v: %v", took, err)
		}
		s.move("c", "new")
		if took, err := await(t, shops, "old-c"); err != nil || took != 0 {
			t.Errorf("what has moved on all the same was refused after %v: %v", took, err)
		}
		if _, err := await(t, shops, "unheld"); err != nil {
			t.Errorf("what nobody holds was refused: %v", err)
		}
	})
}

// TestAStalledReadStallsTheWalk: the time can run out while a shop is asked, too.
func TestAStalledReadStallsTheWalk(t *testing.T) {
	guarded(t, map[string]string{"a": "old-a", "b": "old-b"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		if _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.before = func(ctx context.Context, _, _ string, _ int) error { return clock.System{}.Sleep(ctx, 50*time.Second) }
		if _, err := await(t, shops, "old-a"); err == nil {
			t.Fatal("it was released")
		}
		s.before = nil
		if took, err := await(t, shops, "old-b"); err == nil || took > time.Second {
			t.Errorf("a later wait ended after %v: %v", took, err)
		}
	})
}

// TestI6CancelledWait: ends at once, and ends no other.
func TestI6CancelledWait(t *testing.T) {
	guarded(t, map[string]string{"a": "old"}, func(t *testing.T, s *service, shops *rotation.Shops) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second+1, cancel)
		start := time.Now()
		err := shops.AwaitRelease(ctx, "old")
		if took := time.Since(start); took != 10*time.Second+1 || !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", took, err)
		}
		wantHeld(t, err)
		time.AfterFunc(10*time.Second, func() { s.move("a", "new") })
		if _, err := await(t, shops, "old"); err != nil {
			t.Errorf("a later wait was refused: %v", err)
		}
	})
}

// TestLeftShopsAreNotWaitedFor: nothing in this walk will move them.
func TestLeftShopsAreNotWaitedFor(t *testing.T) {
	guarded(t, map[string]string{"a": "old", "b": "old", "c": "kept"}, func(t *testing.T, _ *service, shops *rotation.Shops) {
		shops.Leave("a")
		shops.Leave("c")
		if took, err := await(t, shops, "kept"); took != 0 || !held(t, err).Left {
			t.Errorf("after %v: %v", took, err)
		}
		time.AfterFunc(10*time.Second, func() { shops.Leave("b") })
		if took, err := await(t, shops, "old"); took > 11*time.Second || !held(t, err).Left {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestI1ForgetsNoHolder: a shop that can't be read any more may hold what it held. A key that it holds, or
// any other, must not be deleted the second time that this is tried.
func TestI1ForgetsNoHolder(t *testing.T) {
	for _, username := range []string{"old", "other"} {
		t.Run(username, func(t *testing.T) {
			guarded(t, map[string]string{"a": "old", "b": "new"}, func(t *testing.T, s *service, shops *rotation.Shops) {
				connector := rotation.NewConnector(newAccount(1), shops)
				retire := func(username string) error { return connector.Retire(t.Context(), kustom.Orphan{Username: username}) }
				wantHeld(t, retire("old"))
				s.before = func(_ context.Context, kind, shop string, _ int) error {
					if kind == read && shop == "a" {
						return errLost
					}
					return nil
				}
				wantUnseen(t, retire("old"))
				wantUnseen(t, retire(username))
				s.before = nil
				wantHeld(t, retire("old"))
				if err := retire("other"); err != nil {
					t.Errorf("a key that nobody holds was not deleted: %v", err)
				}
			})
		})
	}
}
