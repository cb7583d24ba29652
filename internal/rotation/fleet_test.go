package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// newFleet returns a fleet in which no failure is an outage.
func newFleet(engine *rotation.Engine, concurrency int, members ...*rotation.Member) *rotation.Fleet {
	return &rotation.Fleet{
		Engine: engine, Concurrency: concurrency, Members: members, IsOutage: func(error) bool { return false },
		ReadTimeout: 24 * time.Hour, WriteTimeout: 24 * time.Hour,
	}
}

// newMember returns a new member whose shop is configured for a store.
func newMember(shop, merchantID string) *rotation.Member {
	return &rotation.Member{Name: shop, Config: &rotation.Config{Shop: shop, MerchantID: merchantID}}
}

// removedMember returns a member that leaves its fleet, with the key of its shop.
func removedMember(shop string, clears bool, key kustom.Key) *rotation.Member {
	return &rotation.Member{Name: shop, ClearOnRemoval: clears, Record: &rotation.Record{
		MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username,
	}}
}

// mustDecide plans a fleet, and fails the test at a failure.
func mustDecide(t *testing.T, f *rotation.Fleet) {
	t.Helper()
	if failures := f.Decide(t.Context()); len(failures) != 0 {
		t.Fatalf("the failures are %+v", failures)
	}
}

// mustExecute executes the plans of a fleet, and fails the test at a failure.
func mustExecute(ctx context.Context, t *testing.T, f *rotation.Fleet) {
	t.Helper()
	if failures := f.Execute(ctx); len(failures) != 0 {
		t.Fatalf("the failures are %+v", failures)
	}
}

func TestFleet_ReadsShopsWhileKeysAreListed(t *testing.T) {
	t.Parallel()
	const shops, concurrency = 40, 4
	for _, stores := range []int{1, shops} {
		for name, work := range map[string]func(*rotation.Fleet, context.Context) []rotation.Failure{
			"read": (*rotation.Fleet).Read, "plan": (*rotation.Fleet).Decide,
		} {
			t.Run(fmt.Sprintf("%s, %d stores", name, stores), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					portal := newLargePortal(clock.System{}, stores)
					portal.before = onCall(listCall, 0, func() error { time.Sleep(time.Hour); return nil })
					s := newFakeShops(nil)
					s.before = failDead
					f := newFleet(rotation.New(rotation.Options{Portal: portal, Shops: s, Clock: clock.System{}, Names: s.names}), concurrency)
					for i := range shops {
						m := newMember(fmt.Sprintf("shop-%02d", i), keyOf(i%stores).MerchantID)
						if i == shops/2 {
							m = newMember("dead", m.Config.MerchantID)
						}
						if name == "read" {
							m.Config, m.Record = nil, &rotation.Record{MerchantID: m.Config.MerchantID}
						}
						f.Members = append(f.Members, m)
					}
					done := make(chan []rotation.Failure)
					go func() { done <- work(f, t.Context()) }()
					synctest.Wait()
					for _, m := range f.Members {
						if n := s.called(readCall, m.Name); n != 1 {
							t.Errorf("%s was read %d times before the keys were listed", m.Name, n)
						}
					}
					if failures := <-done; len(failures) != 1 || failures[0].Member.Name != "dead" {
						t.Errorf("the failures are %+v", failures)
					}
					if n := s.called(readCall, "dead"); n != 1 {
						t.Errorf("the unreadable shop was read %d times", n)
					}
				})
			})
		}
	}
}

