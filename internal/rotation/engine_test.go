package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// TestClaim_RefusesShopInTwoObjects: each would undo what the other has done, at every apply.
func TestClaim_RefusesShopInTwoObjects(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, nil)
	if err := errors.Join(w.engine.Claim("a", "connection"), w.engine.Claim("b", "connection")); err != nil {
		t.Fatal(err)
	}
	err := w.engine.Claim("a", "fleet")
	var twice *rotation.OwnedTwiceError
	if !errors.As(err, &twice) || *twice != (rotation.OwnedTwiceError{Shop: "a", First: "connection", Second: "fleet"}) {
		t.Errorf("the error is %v", err)
	}
	w.rerun()
	if err := w.engine.Claim("a", "fleet"); err != nil {
		t.Errorf("another walk: %v", err)
	}
}

// TestRelease_LeavesShopOfAnotherObject: with create-before-destroy, the object that is destroyed does not own the
// shop any more.
func TestRelease_LeavesShopOfAnotherObject(t *testing.T) {
	t.Parallel()
	for name, takeOver := range map[string]func(*testEnv, *rotation.Record){
		"nobody":                 nil,
		"somebody, by hand":      func(w *testEnv, _ *rotation.Record) { w.shops.move("a", "M1-hand") },
		"the same key, anew":     func(w *testEnv, r *rotation.Record) { w.shops.move("a", r.Username) },
		"another object, so far": func(w *testEnv, _ *rotation.Record) { _, _ = w.connect(config(), &rotation.Record{MerchantID: "M1"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-hand"))
			var record rotation.Record
			if _, err := w.connect(config(), &record); err != nil {
				t.Fatal(err)
			}
			w.rerun()
			if takeOver != nil {
				takeOver(w, &record)
			}
			holds := w.shops.holds("a")
			cleared, err := w.engine.Release(t.Context(), "a", record)
			if err != nil || cleared != (takeOver == nil) {
				t.Errorf("cleared: %t, error %v", cleared, err)
			}
			if cleared {
				holds = ""
			}
			w.wantHolds("a", holds)
		})
	}
}

// TestLeave_TellsWhatIsLeft: the shop goes on with the recorded key, unless another object of the walk has given it
// another one. Then the recorded key is held no longer, and nothing waits for it.
func TestLeave_TellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-other"), m1("M1-lost"))
	record := rotation.Record{MerchantID: "M1", CredentialID: "id-M1-old", Username: "M1-old"}
	record.Memory.Others = []string{"M1-other", "M1-lost"}
	if err := w.engine.DeleteLeftovers(t.Context(), []kustom.Orphan{orphan("M1-lost")}); err != nil {
		t.Fatal(err)
	}
	if left := w.engine.Leave("a", record); left.Given != "" || !slices.Equal(left.Others, []string{"M1-other"}) {
		t.Errorf("it leaves %+v", left)
	}
	w.rerun()
	var next rotation.Record
	if _, err := w.connect(config(), &next); err != nil {
		t.Fatal(err)
	}
	if left := w.engine.Leave("a", record); left.Given != next.Username {
		t.Errorf("it leaves %+v, and the shop has %s", left, next.Username)
	}
	if err := w.engine.Shops.Unused(t.Context(), orphan("M1-old"), time.Time{}); err != nil {
		t.Errorf("the key that the shop had: %v", err)
	}
	wantInUse(t, w.engine.Shops.Unused(t.Context(), orphan(next.Username), time.Time{}))
}

// TestIsManaged_KnowsKeysOfTheWalk: what deletes such a key when it is replaced needs no warning.
func TestIsManaged_KnowsKeysOfTheWalk(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, nil)
	if w.engine.IsManaged("M1-old") {
		t.Error("a key is managed that nobody has named")
	}
	if w.engine.Manage("M1-old"); !w.engine.IsManaged("M1-old") || w.engine.IsManaged("M1-other") {
		t.Error("what is managed is not what was named")
	}
}

