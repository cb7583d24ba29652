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
			env := newTestEnv(t, map[string]string{"a": shown, "b": "M1-other"}, m1("M1-aB3dE"), m1("M1-other"))
			if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-aB3dE"), 0); err == nil {
				t.Error("it was deleted")
			}
			env.wantKeys("M1-aB3dE", "M1-other")
		})
	}
}

// TestExecute_RemembersReplayedKeyThatReadsDoNotShowYet: the run before was killed right after the portal has made the
// key, and reads of the portal lag.
func TestExecute_RemembersReplayedKeyThatReadsDoNotShowYet(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	plan := env.plan(config())
	env.portal.after = func(kind, _ string, call int) error {
		if kind == generateCall && call == 1 {
			return errLost
		}
		return nil
	}
	_, _ = env.engine.Execute(t.Context(), plan, rotation.Rules{}, &rotation.Record{})
	killed := env.clock.Now()
	env.newRun()
	env.portal.hidden = func(key kustom.Key) bool {
		return key.Username == "M1-new1" && env.clock.Now().Sub(killed) < 20*time.Second
	}
	var record rotation.Record
	if _, err := env.connect(config(), &record); err != nil {
		t.Fatal(err)
	}
	if left := record.Memory.Undeleted; slices.Contains(env.portal.usernames(), "M1-new1") && len(left) == 0 {
		t.Errorf("the keys are %q, and it remembers none of them", env.portal.usernames())
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
		if got := rotation.IsIdle(test.key, 24*time.Hour, noon); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestExecute_RemembersUndoneKeyThatTheDeletionDidNotKnow: the replica that the deletion came to had not heard of the key.
func TestExecute_RemembersUndoneKeyThatTheDeletionDidNotKnow(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	plan := env.plan(config())
	began := env.clock.Now()
	lags := func() bool { return env.clock.Now().Sub(began) < 10*time.Second }
	env.merchant.verdicts = []kustom.Verdict{kustom.VerdictUnknown}
	env.portal.hidden = func(key kustom.Key) bool { return key.Username == "M1-new1" && lags() }
	env.portal.before = func(kind, _ string, _ int) error {
		if kind == deleteCall && lags() {
			return &transport.Error{Method: http.MethodDelete, Kind: transport.Refused, Status: http.StatusNotFound}
		}
		return nil
	}
	var record rotation.Record
	_, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
	if err == nil {
		t.Fatal("it worked")
	}
	if slices.Contains(env.portal.usernames(), "M1-new1") && len(record.Memory.Undeleted) == 0 {
		t.Errorf("the keys are %q, and it remembers none of them", env.portal.usernames())
	}
}

// TestExecute_RemembersKeyThroughAnyPanic, be it in what records the steps.
func TestExecute_RemembersKeyThroughAnyPanic(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 12; n++ {
		env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
		env.journal = &countingJournal{at: n}
		env.newRun()
		var record rotation.Record
		_, err := env.connect(config(), &record)
		holds := env.shops.holds("a")
		if !slices.Contains(env.portal.usernames(), holds) {
			t.Errorf("step %d: the shop holds %s, which does not exist", n, holds)
		}
		for _, username := range env.portal.usernames() {
			known := username == "M1-old" || username == record.Username
			for _, left := range record.Memory.Undeleted {
				known = known || left.Username == username
			}
			if !known {
				t.Errorf("step %d: nobody remembers %s, error %v", n, username, err)
			}
		}
	}
}

type countingJournal struct{ at, steps int }

func (j *countingJournal) Record(rotation.Entry) error {
	if j.steps++; j.steps == j.at {
		panic("index out of range")
	}
	return nil
}

// TestDeleteUnused_AsksAgainBeforeEachTry: another run installs the key while the portal has to be asked again.
func TestDeleteUnused_AsksAgainBeforeEachTry(t *testing.T) {
	t.Parallel()
	unavailable := &transport.Error{Method: http.MethodDelete, Kind: transport.Refused, Status: http.StatusServiceUnavailable, Uncertain: true}
	env := newTestEnv(t, map[string]string{"a": "M1-other", "b": ""}, m1("M1-old"), m1("M1-other"))
	env.portal.before = func(kind, _ string, call int) error {
		if kind == deleteCall && call == 1 {
			env.shops.set("b", "M1-old")
			return unavailable
		}
		return nil
	}
	wantInUse(t, env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0))
	env.wantHolds("b", "M1-old")
}

// TestClear_LooksAgainBeforeEachTry: another run gives the shop a key while the shop's API has to be asked again.
func TestClear_LooksAgainBeforeEachTry(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-other"))
	env.shops.before = func(_ context.Context, kind, _ string, call int) error {
		if kind == writeCall && call == 1 {
			env.shops.set("a", "M1-other")
			return outdatedError{}
		}
		return nil
	}
	if cleared, err := env.engine.Shops.Clear(t.Context(), "a", "M1-old", ""); err != nil || cleared {
		t.Errorf("cleared: %t, error %v", cleared, err)
	}
	env.wantHolds("a", "M1-other")
}

// TestDeleteUnused_WaitsWhereUseIsRecent: another run has just proven and installed an old key, and reads of shops lag.
func TestDeleteUnused_WaitsWhereUseIsRecent(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-other", "b": ""}, m1("M1-old"), m1("M1-other"))
	env.shops.lag = 20 * time.Second
	env.setLastUsed("M1-old", env.clock.Now())
	env.clock.Advance(time.Second)
	env.shops.set("b", "M1-old")
	wantInUse(t, env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0))
	env.wantHolds("b", "M1-old")
}

