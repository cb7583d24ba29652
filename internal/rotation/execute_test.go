package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestExecute_SwitchesShop(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-other"))
	var record rotation.Record
	env.mustConnect(config(), &record)
	env.wantHolds("a", "M1-new1")
	env.wantKeys("M1-new1", "M1-other")
	if got := env.shops.secrets["a"]; got != "kco_live_api_new1" {
		t.Errorf("the shop got the secret %q", got)
	}
	if record.Username != "M1-new1" || record.CredentialID != "id-new1" || record.Reason == "" || len(record.Memory.Undeleted) != 0 {
		t.Errorf("the record is %+v", record)
	}
	if len(record.KeysToDelete) != 1 || record.KeysToDelete[0].Username != "M1-old" {
		t.Errorf("deleted: %v", record.KeysToDelete)
	}
}

// TestExecute_NothingPlannedDoesNothing: the plan after an apply is empty, and so is what it does.
func TestExecute_NothingPlannedDoesNothing(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	var record rotation.Record
	env.mustConnect(config(), &record)
	env.newRun()
	if err := env.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.Decide(config(), &record, nil)
	if err != nil || plan.Generate || plan.Changes || plan.Undecided {
		t.Fatalf("the plan is %+v, error %v", plan, err)
	}
	writes := env.shops.called(writeCall, "a")
	env.mustExecute(plan, config().Rules, &record)
	if env.shops.called(writeCall, "a") != writes || env.portal.called(generateCall) != 1 {
		t.Error("it has done something")
	}
}

// TestExecute_FailureLeavesShopAndNoKey: the shop goes on with the key that it had, and the new one is deleted.
func TestExecute_FailureLeavesShopAndNoKey(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*testEnv){
		"the pair is refused": func(env *testEnv) { env.prover.verdicts = []kustom.Verdict{kustom.VerdictRefused} },
		"nothing is proven":   func(env *testEnv) { env.prover.verdicts = []kustom.Verdict{kustom.VerdictUnknown} },
		"the shop refuses it": func(env *testEnv) {
			env.shops.before = failShop(writeCall, "", errRefused)
		},
		"the keys can't be listed again": func(env *testEnv) {
			env.portal.before = failCall(listCall, 2, errLost)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.clock.Advance(time.Minute)
			breakIt(env)
			var record rotation.Record
			if _, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err == nil {
				t.Error("it worked")
			}
			env.wantHolds("a", "M1-old")
			env.wantKeys("M1-old")
			if record.CredentialID != "" || len(record.Memory.Undeleted) != 0 {
				t.Errorf("the record is %+v", record)
			}
		})
	}
}

// TestExecute_HoldsAcceptedWriteThatReadsDoNotShow: a key that the shop has accepted is not deleted because a
// lagging read does not show it, in this run or the next.
func TestExecute_HoldsAcceptedWriteThatReadsDoNotShow(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-other"}, m1("M1-old"), m1("M1-other"))
	plan := env.plan(config())
	env.shops.lag = 50 * time.Second
	var record rotation.Record
	_, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
	var unknown *rotation.KeyStateUnknownError
	if !errors.As(err, &unknown) {
		t.Fatalf("the error is %v", err)
	}
	env.wantHolds("a", "M1-new1")
	if left := record.Memory.Undeleted; len(left) != 1 || left[0].Username != "M1-new1" || left[0].Attempted.IsZero() {
		t.Fatalf("it remembers %+v", left)
	}
	// The next run, at once: it waits until a read can show what became of the write.
	env.newRun()
	began := env.clock.Now()
	err = env.engine.DeleteIfUnused(t.Context(), record.Memory.Undeleted[0], 0)
	wantInUse(t, err)
	if waited := env.clock.Now().Sub(began); waited < 20*time.Second {
		t.Errorf("it looked after %v", waited)
	}
	env.wantHolds("a", "M1-new1")
}