// An unreadable shop may hold the key of a cleared shop. The deletion is retried at the end. If it still fails, the member
// stays until the next run, because nothing else would remember the key. A key that the other shop holds belongs to that
// shop.
func TestFleet_RemovesMemberOnceKeyIsDeleted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// unreadable is how many reads of the other shop fail, and holds is its username.
		unreadable int
		holds      string
		left, kept []string
		stay       []string
	}{
		"unreadable for a while":          {unreadable: 1, holds: "M1-new"},
		"unreadable":                      {unreadable: 1000, holds: "M1-new", left: []string{"M1-a", "M1-b"}, stay: []string{"a", "b"}},
		"unreadable, then holds a key":    {unreadable: 1, holds: "M1-a", left: []string{"M1-a"}, kept: []string{"a"}},
		"readable, and holds a key":       {holds: "M1-b", left: []string{"M1-b"}, kept: []string{"b"}},
		"readable, and holds another key": {holds: "M1-new"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := m1("M1-a"), m1("M1-b")
			env := newTestEnv(t, map[string]string{"a": "M1-a", "b": "M1-b", "other": test.holds}, a, b, m1("M1-new"))
			env.shops.before = func(_ context.Context, kind, shop string, call int) error {
				if kind == readCall && shop == "other" && call <= test.unreadable {
					return errRefused
				}
				return nil
			}
			env.engine.Shops.NoteConfigured("other", "M1", "")
			f := newFleet(env.engine, 1, removedMember("a", true, a), removedMember("b", true, b))
			var stay, kept []string
			for _, failure := range f.Execute(t.Context()) {
				stay = append(stay, failure.Member.Name)
				_ = wantUnknown(t, failure.Err)
			}
			for _, m := range f.Members {
				if len(m.Kept) > 0 {
					kept = append(kept, m.Name)
					wantInUse(t, m.Kept[0].Err)
				}
			}
			if !slices.Equal(stay, test.stay) || !slices.Equal(kept, test.kept) {
				t.Errorf("%q stay, and the keys of %q are kept, want %q and %q", stay, kept, test.stay, test.kept)
			}
			env.wantHolds("a", "")
			env.wantHolds("b", "")
			env.wantKeys(append(test.left, "M1-new")...)
			if n := env.shops.called(readCall, "other"); test.unreadable > 0 && n != 2 {
				t.Errorf("the other shop was read %d times, want once, and once more at the end", n)
			}
			if len(test.stay) == 0 {
				return
			}
			env.shops.before = nil
			env.newRun()
			again := newFleet(env.engine, 1)
			for _, m := range f.Members {
				again.Members = append(again.Members, &rotation.Member{Name: m.Name, ClearOnRemoval: true, Record: m.Record})
			}
			mustExecute(t.Context(), t, again)
			env.wantHolds("a", "")
			env.wantKeys("M1-new")
		})
	}
}

func TestFleet_LeavesShopWithItsKey(t *testing.T) {
	t.Parallel()
	a := m1("M1-a")
	env := newTestEnv(t, map[string]string{"a": "M1-a"}, a, m1("M1-left"))
	m := removedMember("a", false, a)
	m.Record.Memory.Undeleted = []kustom.Orphan{orphan("M1-left")}
	if mustExecute(t.Context(), t, newFleet(env.engine, 1, m)); len(m.Kept) != 0 {
		t.Errorf("kept %+v", m.Kept)
	}
	env.wantHolds("a", "M1-a")
	env.wantKeys("M1-a")
}

// Both shops hold the same key, so the first one can't delete it.
func TestFleet_RetriesDeletionsAtEnd(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 2} {
		env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"))
		f := newFleet(env.engine, concurrency, newMember("a", "M1"), newMember("b", "M1"))
		mustDecide(t, f)
		mustExecute(t.Context(), t, f)
		var want []string
		for _, m := range f.Members {
			env.wantHolds(m.Name, m.Record.Username)
			if want = append(want, m.Record.Username); len(m.Kept) != 0 || len(m.Record.Memory.Undeleted) != 0 {
				t.Errorf("%s: kept %+v, undeleted %+v", m.Name, m.Kept, m.Record.Memory.Undeleted)
			}
		}
		env.wantKeys(want...)
	}
}

