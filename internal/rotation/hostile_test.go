package rotation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// This file has what vendors and people may do that would make the engine delete a key in use, or lose one.

// TestGuard_KeepsKeyThatAShopShowsInAnotherForm: what the shop shows is that key to a person, and not to a comparison.
func TestGuard_KeepsKeyThatAShopShowsInAnotherForm(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{
		"space behind":     "M1-aB3dE ",
		"line break":       "M1-aB3dE\r\n",
		"hard space":       "\u00a0M1-aB3dE",
		"zero-width space": "M1-aB3dE\u200b",
		"byte order mark":  "\ufeffM1-aB3dE",
		"other case":       "m1-AB3DE",
		"stars at the end": "M1-aB***",
		"dots at the end":  "M1-aB•••",
		"all but the MID":  "M1-*****",
		"crosses":          "M1-xxxxx",
		"cut":              "M1-aB…",
		"cut by full dots": "M1-aB...",
		"all masked":       "********",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, map[string]string{"a": shown, "b": "M1-other"}, m1("M1-aB3dE"), m1("M1-other"))
			if err := w.engine.DeleteUnused(t.Context(), orphan("M1-aB3dE"), 0); err == nil {
				t.Error("it was deleted")
			}
			w.wantKeys("M1-aB3dE", "M1-other")
		})
	}
}

// TestExecute_RemembersReplayedKeyThatReadsDoNotShowYet: the run before was killed right after the portal has made the
// key, and reads of the portal lag.
func TestExecute_RemembersReplayedKeyThatReadsDoNotShowYet(t *testing.T) {
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
	killed := w.clock.Now()
	w.rerun()
	w.portal.hidden = func(key kustom.Key) bool {
		return key.Username == "M1-new1" && w.clock.Now().Sub(killed) < 20*time.Second
	}
	var record rotation.Record
	if _, err := w.connect(config(), &record); err != nil {
		t.Fatal(err)
	}
	if left := record.Memory.Unsettled; slices.Contains(w.portal.usernames(), "M1-new1") && len(left) == 0 {
		t.Errorf("the keys are %q, and it remembers none of them", w.portal.usernames())
	}
}