// TestLostKeys_FindsKeyOfDestroyedRecord: a run was killed after it asked for a key, and the object is destroyed.
func TestLostKeys_FindsKeyOfDestroyedRecord(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	plan := w.plan(config())
	w.portal.after = func(kind, _ string, call int) error {
		if kind == generate && call == 1 {
			return errLost
		}
		return nil
	}
	_, _ = w.engine.Execute(t.Context(), plan, rotation.Rules{}, &rotation.Record{})
	w.rerun()
	lost, err := w.engine.LostKeys(t.Context(), "a", rotation.Record{MerchantID: "M1"})
	if err != nil || len(lost) != 1 || lost[0].Username != "M1-new1" {
		t.Fatalf("it found %v, error %v", lost, err)
	}
	if err := w.engine.DeleteLeftovers(t.Context(), lost); err != nil {
		t.Error(err)
	}
	w.wantKeys("M1-old")
	w.wantHolds("a", "M1-old")
}

// TestInventory_NamesShopsOfEachKey, and the shops that can't be read.
func TestInventory_NamesShopsOfEachKey(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-x", "b": "M1-x", "dead": "M1-y"}, m1("M1-x"), m1("M1-y"))
	w.shops.before = deadShop
	keys, unread, err := w.engine.Inventory(t.Context(), "M1")
	if err != nil || len(keys) != 2 || len(unread) != 1 || unread[0].Shop != "dead" {
		t.Fatalf("the keys are %v, unread %v, error %v", keys, unread, err)
	}
	if !slices.Equal(keys[0].Shops, []string{"a", "b"}) || len(keys[1].Shops) != 0 {
		t.Errorf("the keys are %v", keys)
	}
	if _, err := w.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "x"}); err != nil {
		t.Fatal(err)
	}
	keys = append(keys, rotation.StoreKey{KeyRef: rotation.KeyRef{MerchantID: "M1", CredentialID: "id-new1"}})
	if got := w.engine.NotMade(keys); len(got) != 2 {
		t.Errorf("a key of this very walk is among those to delete: %v", got)
	}
}

// TestDeleteAll_SparesYoungKeysOfOtherRuns: another run may stall between creating a key and installing it.
func TestDeleteAll_SparesYoungKeysOfOtherRuns(t *testing.T) {
	t.Parallel()
	aged := func(name string, age time.Duration) kustom.Key {
		made := m1(name)
		made.CreatedAt = noon.Add(-age)
		return made
	}
	today := aged("M1-today", 12*time.Hour)
	today.Precision = 24 * time.Hour
	w := newTestEnv(t, map[string]string{"a": "M1-held", "b": "M1-replaced"},
		aged("M1-old", 61*time.Minute), aged("M1-young", 59*time.Minute), aged("M1-held", time.Minute), aged("M1-replaced", 2*time.Minute), today)
	inventory := func() []rotation.StoreKey {
		t.Helper()
		keys, _, err := w.engine.Inventory(t.Context(), "M1")
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	inventory()
	// The walk itself gives shop b another key: nobody else is about to install the one that b had.
	if _, err := w.shops.Install(t.Context(), "b", "M1-held", "secret"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(rotation.FreshFor)
	others := slices.DeleteFunc(inventory(), func(key rotation.StoreKey) bool { return key.Username == "M1-held" })
	for i, err := range w.engine.DeleteAll(t.Context(), others, rotation.Evidence{Unverified: true, UnusedFor: time.Minute}) {
		name := others[i].Username
		young := (*rotation.KeyTooYoungError)(nil)
		if got, want := errors.As(err, &young), name == "M1-young" || name == "M1-today"; got != want || err != nil && !got {
			t.Errorf("deleting %s: %v", name, err)
		}
	}
	w.wantKeys("M1-held", "M1-today", "M1-young")
	w.clock.Advance(time.Minute)
	for _, key := range inventory() {
		if key.Username == "M1-young" && !key.YoungUntil.IsZero() {
			t.Errorf("a key that is an hour old is young until %s", key.YoungUntil)
		}
	}
}

// TestDeleteAll_NeedsShopsOrEvidence: that no shop can be asked is no proof.
func TestDeleteAll_NeedsShopsOrEvidence(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shops    map[string]string
		evidence rotation.Evidence
		deleted  bool
	}{
		"no shop":                {},
		"no shop, opted in":      {evidence: rotation.Evidence{Unverified: true}, deleted: true},
		"no shop, long unused":   {evidence: rotation.Evidence{UnusedFor: time.Hour}, deleted: true},
		"no shop, used recently": {evidence: rotation.Evidence{UnusedFor: 10000 * time.Hour}},
		"a shop":                 {shops: map[string]string{"a": "M1-new"}, deleted: true},
		"a shop that holds it":   {shops: map[string]string{"a": "M1-old"}},
		"held, opted in":         {shops: map[string]string{"a": "M1-old"}, evidence: rotation.Evidence{Unverified: true, UnusedFor: time.Hour}},
		"dead shop":              {shops: map[string]string{"dead": "M1-x", "a": "M1-new"}},
		"dead shop, opted in":    {shops: map[string]string{"dead": "M1-x", "a": "M1-new"}, evidence: rotation.Evidence{Unverified: true}},
		"only a dead shop":       {shops: map[string]string{"dead": "M1-x"}, evidence: rotation.Evidence{Unverified: true}},
		"dead shop, long unused": {shops: map[string]string{"dead": "M1-x", "a": "M1-new"}, evidence: rotation.Evidence{UnusedFor: time.Hour}, deleted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, test.shops, m1("M1-old"), m1("M1-new"))
			w.shops.before = deadShop
			ctx, cancel := clock.WithTimeout(t.Context(), w.clock, time.Minute)
			defer cancel()
			errs := w.engine.DeleteAll(ctx, []rotation.StoreKey{{KeyRef: ref(m1("M1-old"))}}, test.evidence)
			if (errs[0] == nil) != test.deleted || slices.Contains(w.portal.usernames(), "M1-old") == test.deleted {
				t.Errorf("the keys are %q, error %v", w.portal.usernames(), errs[0])
			}
		})
	}
}