func TestFleet_ConfirmsEveryDeletion(t *testing.T) {
	t.Parallel()
	const shops, last = 12, 11
	env := newTestEnv(t, nil)
	f := newFleet(env.engine, 4)
	for i := range shops {
		name, key := fmt.Sprintf("shop-%02d", i), keyOf(i)
		env.portal.addStore(key.MerchantID)
		env.portal.keys = append(env.portal.keys, key)
		env.shops.set(name, key.Username)
		f.Members = append(f.Members, newMember(name, key.MerchantID))
	}
	mustDecide(t, f)
	// A proxy answers the last deletion in place of the portal.
	env.portal.undeletable = keyOf(last).CredentialID
	mustExecute(t.Context(), t, f)
	for i, m := range f.Members {
		if kept := i == last; (len(m.Kept) == 1) != kept || (len(m.Record.Memory.Undeleted) == 1) != kept {
			t.Errorf("%s: kept %v, undeleted %v", m.Name, m.Kept, m.Record.Memory.Undeleted)
		}
	}
}

func TestFleet_ConfirmsDeletionsAfterCancel(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{true, false} {
		env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
		if !done {
			env.portal.undeletable = "id-M1-old"
		}
		m := newMember("a", "M1")
		f := newFleet(env.engine, 1, m)
		mustDecide(t, f)
		ctx, cancel := context.WithCancel(t.Context())
		env.portal.after = onCall(deleteCall, 0, func() error { cancel(); return nil })
		if mustExecute(ctx, t, f); ctx.Err() == nil {
			t.Error("the run was not cancelled")
		}
		if (len(m.Record.Memory.Undeleted) == 0) != done || (len(m.Kept) == 0) != done {
			t.Errorf("done %t: undeleted %v, kept %v", done, m.Record.Memory.Undeleted, m.Kept)
		}
	}
}

// Ctrl-C may come while the deletions of all shops are confirmed. The shops have their new keys by then, so none counts as
// failed, and no deletion is forgotten.
func TestFleet_KeepsDoneShopsIfCancelledDuringConfirmation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		// deleted says that the portal has deleted the key of shop a, and answer is how long its next list takes.
		deleted bool
		answer  time.Duration
		// undeleted are the keys that the next run must look for.
		undeleted []string
	}{
		{deleted: true, answer: time.Second},
		{deleted: false, answer: time.Second, undeleted: []string{"M1-old"}},
		{deleted: true, answer: time.Hour, undeleted: []string{"M1-old", "M2-old"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-old"}, m1("M1-old"))
			env.portal.addStore("M2")
			env.portal.keys = append(env.portal.keys, kustom.Key{MerchantID: "M2", CredentialID: "id-M2-old", Username: "M2-old"})
			if !test.deleted {
				env.portal.undeletable = "id-M1-old"
			}
			f := newFleet(env.engine, 1, newMember("a", "M1"), newMember("b", "M2"))
			mustDecide(t, f)
			ctx, cancel := context.WithCancel(t.Context())
			deletions := 0
			env.portal.before = func(kind, _ string, _ int) error {
				switch {
				case kind == deleteCall:
					deletions++
				case kind == listCall && deletions >= 2 && ctx.Err() == nil:
					cancel()
					// The run notices the cancellation before the portal answers.
					time.Sleep(test.answer)
				}
				return nil
			}
			for _, failure := range f.Execute(ctx) {
				t.Errorf("%s failed: %v", failure.Member.Name, failure.Err)
			}
			if ctx.Err() == nil {
				t.Fatal("the run was not cancelled")
			}
			var undeleted []string
			for _, m := range f.Members {
				for _, key := range m.Record.Memory.Undeleted {
					undeleted = append(undeleted, key.Username)
				}
				shows, err := env.shops.Credentials(t.Context(), m.Name)
				if err != nil || m.Record.Username != shows.KustomID {
					t.Errorf("shop %s has %s, and its record %s (%v)", m.Name, shows.KustomID, m.Record.Username, err)
				}
			}
			if !slices.Equal(undeleted, test.undeleted) {
				t.Errorf("deleted %t, answer after %v: undeleted %v, want %v", test.deleted, test.answer, undeleted, test.undeleted)
			}
			// The portal's answer may still be on its way.
			time.Sleep(test.answer)
		})
	}
}