// TestExecute_FindsKeyOfKilledRun: killed after the portal has made the key. The next run asks with the same
// idempotency key, learns which key that was, and deletes it.
func TestExecute_FindsKeyOfKilledRun(t *testing.T) {
	t.Parallel()
	for _, recorded := range []bool{false, true} {
		t.Run(fmt.Sprintf("recorded: %t", recorded), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.portal.after = failCall(generateCall, 1, errLost)
			// What the killed run has noted is lost with it.
			_, _ = env.engine.Execute(t.Context(), plan, rotation.Rules{}, &rotation.Record{})
			env.wantKeys("M1-old", "M1-new1")
			env.newRun()
			var record rotation.Record
			if recorded {
				record = rotation.Record{MerchantID: "M1", CredentialID: "id-M1-old", Username: "M1-old"}
			}
			env.mustConnect(config(), &record)
			env.wantHolds("a", "M1-new3")
			env.wantKeys("M1-new3")
			if a := env.portal.asked; len(a) != 3 || a[0] != a[1] || a[1] == a[2] {
				t.Errorf("it asked with %q", a)
			}
		})
	}
}

// TestExecute_TellsOfDisplacedKey: somebody gives the shop a key after a plan was saved. The plan goes on, and says so.
func TestExecute_TellsOfDisplacedKey(t *testing.T) {
	t.Parallel()
	for held, warned := range map[string]bool{"M1-hand": true, "M1-own": false} {
		env := newTestEnv(t, map[string]string{"a": "M1-own"}, m1("M1-own"), m1("M1-hand"))
		record := rotation.Record{MerchantID: "M1", CredentialID: "id-M1-own", Username: "M1-own"}
		plan := env.plan(config())
		env.shops.set("a", held)
		env.newRun()
		if _, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, warning := range env.engine.Keys.Warnings() {
			said = append(said, warning.Summary+": "+warning.Detail)
		}
		if text := strings.Join(said, "\n"); strings.Contains(text, "Shop changed since the plan: Shop a held M1-hand") != warned {
			t.Errorf("of a shop that holds %s, it says %q", held, text)
		}
	}
}

// TestExecute_RefusesShopMovedToAnotherStore: somebody gives the shop another store's key after a plan was saved. What the
// plan was refused then, it is refused now.
func TestExecute_RefusesShopMovedToAnotherStore(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		for _, allowed := range []bool{false, true} {
			env := newTestEnv(t, map[string]string{"a": "M1-own"}, m1("M1-own"), key("2", "M2-hand", host, 2026, 0))
			var record rotation.Record
			if taken {
				record = rotation.Record{MerchantID: "M1", CredentialID: "id-M1-own", Username: "M1-own"}
			}
			plan := env.plan(config())
			env.shops.set("a", "M2-hand")
			env.newRun()
			_, err := env.engine.Execute(t.Context(), plan, rotation.Rules{AllowStoreChange: allowed}, &record)
			var wrong *rotation.WrongStoreError
			if errors.As(err, &wrong) == allowed {
				t.Errorf("taken over %t, allowed %t: the error is %v", taken, allowed, err)
			}
			if allowed {
				env.wantHolds("a", record.Username)
				continue
			}
			if wrong.Present != "M2" || wrong.Wanted != "M1" {
				t.Errorf("the error is %v", err)
			}
			env.wantHolds("a", "M2-hand")
			env.wantKeys("M1-own", "M2-hand")
		}
	}
}

// TestExecute_KilledTwice: one run is killed after the portal has made the key, the next one after the installation of
// another. The third deletes both, and the key that the shop had at first.
func TestExecute_KilledTwice(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-erp"))
	env.sightings = rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
	env.newRun()
	env.portal.after = failCall(generateCall, 1, errLost)
	// What a killed run has noted in its record is lost with it.
	_, _ = env.connect(config(), &rotation.Record{})
	env.newRun()
	env.portal.before = failCalls(deleteCall, errRefused)
	_, _ = env.connect(config(), &rotation.Record{})
	env.wantHolds("a", "M1-new3")
	env.wantKeys("M1-erp", "M1-new1", "M1-new3", "M1-old")
	env.portal.before = nil
	env.newRun()
	env.clock.Advance(time.Hour)
	var record rotation.Record
	env.mustConnect(config(), &record)
	env.wantKeys("M1-erp", record.Username)
}

// update reads shop a as it is recorded, decides, and executes, with the rules of the configuration.
func (env *testEnv) update(c rotation.Config, record *rotation.Record) rotation.Plan {
	env.Helper()
	env.newRun()
	env.clock.Advance(time.Hour)
	if err := env.engine.Read(env.Context(), "a", record); err != nil {
		env.Fatal(err)
	}
	plan, err := rotation.Decide(c, record, nil)
	if err != nil {
		env.Fatal(err)
	}
	_, _ = env.engine.Execute(env.Context(), plan, c.Rules, record)
	return plan
}