// TestDeleteQuiet_LooksAgainWhereTheShopRotatesToo: the plan is applied later than it was made, and something uses the
// key again.
func TestDeleteQuiet_LooksAgainWhereTheShopRotatesToo(t *testing.T) {
	t.Parallel()
	for _, rotates := range []bool{false, true} {
		env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
		c := config()
		c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: 24 * time.Hour}
		var record rotation.Record
		if _, err := env.connect(c, &record); err != nil {
			t.Fatal(err)
		}
		env.clock.Advance(48 * time.Hour)
		env.newRun()
		if err := env.engine.Read(t.Context(), "a", &record); err != nil {
			t.Fatal(err)
		}
		if rotates {
			c.Triggers = map[string]string{"turn": "2"}
		}
		plan, err := rotation.Decide(c, &record, nil)
		if err != nil || len(plan.Delete) == 0 || plan.Generate != rotates {
			t.Fatalf("the plan is %+v, error %v", plan, err)
		}
		env.clock.Advance(48 * time.Hour)
		env.setLastUsed("M1-old", env.clock.Now())
		env.clock.Advance(time.Minute)
		env.newRun()
		if _, err := env.engine.Execute(t.Context(), plan, c.Rules, &record); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(env.portal.usernames(), "M1-old") {
			t.Errorf("rotates: %t: a key was deleted that was used a minute ago", rotates)
		}
	}
}

// TestRetireAgain_LooksAgainForUse: another shop held the key, and has moved on since. Something else uses it now.
func TestRetireAgain_LooksAgainForUse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"), m1("M1-other"))
	c := config()
	c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: 24 * time.Hour}
	var record rotation.Record
	if _, err := env.connect(c, &record); err != nil {
		t.Fatal(err)
	}
	env.clock.Advance(48 * time.Hour)
	env.newRun()
	if err := env.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.Decide(c, &record, nil)
	if err != nil || len(plan.Delete) == 0 {
		t.Fatalf("the plan is %+v, error %v", plan, err)
	}
	kept, err := env.engine.Execute(t.Context(), plan, c.Rules, &record)
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	env.shops.set("b", "M1-other")
	env.setLastUsed("M1-old", env.clock.Now())
	env.clock.Advance(time.Minute)
	kept = env.engine.RetryDeletions(t.Context(), kept, c.Rules, &record.Memory)
	if len(kept) != 1 || !slices.Contains(env.portal.usernames(), "M1-old") {
		t.Errorf("a key was deleted that was used a minute ago; kept %v", kept)
	}
}

// wantPlanRefused fails the test unless a plan for shop a and store M1 is refused because the shop belongs to another store.
func (env *testEnv) wantPlanRefused(present string) {
	env.Helper()
	seen, err := env.engine.Observe(env.Context(), "a", "M1", "")
	if err != nil {
		env.Fatal(err)
	}
	_, err = rotation.Decide(config(), nil, &seen)
	var wrong *rotation.WrongStoreError
	if !errors.As(err, &wrong) || wrong.Present != present {
		env.Errorf("the error is %v", err)
	}
}

// TestDecide_RefusesStoreOfKeyInAnotherStoresList: the form of the shop's username does not tell its store.
func TestDecide_RefusesStoreOfKeyInAnotherStoresList(t *testing.T) {
	t.Parallel()
	const old = "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"
	env := newTestEnv(t, map[string]string{"a": old}, key("2", old, "api.klarna.com", 2020, time.May), m1("M1-x"))
	env.wantPlanRefused("M2")
}