// The new member's shop can't be read, and holds the other shop's key. Its configured store decides which keys it may use,
// unless it may change its store.
func TestFleet_DeletesKeysOfPlan(t *testing.T) {
	t.Parallel()
	for _, moves := range []bool{false, true} {
		t.Run(fmt.Sprintf("moves: %t", moves), func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old", "dead": "M1-old"}, m1("M1-old"))
			env.shops.before = failDead
			decide := func() *rotation.Fleet {
				f := newFleet(env.engine, 1, newMember("a", "M1"), newMember("dead", "M2"))
				f.Members[1].Config.AllowStoreChange = moves
				f.Decide(t.Context())
				return f
			}
			blocked, by := env.engine.Blocked(decide().Members[0].Plan)
			if got := len(blocked) == 1 && slices.Equal(by, []string{"dead"}); got != moves {
				t.Errorf("%v are blocked by %v", blocked, by)
			}
			env.newRun()
			decide().Execute(t.Context())
			if kept := slices.Contains(env.portal.usernames(), "M1-old"); kept != moves {
				t.Errorf("the old key is kept: %t", kept)
			}
		})
	}
}

// One shop can't be read, and the client of another panics. The third is switched.
func TestFleet_FailureAffectsOneShop(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"dead": "M3-old", "panics": "M2-old", "works": "M1-old"},
		m1("M1-old"), key("2", "M2-old", host, 2026, 0), key("3", "M3-old", host, 2026, 0))
	env.shops.before = func(ctx context.Context, kind, shop string, call int) error {
		if kind == writeCall && shop == "panics" {
			panic("index out of range")
		}
		return failDead(ctx, kind, shop, call)
	}
	f := newFleet(env.engine, 2, newMember("dead", "M3"), newMember("panics", "M2"), newMember("works", "M1"))
	if failures := f.Decide(t.Context()); len(failures) != 1 || failures[0].Member.Name != "dead" {
		t.Fatalf("the plan's failures are %v", failures)
	}
	failures := f.Execute(t.Context())
	var panicked *rotation.PanicError
	if len(failures) != 2 || failures[1].Member.Name != "panics" || !errors.As(failures[1].Err, &panicked) {
		t.Errorf("the failures are %v", failures)
	}
	env.wantHolds("works", f.Members[2].Record.Username)
	env.wantHolds("panics", "M2-old")
	if slices.Contains(env.portal.usernames(), "M1-old") {
		t.Error("the unreadable shop of another store kept the replaced key")
	}
	undeleted := f.Members[1].Record.Memory.Undeleted
	if len(undeleted) != 1 || undeleted[0].Attempted.IsZero() || !slices.Contains(env.portal.usernames(), undeleted[0].Username) {
		t.Errorf("undeleted: %v", undeleted)
	}
	if memory := f.Members[0].Record.Memory; memory.DueReason == "" {
		t.Error("the unreadable shop is not due in the next plan")
	}
}

// The portal still lists a deleted key when all shops are done, and a shop has got the key meanwhile.
func TestFleet_AsksShopsBeforeItRepeatsDeletion(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": ""}, m1("M1-old"))
	env.portal.undeletable = "id-M1-old"
	env.portal.after = onCall(deleteCall, 1, func() error {
		env.portal.mu.Lock()
		env.portal.undeletable = ""
		env.portal.mu.Unlock()
		env.clock.Advance(rotation.FreshFor)
		env.shops.set("b", "M1-old")
		return nil
	})
	f := newFleet(env.engine, 1, newMember("a", "M1"))
	mustDecide(t, f)
	f.Execute(t.Context())
	env.wantHolds("b", "M1-old")
}