// killedUpdates connects shop a and updates it as often as said. Each of these runs is killed before it deletes a key:
// the record stays what it was.
func (env *testEnv) killedUpdates(times int) rotation.Record {
	env.Helper()
	env.sightings = rotation.LocalCache{Dir: filepath.Join(env.TempDir(), "shops")}
	env.newRun()
	var record rotation.Record
	env.mustConnect(config(), &record)
	env.portal.before = failCalls(deleteCall, errRefused)
	for n := range times {
		c, killed := config(), record
		c.Triggers = map[string]string{"turn": fmt.Sprint(n)}
		env.update(c, &killed)
	}
	env.portal.before = nil
	return record
}

// TestExecute_UpdateKilledTwice: each of two updates was killed after the installation of a key. The next one deletes
// the keys of both, and the recorded one.
func TestExecute_UpdateKilledTwice(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-erp"))
	record := env.killedUpdates(2)
	env.wantHolds("a", "M1-new3")
	env.wantKeys("M1-erp", "M1-new1", "M1-new2", "M1-new3")
	env.update(config(), &record)
	env.wantHolds("a", record.Username)
	env.wantKeys("M1-erp", record.Username)
	if plan := env.update(config(), &record); plan.Generate || plan.Changes {
		t.Errorf("the next plan is %+v", plan)
	}
}

// TestExecute_ImportAfterKilledUpdate: the shop's object is imported with the key that it has. The key that the killed
// run was about to delete goes by the policy for replaced keys, and the shop keeps its own.
func TestExecute_ImportAfterKilledUpdate(t *testing.T) {
	t.Parallel()
	for policy, want := range map[rotation.KeyPolicy][]string{
		rotation.DeleteKeys: {"M1-erp", "M1-new2"}, rotation.KeepKeys: {"M1-erp", "M1-new1", "M1-new2"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-erp"))
			env.killedUpdates(1)
			imported, c := rotation.Record{MerchantID: "M1", Memory: rotation.Memory{Imported: true}}, config()
			c.ReplacedKeys = policy
			if plan := env.update(c, &imported); plan.Generate || !plan.Changes || !strings.Contains(plan.Reason, "about to delete") {
				t.Errorf("the plan is %+v", plan)
			}
			env.wantHolds("a", "M1-new2")
			env.wantKeys(want...)
			if plan := env.update(c, &imported); plan.Generate || plan.Changes {
				t.Errorf("the next plan is %+v", plan)
			}
		})
	}
}

// TestExecute_KeyInUseIsNotLookedForAgain: a run that came to the end of its deletions left a key to another shop.
// Nothing of it is remembered.
func TestExecute_KeyInUseIsNotLookedForAgain(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"))
	env.sightings = rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
	env.newRun()
	var record rotation.Record
	if kept, err := env.connect(config(), &record); err != nil || len(kept) != 1 || !kept[0].IsInUse() {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	if plan := env.update(config(), &record); plan.Generate || plan.Changes {
		t.Errorf("the next plan is %+v", plan)
	}
	env.wantKeys("M1-old", record.Username)
}

// TestExecute_KeepsReplayedKeyInUse: the key of an earlier run may have got into a shop.
func TestExecute_KeepsReplayedKeyInUse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-other"}, m1("M1-old"), m1("M1-other"))
	plan := env.plan(config())
	env.portal.after = failCall(generateCall, 1, errLost)
	_, _ = env.engine.Execute(t.Context(), plan, rotation.Rules{}, &rotation.Record{})
	env.shops.set("b", "M1-new1")
	env.newRun()
	var record rotation.Record
	kept, err := env.connect(config(), &record)
	if err != nil || len(kept) != 1 || !kept[0].IsInUse() || kept[0].Key.Username != "M1-new1" {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	env.wantHolds("b", "M1-new1")
	env.wantHolds("a", record.Username)
}

// TestExecute_KilledAfterInstallation: the next run finds the shop on a key that nobody has recorded, replaces it,
// and deletes both it and, on the same machine, the one before. On another machine that one may be anybody's: it stays.
func TestExecute_KilledAfterInstallation(t *testing.T) {
	t.Parallel()
	t.Run("same machine", func(t *testing.T) { t.Parallel(); killedAfterInstallation(t, true) })
	t.Run("another machine", func(t *testing.T) { t.Parallel(); killedAfterInstallation(t, false) })
}

func killedAfterInstallation(t *testing.T, remembers bool) {
	t.Helper()
	used := noon.Add(-time.Hour)
	old := m1("M1-old")
	old.LastUsedAt = &used
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, old, m1("M1-erp"))
	env.sightings = rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
	env.newRun()
	plan := env.plan(config())
	env.portal.before = func(kind, about string, _ int) error {
		if kind == deleteCall && about == "id-M1-old" {
			return errRefused
		}
		return nil
	}
	_, _ = env.engine.Execute(t.Context(), plan, rotation.Rules{}, &rotation.Record{})
	env.wantHolds("a", "M1-new1")
	env.portal.before = nil
	want := []string{"M1-erp"}
	if !remembers {
		env.sightings, want = rotation.LocalCache{}, []string{"M1-erp", "M1-old"}
	}
	env.newRun()
	env.clock.Advance(time.Hour)
	var record rotation.Record
	env.mustConnect(config(), &record)
	env.wantHolds("a", record.Username)
	env.wantKeys(append(want, record.Username)...)
}