// TestDecide_RefusesStoreThatTheShopWasLastSeenWith, where its page hides its key now.
func TestDecide_RefusesStoreThatTheShopWasLastSeenWith(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M2-old"}, key("2", "M2-old", host, 2026, 0), m1("M1-x"))
	env.cache = rotation.LocalCache{Dir: t.TempDir()}
	env.newRun()
	if _, err := env.engine.Shops.Credentials(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	env.newRun()
	env.hideKey()
	env.wantPlanRefused("M2")
}

// TestClaim_ComparesShopsAsTheirAddressesAre: the case of a shop's name does not count.
func TestClaim_ComparesShopsAsTheirAddressesAre(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil)
	if err := env.engine.Claim("Butikk", "connection"); err != nil {
		t.Fatal(err)
	}
	var twice *rotation.OwnedTwiceError
	if err := env.engine.Claim("butikk", "fleet"); !errors.As(err, &twice) {
		t.Errorf("the error is %v", err)
	}
}

// TestFleet_AsksShopsBeforeItDeletesAgain: what the portal still lists when all shops are done may be in use by now.
func TestFleet_AsksShopsBeforeItDeletesAgain(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": ""}, m1("M1-old"))
	env.portal.undeletable = "id-M1-old"
	env.portal.after = func(kind, about string, call int) error {
		if kind == deleteCall && about == "id-M1-old" && call == 1 {
			env.portal.mu.Lock()
			env.portal.undeletable = ""
			env.portal.mu.Unlock()
			env.clock.Advance(rotation.FreshFor)
			env.shops.set("b", "M1-old")
		}
		return nil
	}
	f := rotation.Fleet{
		Engine: env.engine, Concurrency: 1, IsOutage: func(error) bool { return false }, ReadTimeout: time.Hour, WriteTimeout: time.Hour,
		Members: []*rotation.Member{{Name: "a", Config: &rotation.Config{Shop: "a", MerchantID: "M1"}}},
	}
	if failures := f.Decide(t.Context()); len(failures) > 0 {
		t.Fatal(failures)
	}
	f.Execute(t.Context())
	env.wantHolds("b", "M1-old")
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
	env := newTestEnv(t, map[string]string{"a": "M1-held", "b": "M1-replaced"},
		aged("M1-old", 61*time.Minute), aged("M1-young", 59*time.Minute), aged("M1-held", time.Minute), aged("M1-replaced", 2*time.Minute), today)
	inventory := func() []rotation.StoreKey {
		t.Helper()
		keys, _, err := env.engine.Inventory(t.Context(), "M1")
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	inventory()
	// The walk itself gives shop b another key: nobody else is about to install the one that b had.
	if _, err := env.shops.Install(t.Context(), "b", "M1-held", "secret"); err != nil {
		t.Fatal(err)
	}
	env.clock.Advance(rotation.FreshFor)
	others := slices.DeleteFunc(inventory(), func(key rotation.StoreKey) bool { return key.Username == "M1-held" })
	for i, err := range env.engine.DeleteAll(t.Context(), others, rotation.Evidence{Unverified: true, UnusedFor: time.Minute}) {
		name := others[i].Username
		young := (*rotation.KeyTooYoungError)(nil)
		if got, want := errors.As(err, &young), name == "M1-young" || name == "M1-today"; got != want || err != nil && !got {
			t.Errorf("deleting %s: %v", name, err)
		}
	}
	env.wantKeys("M1-held", "M1-today", "M1-young")
	env.clock.Advance(time.Minute)
	for _, key := range inventory() {
		if key.Username == "M1-young" && !key.YoungUntil.IsZero() {
			t.Errorf("a key that is an hour old is young until %s", key.YoungUntil)
		}
	}
}

// TestDelete_DoesNotRepeatWhatNobodyKnows: the portal's answer was lost, then the portal was out of reach for long.
func TestDelete_DoesNotRepeatWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
	late := *errLost
	late.Late = true
	env.portal.before = func(kind, _ string, _ int) error {
		if kind == deleteCall || env.portal.called(deleteCall) > 0 {
			return &late
		}
		return nil
	}
	if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0); err == nil || transport.IsOutdated(err) {
		t.Errorf("the error is %v", err)
	}
	if n := env.portal.called(deleteCall); n != 1 {
		t.Errorf("it asked for the deletion %d times", n)
	}
}