// TestFleet_OneShopsTroubleIsItsOwn: of three shops one can't be read and one client panics; the third is switched.
func TestFleet_OneShopsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"dead": "M3-old", "panics": "M2-old", "works": "M1-old"},
		m1("M1-old"), key("2", "M2-old", host, 2026, 0), key("3", "M3-old", host, 2026, 0))
	w.shops.before = func(ctx context.Context, kind, shop string, call int) error {
		if kind == write && shop == "panics" {
			panic("index out of range")
		}
		return deadShop(ctx, kind, shop, call)
	}
	f := rotation.Fleet{
		Engine: w.engine, Concurrency: 2, General: func(error) bool { return false }, ReadTimeout: time.Hour, WriteTimeout: time.Hour,
	}
	for i, name := range []string{"dead", "panics", "works"} {
		f.Members = append(f.Members, &rotation.Member{Name: name, Config: &rotation.Config{Shop: name, MerchantID: fmt.Sprintf("M%d", 3-i)}})
	}
	if failures := f.Decide(t.Context()); len(failures) != 1 || failures[0].Member.Name != "dead" {
		t.Fatalf("the plan's failures are %v", failures)
	}
	failures := f.Execute(t.Context())
	var panicked *rotation.PanicError
	if len(failures) != 2 || failures[1].Member.Name != "panics" || !errors.As(failures[1].Err, &panicked) {
		t.Errorf("the failures are %v", failures)
	}
	w.wantHolds("works", f.Members[2].Record.Username)
	w.wantHolds("panics", "M2-old")
	if slices.Contains(w.portal.usernames(), "M1-old") {
		t.Error("the dead shop of another store kept the key of the one that works")
	}
	left := f.Members[1].Record.Memory.Unsettled
	if len(left) != 1 || left[0].Attempted.IsZero() || !slices.Contains(w.portal.usernames(), left[0].Username) {
		t.Errorf("of the one that panics it remembers %v", left)
	}
}

// TestRetryPending_DeletesWhatAShopKeptThatIsKnownNow: which store an unreadable shop belongs to can be told later in
// the walk.
func TestRetryPending_DeletesWhatAShopKeptThatIsKnownNow(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "dead": "M2-x"}, m1("M1-old"))
	w.shops.before = deadShop
	var record rotation.Record
	if kept, err := w.connect(config(), &record); err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	w.engine.RetryPending(t.Context())
	w.wantKeys("M1-old", "M1-new1")
	w.engine.Shops.Belongs("dead", "M2", "")
	w.engine.RetryPending(t.Context())
	w.wantKeys("M1-new1")
}