// TestExecute_KeepsWhatItCannotDelete: the shop works, so a key that could not be deleted is no error. It is
// remembered, and the next plan has it.
func TestExecute_KeepsWhatItCannotDelete(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.before = failCalls(deleteCall, errRefused)
	var record rotation.Record
	kept, err := env.connect(config(), &record)
	if err != nil || len(kept) != 1 || !errors.Is(kept[0].Err, errRefused) {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	env.portal.before = nil
	env.newRun()
	if err := env.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.Decide(config(), &record, nil)
	if err != nil || plan.Generate || !plan.Changes || len(plan.Delete) != 1 || plan.Delete[0].Username != "M1-old" {
		t.Fatalf("the plan is %+v, error %v", plan, err)
	}
	env.mustExecute(plan, rotation.Rules{}, &record)
	env.wantKeys("M1-new1")
}

// TestExecute_MakesRoomAtTheLimit: what earlier runs have left over must not keep a shop from its key for ever.
func TestExecute_MakesRoomAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, remembered := range []bool{true, false} {
		t.Run(fmt.Sprintf("remembered: %t", remembered), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.portal.after = failCall(generateCall, 1, errLost)
			_, _ = env.engine.Execute(t.Context(), plan, rotation.Rules{}, &rotation.Record{})
			env.portal.limit = 2
			var record rotation.Record
			if remembered {
				// The portal has forgotten the request meanwhile.
				env.portal.replays = map[string]kustom.Key{}
				record.Memory.Undeleted = []kustom.Orphan{{MerchantID: "M1", CredentialID: "id-new1", Username: "M1-new1"}}
			}
			env.newRun()
			env.mustConnect(config(), &record)
			env.wantHolds("a", record.Username)
			env.wantKeys(record.Username)
			if len(record.Memory.Undeleted) != 0 {
				t.Errorf("it remembers %v", record.Memory.Undeleted)
			}
		})
	}
}

// TestExecute_FullStoreIsAnError that names the keys which were never used.
func TestExecute_FullStoreIsAnError(t *testing.T) {
	t.Parallel()
	unused := key("1", "M1-unused", host, 2026, 0)
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), unused)
	env.portal.limit = 2
	var record rotation.Record
	_, err := env.connect(config(), &record)
	var full *rotation.LimitReachedError
	if err = env.engine.WithUnusedKeys(t.Context(), "M1", err); !errors.As(err, &full) || len(full.Unused) != 1 || full.Unused[0].Username != "M1-unused" {
		t.Errorf("the error is %v", err)
	}
	env.wantHolds("a", "M1-old")
	env.wantKeys("M1-old", "M1-unused")
}