// TestQuiet_NeedsAMoment: a portal that tells neither when a key was made nor when it was used tells nothing.
func TestQuiet_NeedsAMoment(t *testing.T) {
	t.Parallel()
	used := noon.Add(-48 * time.Hour)
	for name, test := range map[string]struct {
		key  kustom.Key
		want bool
	}{
		"neither":          {kustom.Key{}, false},
		"used long ago":    {kustom.Key{LastUsedAt: &used}, true},
		"made long ago":    {kustom.Key{CreatedAt: used}, true},
		"used at year one": {kustom.Key{LastUsedAt: &time.Time{}}, false},
	} {
		if got := rotation.Quiet(test.key, 24*time.Hour, noon); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestExecute_RemembersUndoneKeyThatTheDeletionDidNotKnow: the replica that the deletion came to had not heard of the key.
func TestExecute_RemembersUndoneKeyThatTheDeletionDidNotKnow(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	plan := w.plan(config())
	began := w.clock.Now()
	lags := func() bool { return w.clock.Now().Sub(began) < 10*time.Second }
	w.prover.verdicts = []kustom.Verdict{kustom.VerdictUnknown}
	w.portal.hidden = func(key kustom.Key) bool { return key.Username == "M1-new1" && lags() }
	w.portal.before = func(kind, _ string, _ int) error {
		if kind == discard && lags() {
			return &transport.Error{Method: http.MethodDelete, Kind: transport.Refused, Status: http.StatusNotFound}
		}
		return nil
	}
	var record rotation.Record
	_, err := w.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
	if err == nil {
		t.Fatal("it worked")
	}
	if slices.Contains(w.portal.usernames(), "M1-new1") && len(record.Memory.Unsettled) == 0 {
		t.Errorf("the keys are %q, and it remembers none of them", w.portal.usernames())
	}
}

// TestExecute_RemembersKeyThroughAnyPanic, be it in what records the steps.
func TestExecute_RemembersKeyThroughAnyPanic(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 12; n++ {
		w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
		w.journal = &panickingJournal{at: n}
		w.rerun()
		var record rotation.Record
		_, err := w.connect(config(), &record)
		holds := w.shops.holds("a")
		if !slices.Contains(w.portal.usernames(), holds) {
			t.Errorf("step %d: the shop holds %s, which does not exist", n, holds)
		}
		for _, username := range w.portal.usernames() {
			known := username == "M1-old" || username == record.Username
			for _, left := range record.Memory.Unsettled {
				known = known || left.Username == username
			}
			if !known {
				t.Errorf("step %d: nobody remembers %s, error %v", n, username, err)
			}
		}
	}
}

type panickingJournal struct{ at, steps int }

func (j *panickingJournal) Record(rotation.Entry) error {
	if j.steps++; j.steps == j.at {
		panic("index out of range")
	}
	return nil
}

// TestDeleteUnused_AsksAgainBeforeEachTry: another run installs the key while the portal has to be asked again.
func TestDeleteUnused_AsksAgainBeforeEachTry(t *testing.T) {
	t.Parallel()
	unavailable := &transport.Error{Method: http.MethodDelete, Kind: transport.Refused, Status: http.StatusServiceUnavailable, Uncertain: true}
	w := newTestEnv(t, map[string]string{"a": "M1-other", "b": ""}, m1("M1-old"), m1("M1-other"))
	w.portal.before = func(kind, _ string, call int) error {
		if kind == discard && call == 1 {
			w.shops.move("b", "M1-old")
			return unavailable
		}
		return nil
	}
	wantInUse(t, w.engine.DeleteUnused(t.Context(), orphan("M1-old"), 0))
	w.wantHolds("b", "M1-old")
}

// TestClear_LooksAgainBeforeEachTry: another run gives the shop a key while the shop's API has to be asked again.
func TestClear_LooksAgainBeforeEachTry(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-other"))
	w.shops.before = func(_ context.Context, kind, _ string, call int) error {
		if kind == write && call == 1 {
			w.shops.move("a", "M1-other")
			return outdatedError{}
		}
		return nil
	}
	if cleared, err := w.engine.Shops.Clear(t.Context(), "a", "M1-old", ""); err != nil || cleared {
		t.Errorf("cleared: %t, error %v", cleared, err)
	}
	w.wantHolds("a", "M1-other")
}

// TestDeleteUnused_WaitsWhereUseIsRecent: another run has just proven and installed an old key, and reads of shops lag.
func TestDeleteUnused_WaitsWhereUseIsRecent(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-other", "b": ""}, m1("M1-old"), m1("M1-other"))
	w.shops.lag = 20 * time.Second
	w.use("M1-old", w.clock.Now())
	w.clock.Advance(time.Second)
	w.shops.move("b", "M1-old")
	wantInUse(t, w.engine.DeleteUnused(t.Context(), orphan("M1-old"), 0))
	w.wantHolds("b", "M1-old")
}

// TestDeleteQuiet_LooksAgainWhereTheShopRotatesToo: the plan is applied later than it was made, and something uses the
// key again.
func TestDeleteQuiet_LooksAgainWhereTheShopRotatesToo(t *testing.T) {
	t.Parallel()
	for _, rotates := range []bool{false, true} {
		w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
		c := config()
		c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: 24 * time.Hour}
		var record rotation.Record
		if _, err := w.connect(c, &record); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(48 * time.Hour)
		w.rerun()
		if err := w.engine.Read(t.Context(), "a", &record); err != nil {
			t.Fatal(err)
		}
		if rotates {
			c.Triggers = map[string]string{"turn": "2"}
		}
		plan, err := rotation.Decide(c, &record, nil)
		if err != nil || len(plan.Delete) == 0 || plan.Generate != rotates {
			t.Fatalf("the plan is %+v, error %v", plan, err)
		}
		w.clock.Advance(48 * time.Hour)
		w.use("M1-old", w.clock.Now())
		w.clock.Advance(time.Minute)
		w.rerun()
		if _, err := w.engine.Execute(t.Context(), plan, c.Rules, &record); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(w.portal.usernames(), "M1-old") {
			t.Errorf("rotates: %t: a key was deleted that was used a minute ago", rotates)
		}
	}
}

// TestRetireAgain_LooksAgainForUse: another shop held the key, and has moved on since. Something else uses it now.
func TestRetireAgain_LooksAgainForUse(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"), m1("M1-other"))
	c := config()
	c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: 24 * time.Hour}
	var record rotation.Record
	if _, err := w.connect(c, &record); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(48 * time.Hour)
	w.rerun()
	if err := w.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.Decide(c, &record, nil)
	if err != nil || len(plan.Delete) == 0 {
		t.Fatalf("the plan is %+v, error %v", plan, err)
	}
	kept, err := w.engine.Execute(t.Context(), plan, c.Rules, &record)
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	w.shops.move("b", "M1-other")
	w.use("M1-old", w.clock.Now())
	w.clock.Advance(time.Minute)
	kept = w.engine.RetireAgain(t.Context(), kept, c.Rules, &record.Memory)
	if len(kept) != 1 || !slices.Contains(w.portal.usernames(), "M1-old") {
		t.Errorf("a key was deleted that was used a minute ago; kept %v", kept)
	}
}