// TestExecute_KeepsKeyThatAnotherShopUses: one key can serve several shops.
func TestExecute_KeepsKeyThatAnotherShopUses(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"))
	var record rotation.Record
	kept, err := env.connect(config(), &record)
	if err != nil || len(kept) != 1 || !kept[0].IsInUse() {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	env.wantHolds("b", "M1-old")
	if len(record.Memory.Undeleted) != 0 {
		t.Errorf("another shop's key is remembered: %v", record.Memory.Undeleted)
	}
}

// TestExecute_PolicyOfReplacedKeys follows a replaced key from apply to apply.
func TestExecute_PolicyOfReplacedKeys(t *testing.T) {
	t.Parallel()
	const quiet = 24 * time.Hour
	keep := rotation.Rules{ReplacedKeys: rotation.KeepKeys}
	unused := rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: quiet}
	tests := map[string]struct {
		first, later rotation.Rules
		after        time.Duration
		// usedAgain says that something goes on using the key.
		usedAgain, deleted bool
	}{
		"keep":                               {first: keep, later: keep, after: 1000 * time.Hour},
		"keep, then delete":                  {first: keep, after: time.Minute, deleted: true},
		"keep, then when unused":             {first: keep, later: unused, after: time.Hour},
		"when unused, too early":             {first: unused, later: unused, after: time.Hour},
		"when unused, later":                 {first: unused, later: unused, after: quiet, deleted: true},
		"when unused, still used":            {first: unused, later: unused, after: 2 * quiet, usedAgain: true},
		"when unused, then delete":           {first: unused, after: time.Minute, deleted: true},
		"when unused, then keep, much later": {first: unused, later: keep, after: 2 * quiet},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			used := noon.Add(-time.Minute)
			env.portal.keys[0].LastUsedAt = &used
			c := config()
			c.Rules = test.first
			var record rotation.Record
			env.mustConnect(c, &record)
			env.wantKeys("M1-old", "M1-new1")
			env.clock.Advance(test.after)
			if used := env.clock.Now().Add(-time.Minute); test.usedAgain {
				env.portal.keys[0].LastUsedAt = &used
			}
			env.newRun()
			if err := env.engine.Read(t.Context(), "a", &record); err != nil {
				t.Fatal(err)
			}
			c.Rules = test.later
			plan, err := rotation.Decide(c, &record, nil)
			if err != nil || plan.Generate {
				t.Fatalf("the plan is %+v, error %v", plan, err)
			}
			if going := slices.ContainsFunc(plan.Delete, func(k rotation.KeyRef) bool { return k.WaitsFor == "" }); going != test.deleted {
				t.Errorf("the plan says %+v", plan)
			}
			env.mustExecute(plan, c.Rules, &record)
			if test.deleted {
				env.wantKeys("M1-new1")
			} else {
				env.wantKeys("M1-old", "M1-new1")
			}
			env.wantHolds("a", "M1-new1")
		})
	}
}

// TestExecute_LooksAfterReplacedKeyOfAnotherStore: a shop moves to another store. The key that its object made for the first
// one is still the object's to delete.
func TestExecute_LooksAfterReplacedKeyOfAnotherStore(t *testing.T) {
	t.Parallel()
	for _, first := range []rotation.Rules{
		{ReplacedKeys: rotation.KeepKeys, AllowStoreChange: true},
		{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: time.Hour, AllowStoreChange: true},
	} {
		env := newTestEnv(t, map[string]string{"a": ""}, key("2", "M2-erp", host, 2026, 0), m1("M1-erp"))
		var record rotation.Record
		if _, err := env.connect(rotation.Config{Shop: "a", MerchantID: "M2"}, &record); err != nil {
			t.Fatal(err)
		}
		c, before := config(), record.Username
		for _, c.Rules = range []rotation.Rules{first, {ReplacedKeys: rotation.DeleteKeys}} {
			env.newRun()
			if err := env.engine.Read(t.Context(), "a", &record); err != nil {
				t.Fatal(err)
			}
			plan, err := rotation.Decide(c, &record, nil)
			if err != nil {
				t.Fatal(err)
			}
			env.mustExecute(plan, c.Rules, &record)
			if stays := slices.Contains(env.portal.usernames(), before); stays != (c.ReplacedKeys == first.ReplacedKeys) {
				t.Errorf("%s, by %s: it stays: %t", before, c.ReplacedKeys, stays)
			}
		}
		env.wantKeys("M1-erp", "M2-erp", record.Username)
		env.wantHolds("a", record.Username)
	}
}

// TestExecute_KeyUsedSinceThePlanStays: a saved plan is applied days later.
func TestExecute_KeyUsedSinceThePlanStays(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	c := config()
	c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: time.Hour}
	var record rotation.Record
	env.mustConnect(c, &record)
	env.clock.Advance(2 * time.Hour)
	env.newRun()
	if err := env.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.Decide(c, &record, nil)
	if err != nil || !plan.Changes {
		t.Fatalf("the plan is %+v, error %v", plan, err)
	}
	used := env.clock.Now()
	env.portal.keys[0].LastUsedAt = &used
	env.newRun()
	kept, err := env.engine.Execute(t.Context(), plan, c.Rules, &record)
	var still *rotation.KeyStillUsedError
	if err != nil || len(kept) != 1 || !errors.As(kept[0].Err, &still) {
		t.Errorf("kept %v, error %v", kept, err)
	}
	if retired := record.Memory.Retired; len(retired) != 1 || retired[0].Username != "M1-old" {
		t.Errorf("it remembers %v", retired)
	}
	env.wantKeys("M1-old", "M1-new1")
}

// TestExecute_OneUnreadableShopIsItsOwnTrouble: it keeps keys that it may use, and nobody from a new key.
func TestExecute_OneUnreadableShopIsItsOwnTrouble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		know    func(*testEnv)
		ignored []string
		deleted bool
	}{
		"never read":               {},
		"ignored":                  {ignored: []string{"dead"}, deleted: true},
		"configured for the store": {know: func(env *testEnv) { env.engine.Shops.NoteConfigured("dead", "M1", "") }},
		"configured for another":   {know: func(env *testEnv) { env.engine.Shops.NoteConfigured("dead", "M2", "") }, deleted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old", "dead": "M2-x"}, m1("M1-old"))
			env.shops.before = failDead
			env.newRun(test.ignored...)
			if test.know != nil {
				test.know(env)
			}
			var record rotation.Record
			kept, err := env.connect(config(), &record)
			if err != nil || (len(kept) == 0) != test.deleted {
				t.Fatalf("kept %v, error %v", kept, err)
			}
			env.wantHolds("a", "M1-new1")
			if test.deleted {
				env.wantKeys("M1-new1")
				return
			}
			env.wantKeys("M1-new1", "M1-old")
			if unknown := wantUnknown(t, kept[0].Err); !slices.Equal(unknown.Shops, []string{"dead"}) {
				t.Errorf("it names %q", unknown.Shops)
			}
			if left := record.Memory.Undeleted; len(left) != 1 || left[0].Username != "M1-old" {
				t.Errorf("it remembers %v", left)
			}
		})
	}
}

// TestExecute_PanicLosesNoKey: wherever a vendor's client panics, every key is in a shop, recorded, remembered or
// found by the next run, and no shop stands still.
func TestExecute_PanicLosesNoKey(t *testing.T) {
	t.Parallel()
	type spot struct {
		kind   string
		call   int
		before bool
	}
	var spots []spot
	for _, kind := range []string{generateCall, deleteCall, keyCall, listCall, identifyCall, readCall, writeCall, "prove"} {
		for call := 1; call <= 4; call++ {
			spots = append(spots, spot{kind, call, true}, spot{kind, call, false})
		}
	}
	for _, at := range spots {
		t.Run(fmt.Sprintf("%s %d, before: %t", at.kind, at.call, at.before), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.newRun()
			armed, calls := true, map[string]int{}
			strike := func(kind string, before bool) {
				if before {
					calls[kind]++
				}
				if armed && kind == at.kind && before == at.before && calls[kind] == at.call {
					panic("index out of range")
				}
			}
			env.portal.before = func(kind, _ string, _ int) error { strike(kind, true); return nil }
			env.portal.after = func(kind, _ string, _ int) error { strike(kind, false); return nil }
			env.shops.before = func(_ context.Context, kind, _ string, _ int) error { strike(kind, true); return nil }
			env.shops.after = func(_ context.Context, kind, _ string, _ int) error { strike(kind, false); return nil }
			env.prover.onProof = func() { strike("prove", true); strike("prove", false) }
			record := rotation.Record{MerchantID: "M1"}
			_, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
			armed = false
			for _, username := range env.portal.usernames() {
				if username != "M1-old" && username != record.Username && !remembers(record, env.portal, username) {
					t.Errorf("nobody knows of %s after: %v", username, err)
				}
			}
			env.wantHolds("a", env.shops.holds("a"))
			env.clock.Advance(time.Minute)
			env.newRun()
			env.converge(&record)
			env.wantHolds("a", record.Username)
			env.wantKeys(record.Username)
		})
	}
}