// TestDecide_RefusesStoreOfKeyInAnotherStoresList: the form of the shop's username does not tell its store.
func TestDecide_RefusesStoreOfKeyInAnotherStoresList(t *testing.T) {
	t.Parallel()
	const old = "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"
	w := newTestEnv(t, map[string]string{"a": old}, key("2", old, "api.klarna.com", 2020, time.May), m1("M1-x"))
	seen, err := w.engine.Observe(t.Context(), "a", "M1", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = rotation.Decide(config(), nil, &seen)
	var wrong *rotation.WrongStoreError
	if !errors.As(err, &wrong) || wrong.Present != "M2" {
		t.Errorf("the error is %v", err)
	}
}

// TestDecide_RefusesStoreThatTheShopWasLastSeenWith, where its page hides its key now.
func TestDecide_RefusesStoreThatTheShopWasLastSeenWith(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M2-old"}, key("2", "M2-old", host, 2026, 0), m1("M1-x"))
	w.sightings = rotation.Sightings{Dir: t.TempDir()}
	w.rerun()
	if _, err := w.engine.Shops.Credentials(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	w.rerun()
	w.hide()
	seen, err := w.engine.Observe(t.Context(), "a", "M1", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = rotation.Decide(config(), nil, &seen)
	var wrong *rotation.WrongStoreError
	if !errors.As(err, &wrong) || wrong.Present != "M2" {
		t.Errorf("the error is %v", err)
	}
}

// TestClaim_ComparesShopsAsTheirAddressesAre: the case of a shop's name does not count.
func TestClaim_ComparesShopsAsTheirAddressesAre(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, nil)
	if err := w.engine.Claim("Butikk", "connection"); err != nil {
		t.Fatal(err)
	}
	var twice *rotation.OwnedTwiceError
	if err := w.engine.Claim("butikk", "fleet"); !errors.As(err, &twice) {
		t.Errorf("the error is %v", err)
	}
}

// TestFleet_AsksShopsBeforeItDeletesAgain: what the portal still lists when all shops are done may be in use by now.
func TestFleet_AsksShopsBeforeItDeletesAgain(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": ""}, m1("M1-old"))
	w.portal.stays = "id-M1-old"
	w.portal.after = func(kind, about string, call int) error {
		if kind == discard && about == "id-M1-old" && call == 1 {
			w.portal.mu.Lock()
			w.portal.stays = ""
			w.portal.mu.Unlock()
			w.clock.Advance(rotation.FreshFor)
			w.shops.move("b", "M1-old")
		}
		return nil
	}
	f := rotation.Fleet{
		Engine: w.engine, Concurrency: 1, General: func(error) bool { return false }, ReadTimeout: time.Hour, WriteTimeout: time.Hour,
		Members: []*rotation.Member{{Name: "a", Config: &rotation.Config{Shop: "a", MerchantID: "M1"}}},
	}
	if failures := f.Decide(t.Context()); len(failures) > 0 {
		t.Fatal(failures)
	}
	f.Execute(t.Context())
	w.wantHolds("b", "M1-old")
}