// panickingJournal is a journal that panics at a step.
type panickingJournal struct{ at rotation.Step }

func (p panickingJournal) Record(e rotation.Entry) error {
	if e.Step == p.at {
		panic("index out of range")
	}
	return nil
}

// TestExecute_OwnPanicIsAnError: a fault of the engine itself ends in an error, and the next run puts everything right.
func TestExecute_OwnPanicIsAnError(t *testing.T) {
	t.Parallel()
	for _, at := range []rotation.Step{rotation.StepGenerate, rotation.StepProve, rotation.StepInstall, rotation.StepConfirm, rotation.StepDelete} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.journal, env.sightings = panickingJournal{at}, rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
			env.newRun()
			record := rotation.Record{MerchantID: "M1"}
			kept, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
			for _, key := range kept {
				err = errors.Join(err, key.Err)
			}
			if panicked := (*rotation.PanicError)(nil); !errors.As(err, &panicked) {
				t.Errorf("the error is %v", err)
			}
			env.wantHolds("a", env.shops.holds("a"))
			env.journal = nil
			env.clock.Advance(time.Minute)
			env.newRun()
			env.converge(&record)
			env.wantHolds("a", record.Username)
			env.wantKeys(record.Username)
		})
	}
}

// remembers tells whether a key is among those that are to be looked after, by its name or by its request.
func remembers(record rotation.Record, a *fakePortal, username string) bool {
	return slices.ContainsFunc(record.Memory.Undeleted, func(o kustom.Orphan) bool {
		return o.Username == username || o.CredentialID == "" && a.replays[o.IdempotencyKey].Username == username
	})
}

// converge is the next run, of a record that may have got no key in the last one.
func (env *testEnv) converge(record *rotation.Record) {
	env.Helper()
	plan := env.plan(config())
	if record.Username != "" {
		if err := env.engine.Read(env.Context(), "a", record); err != nil {
			env.Fatal(err)
		}
		var err error
		if plan, err = rotation.Decide(config(), record, nil); err != nil {
			env.Fatal(err)
		}
	}
	if kept, err := env.engine.Execute(env.Context(), plan, rotation.Rules{}, record); err != nil || len(kept) != 0 {
		env.Errorf("the next run: kept %v, error %v", kept, err)
	}
}

// TestExecute_UnansweredRequestIsNotSentForTheShopsKey: what an earlier run has asked for without an answer is
// deleted. It must not have become the shop's key meanwhile.
func TestExecute_UnansweredRequestIsNotSentForTheShopsKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.before = func(kind, about string, _ int) error {
		if kind == generateCall {
			// The request is lost, and what became of it can't be found out.
			return &kustom.OrphanError{Orphan: kustom.Orphan{MerchantID: about, IdempotencyKey: env.portal.next}, Cause: errLost, Cleanup: errLost}
		}
		return nil
	}
	record := rotation.Record{MerchantID: "M1"}
	if _, err := env.connect(config(), &record); err == nil || len(record.Memory.Undeleted) != 1 {
		t.Fatalf("it remembers %v, error %v", record.Memory.Undeleted, err)
	}
	env.portal.before = nil
	env.newRun()
	env.converge(&record)
	env.wantHolds("a", record.Username)
	env.wantKeys(record.Username)
}

// TestDeleteUnused_AsksForKeyFoundByItsRequest: the request may have been sent again by a run that installed its key.
func TestDeleteUnused_AsksForKeyFoundByItsRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-used"}, m1("M1-used"))
	env.portal.replays["k"] = env.portal.keys[0]
	err := env.engine.DeleteIfUnused(t.Context(), kustom.Orphan{MerchantID: "M1", IdempotencyKey: "k"}, 0)
	wantInUse(t, err)
	env.wantHolds("a", "M1-used")
}

// TestExecute_ReplacesKeyDeletedOnItsWay: another run takes the new key for nobody's and deletes it, while the shop
// gets it.
func TestExecute_ReplacesKeyDeletedOnItsWay(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.shops.after = func(ctx context.Context, kind, _ string, call int) error {
		if kind == writeCall && call == 1 {
			return env.portal.DeleteOrphan(ctx, orphan("new1"))
		}
		return nil
	}
	record := rotation.Record{MerchantID: "M1"}
	env.mustConnect(config(), &record)
	env.wantHolds("a", record.Username)
	env.wantKeys(record.Username)
}
