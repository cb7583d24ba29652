package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
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
	if !slices.Equal(usernamesOf(record.KeysToDelete), []string{"M1-old"}) {
		t.Errorf("deleted: %v", record.KeysToDelete)
	}
	env.mustExecute(env.readAndDecide(&record), rotation.Rules{}, &record)
	if writes, generated := env.shops.called(writeCall, "a"), env.portal.called(generateCall); writes != 1 || generated != 1 {
		t.Errorf("after an empty plan, there were %d writes and %d new keys", writes, generated)
	}
}

func TestExecute_FailureKeepsOldKeyAndDeletesNewKey(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testEnv){
		"the pair is refused":            func(env *testEnv) { env.merchant.verdicts = []kustom.Verdict{kustom.VerdictRefused} },
		"nothing is proven":              func(env *testEnv) { env.merchant.verdicts = []kustom.Verdict{kustom.VerdictUnknown} },
		"the shop refuses it":            func(env *testEnv) { env.shops.before = failShop(writeCall, "", errRefused) },
		"the keys can't be listed again": func(env *testEnv) { env.portal.before = failCall(listCall, 2, errLost) },
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.clock.Advance(time.Minute)
			fail(env)
			var record rotation.Record
			if _, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err == nil {
				t.Error("it succeeded")
			}
			env.wantHolds("a", "M1-old")
			env.wantKeys("M1-old")
			if record.CredentialID != "" || len(record.Memory.Undeleted) != 0 {
				t.Errorf("the record is %+v", record)
			}
		})
	}
}

// Pages take longer than an API, and a user who is asked before each click even longer. A cleanup has that time.
func TestExecute_CleansUpOverSlowPages(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testEnv, context.CancelFunc){
		"the shop refuses the key": func(env *testEnv, _ context.CancelFunc) {
			env.shops.before = failShop(writeCall, "", errRefused)
		},
		"interrupted during the write": func(env *testEnv, interrupt context.CancelFunc) {
			env.shops.after = func(ctx context.Context, kind, _ string, _ int) error {
				if kind == writeCall {
					interrupt()
					return ctx.Err()
				}
				return env.clock.Sleep(ctx, time.Minute)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			env.portal.byPages, env.portal.slowness = true, time.Minute
			plan := env.plan(config())
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			fail(env, interrupt)
			_, err := env.engine.Execute(ctx, plan, rotation.Rules{}, new(rotation.Record))
			if _, unknown := errors.AsType[*rotation.KeyStateUnknownError](err); unknown {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A stale read does not show a key that the shop has accepted. Neither this run nor the next one may delete it.
func TestExecute_KeepsAcceptedKeyThatStaleReadsDoNotShow(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-other"}, m1("M1-old"), m1("M1-other"))
	plan := env.plan(config())
	env.shops.lag = 50 * time.Second
	var record rotation.Record
	_, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
	if _, ok := errors.AsType[*rotation.KeyStateUnknownError](err); !ok {
		t.Fatalf("the error is %v", err)
	}
	env.wantHolds("a", "M1-new1")
	if undeleted := record.Memory.Undeleted; len(undeleted) != 1 || undeleted[0].Username != "M1-new1" || undeleted[0].Attempted.IsZero() {
		t.Fatalf("undeleted: %+v", undeleted)
	}
	env.newRun()
	began := env.clock.Now()
	wantInUse(t, env.engine.DeleteIfUnused(t.Context(), record.Memory.Undeleted[0], 0))
	if waited := env.clock.Now().Sub(began); waited < 20*time.Second {
		t.Errorf("it read the shop after %v", waited)
	}
	env.wantHolds("a", "M1-new1")
}

// killAfterGenerate kills a run after the portal has generated a key. Its record is lost with it.
func (env *testEnv) killAfterGenerate() {
	env.Helper()
	plan := env.plan(config())
	env.portal.after = failCall(generateCall, 1, errLost)
	_, _ = env.engine.Execute(env.Context(), plan, rotation.Rules{}, &rotation.Record{})
	env.newRun()
}

// killBeforeDelete calls run, and refuses its deletions, as if it was killed before them.
func (env *testEnv) killBeforeDelete(run func()) {
	env.portal.before = failCalls(deleteCall, errRefused)
	run()
	env.portal.before = nil
	env.newRun()
	env.clock.Advance(time.Hour)
}

// The next run sends the same idempotency key, and so finds the key and deletes it.
func TestExecute_DeletesKeyOfRunKilledAfterGenerate(t *testing.T) {
	t.Parallel()
	for _, recorded := range []bool{false, true} {
		t.Run(fmt.Sprintf("recorded: %t", recorded), func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			env.killAfterGenerate()
			env.wantKeys("M1-old", "M1-new1")
			var record rotation.Record
			if recorded {
				record = rotation.Record{MerchantID: "M1", CredentialID: "id-M1-old", Username: "M1-old"}
			}
			env.mustConnect(config(), &record)
			env.wantHolds("a", "M1-new3")
			env.wantKeys("M1-new3")
			if a := env.portal.asked; len(a) != 3 || a[0] != a[1] || a[1] == a[2] {
				t.Errorf("the idempotency keys are %q", a)
			}
		})
	}
}

// On the same machine, the cache has the key that the killed run was about to delete. On another one, that key may belong
// to another team.
func TestExecute_DeletesKeysOfRunKilledAfterInstall(t *testing.T) {
	t.Parallel()
	for _, sameMachine := range []bool{true, false} {
		t.Run(fmt.Sprintf("same machine: %t", sameMachine), func(t *testing.T) {
			used := noon.Add(-time.Hour)
			old := m1("M1-old")
			old.LastUsedAt = &used
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, old, m1("M1-erp"))
			env.newCache()
			env.killBeforeDelete(func() { _, _ = env.connect(config(), &rotation.Record{}) })
			env.wantHolds("a", "M1-new1")
			want := []string{"M1-erp"}
			if !sameMachine {
				env.cache, want = rotation.LocalCache{}, []string{"M1-erp", "M1-old"}
				env.newRun()
			}
			var record rotation.Record
			env.mustConnect(config(), &record)
			env.wantHolds("a", record.Username)
			env.wantKeys(append(want, record.Username)...)
		})
	}
}

// update reads shop a an hour later in another run, decides, and executes the plan.
func (env *testEnv) update(c rotation.Config, record *rotation.Record) rotation.Plan {
	env.Helper()
	env.clock.Advance(time.Hour)
	plan := env.readAndDecideFor(c, record)
	_, _ = env.engine.Execute(env.Context(), plan, c.Rules, record)
	return plan
}

// killedUpdates connects shop a, and updates it in the given number of runs that are killed before they delete a key. It
// returns the record from before the updates.
func (env *testEnv) killedUpdates(times int) rotation.Record {
	env.Helper()
	env.newCache()
	var record rotation.Record
	env.mustConnect(config(), &record)
	env.killBeforeDelete(func() {
		for n := range times {
			c, lost := config(), record
			c.Triggers = map[string]string{"turn": fmt.Sprint(n)}
			env.update(c, &lost)
		}
	})
	return record
}

func TestExecute_DeletesKeysOfTwoKilledUpdates(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-erp"))
	record := env.killedUpdates(2)
	env.wantHolds("a", "M1-new3")
	env.wantKeys("M1-erp", "M1-new1", "M1-new2", "M1-new3")
	env.update(config(), &record)
	env.wantHolds("a", record.Username)
	env.wantKeys("M1-erp", record.Username)
	env.wantNoChanges(&record)
}

// The shop keeps its key. The policy decides about the key that the killed run was about to delete.
func TestExecute_ImportAfterKilledUpdateFollowsPolicy(t *testing.T) {
	t.Parallel()
	for policy, want := range map[rotation.KeyPolicy][]string{
		rotation.DeleteKeys: {"M1-erp", "M1-new2"}, rotation.KeepKeys: {"M1-erp", "M1-new1", "M1-new2"},
	} {
		t.Run(string(policy), func(t *testing.T) {
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

// A key that another shop holds belongs to that shop, so the next plan does not name it.
func TestExecute_KeepsKeyOfAnotherShop(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"))
	env.newCache()
	var record rotation.Record
	if kept, err := env.connect(config(), &record); err != nil || len(kept) != 1 || !kept[0].IsInUse() {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	env.wantHolds("b", "M1-old")
	if len(record.Memory.Undeleted) != 0 {
		t.Errorf("undeleted: %v", record.Memory.Undeleted)
	}
	if plan := env.update(config(), &record); plan.Generate || plan.Changes {
		t.Errorf("the next plan is %+v", plan)
	}
	env.wantKeys("M1-old", record.Username)
}

// The reads of the portal are stale after a run was killed.
func TestExecute_RemembersReplayedKeyThatStaleReadsDoNotShow(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.killAfterGenerate()
	killed := env.clock.Now()
	env.portal.hidden = func(key kustom.Key) bool {
		return key.Username == "M1-new1" && env.clock.Now().Sub(killed) < 20*time.Second
	}
	var record rotation.Record
	if _, err := env.connect(config(), &record); err != nil {
		t.Fatal(err)
	}
	env.wantRemembered(record)
}

// The deletion of the new key reaches a replica that does not have the key yet.
func TestExecute_RemembersNewKeyThatDeletionDidNotFind(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	plan := env.plan(config())
	stale := func() bool { return env.clock.Now().Sub(noon) < 10*time.Second }
	env.merchant.verdicts = []kustom.Verdict{kustom.VerdictUnknown}
	env.portal.hidden = func(key kustom.Key) bool { return key.Username == "M1-new1" && stale() }
	env.portal.before = func(kind, _ string, _ int) error {
		if kind == deleteCall && stale() {
			return &transport.Error{Method: http.MethodDelete, Kind: transport.Refused, Status: http.StatusNotFound}
		}
		return nil
	}
	var record rotation.Record
	if _, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err == nil {
		t.Fatal("it succeeded")
	}
	env.wantRemembered(record)
}

func TestExecute_KeepsReplayedKeyInUse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-other"}, m1("M1-old"), m1("M1-other"))
	env.killAfterGenerate()
	env.shops.set("b", "M1-new1")
	var record rotation.Record
	if kept := env.wantKept(env.connect(config(), &record)); !kept.IsInUse() || kept.Key.Username != "M1-new1" {
		t.Errorf("kept %v", kept)
	}
	env.wantHolds("b", "M1-new1")
	env.wantHolds("a", record.Username)
}

// Someone changes the shop after a plan was saved. The apply continues, with a warning.
func TestExecute_WarnsOfUnexpectedKey(t *testing.T) {
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
		if others := env.engine.Keys.Warnings("b"); len(others) > 0 {
			t.Errorf("shop b gets the warnings %q", others)
		}
		if text := fmt.Sprint(env.engine.Keys.Warnings("a")); strings.Contains(text, "{Shop changed since the plan Shop a held "+held) != warned {
			t.Errorf("a shop that holds %s: the warnings are %q", held, text)
		}
	}
}

// A shop shows its username in another case. That is no other store.
func TestExecute_IgnoresCaseOfStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "m0b-old"}, key("0b", "M0b-old", host, 2026, 0))
	c := config()
	c.MerchantID = "M0b"
	if _, err := env.engine.Execute(t.Context(), env.plan(c), rotation.Rules{}, new(rotation.Record)); err != nil {
		t.Error(err)
	}
}

// Someone moves the shop to another store after a plan was saved.
func TestExecute_RefusesShopOfAnotherStore(t *testing.T) {
	t.Parallel()
	for _, record := range []rotation.Record{{}, {MerchantID: "M1", CredentialID: "id-M1-own", Username: "M1-own"}} {
		for _, allowed := range []bool{false, true} {
			env := newTestEnv(t, map[string]string{"a": "M1-own"}, m1("M1-own"), key("2", "M2-hand", host, 2026, 0))
			plan := env.plan(config())
			env.shops.set("a", "M2-hand")
			env.newRun()
			_, err := env.engine.Execute(t.Context(), plan, rotation.Rules{AllowStoreChange: allowed}, &record)
			var wrong *rotation.WrongStoreError
			if errors.As(err, &wrong) == allowed || wrong != nil && (wrong.Present != "M2" || wrong.Wanted != "M1") {
				t.Errorf("allowed %t: the error is %v", allowed, err)
			}
			if allowed {
				env.wantHolds("a", record.Username)
				continue
			}
			env.wantHolds("a", "M2-hand")
			env.wantKeys("M1-own", "M2-hand")
		}
	}
}

func TestExecute_RetriesFailedDeletionInNextRun(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.before = failCalls(deleteCall, errRefused)
	var record rotation.Record
	if kept := env.wantKept(env.connect(config(), &record)); !errors.Is(kept.Err, errRefused) {
		t.Errorf("the error is %v", kept.Err)
	}
	env.portal.before = nil
	plan := env.readAndDecide(&record)
	if plan.Generate || !plan.Changes || !slices.Equal(usernamesOf(plan.Delete), []string{"M1-old"}) {
		t.Fatalf("the plan is %+v", plan)
	}
	env.mustExecute(plan, rotation.Rules{}, &record)
	env.wantKeys("M1-new1")
}

func TestExecute_DeletesOrphansAtLimitOfKeys(t *testing.T) {
	t.Parallel()
	for _, recorded := range []bool{true, false} {
		t.Run(fmt.Sprintf("recorded: %t", recorded), func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			env.killAfterGenerate()
			env.portal.limit = 2
			var record rotation.Record
			if recorded {
				// The portal has forgotten the idempotency key.
				env.portal.replays = map[string]kustom.Key{}
				record.Memory.Undeleted = []kustom.Orphan{{MerchantID: "M1", CredentialID: "id-new1", Username: "M1-new1"}}
			}
			env.mustConnect(config(), &record)
			env.wantHolds("a", record.Username)
			env.wantKeys(record.Username)
			if len(record.Memory.Undeleted) != 0 {
				t.Errorf("undeleted: %v", record.Memory.Undeleted)
			}
		})
	}
}

func TestExecute_FailsAtLimitOfKeys(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), key("1", "M1-unused", host, 2026, 0))
	env.portal.limit = 2
	if _, err := env.connect(config(), new(rotation.Record)); !kustom.IsLimitReached(err) {
		t.Errorf("the error is %v", err)
	}
	env.wantHolds("a", "M1-old")
	env.wantKeys("M1-old", "M1-unused")
}

func TestExecute_AppliesPolicyToReplacedKey(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	keep := rotation.Rules{ReplacedKeys: rotation.KeepKeys}
	unused := rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: day}
	for name, test := range map[string]struct {
		first, later rotation.Rules
		after        time.Duration
		// usedAgain says that another system goes on using the key.
		usedAgain, deleted bool
	}{
		"keep":                               {first: keep, later: keep, after: 1000 * time.Hour},
		"keep, then delete":                  {first: keep, after: time.Minute, deleted: true},
		"keep, then when unused":             {first: keep, later: unused, after: time.Hour},
		"when unused, too early":             {first: unused, later: unused, after: time.Hour},
		"when unused, later":                 {first: unused, later: unused, after: day, deleted: true},
		"when unused, still used":            {first: unused, later: unused, after: 2 * day, usedAgain: true},
		"when unused, then delete":           {first: unused, after: time.Minute, deleted: true},
		"when unused, then keep, much later": {first: unused, later: keep, after: 2 * day},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			env.setLastUsed("M1-old", noon.Add(-time.Minute))
			c := config()
			c.Rules = test.first
			var record rotation.Record
			env.mustConnect(c, &record)
			env.wantKeys("M1-old", "M1-new1")
			env.clock.Advance(test.after)
			if test.usedAgain {
				env.setLastUsed("M1-old", env.clock.Now().Add(-time.Minute))
			}
			c.Rules = test.later
			plan := env.readAndDecideFor(c, &record)
			deletes := slices.ContainsFunc(plan.Delete, func(k rotation.KeyRef) bool { return k.WaitsFor == "" })
			if plan.Generate || deletes != test.deleted {
				t.Errorf("the plan is %+v", plan)
			}
			env.mustExecute(plan, c.Rules, &record)
			want := []string{"M1-new1"}
			if !test.deleted {
				want = append(want, "M1-old")
			}
			env.wantKeys(want...)
			env.wantHolds("a", "M1-new1")
		})
	}
}

// The shop's object generated the key, so it deletes the key of the old store too.
func TestExecute_DeletesReplacedKeyOfOldStore(t *testing.T) {
	t.Parallel()
	for _, first := range []rotation.Rules{
		{ReplacedKeys: rotation.KeepKeys, AllowStoreChange: true},
		{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: time.Hour, AllowStoreChange: true},
	} {
		env := newTestEnv(t, map[string]string{"a": ""}, key("2", "M2-erp", host, 2026, 0), m1("M1-erp"))
		var record rotation.Record
		env.mustConnect(rotation.Config{Shop: "a", MerchantID: "M2"}, &record)
		c, before := config(), record.Username
		for _, c.Rules = range []rotation.Rules{first, {ReplacedKeys: rotation.DeleteKeys}} {
			env.mustExecute(env.readAndDecideFor(c, &record), c.Rules, &record)
			if kept := slices.Contains(env.portal.usernames(), before); kept != (c.ReplacedKeys == first.ReplacedKeys) {
				t.Errorf("%s, policy %s: kept %t", before, c.ReplacedKeys, kept)
			}
		}
		env.wantKeys("M1-erp", "M2-erp", record.Username)
		env.wantHolds("a", record.Username)
	}
}

func TestExecute_KeepsKeyUsedSincePlan(t *testing.T) {
	t.Parallel()
	for _, rotates := range []bool{false, true} {
		t.Run(fmt.Sprintf("rotates: %t", rotates), func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			c := config()
			c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: time.Hour}
			var record rotation.Record
			env.mustConnect(c, &record)
			env.clock.Advance(2 * time.Hour)
			if rotates {
				c.Triggers = map[string]string{"turn": "2"}
			}
			plan := env.readAndDecideFor(c, &record)
			if len(plan.Delete) == 0 || plan.Generate != rotates {
				t.Fatalf("the plan is %+v", plan)
			}
			env.setLastUsed("M1-old", env.clock.Now())
			env.newRun()
			kept := env.wantKept(env.engine.Execute(t.Context(), plan, c.Rules, &record))
			if still := (*rotation.KeyStillUsedError)(nil); !errors.As(kept.Err, &still) {
				t.Errorf("the error is %v", kept.Err)
			}
			if !slices.ContainsFunc(record.Memory.Retired, func(key rotation.RetiredKey) bool { return key.Username == "M1-old" }) {
				t.Errorf("retired: %v", record.Memory.Retired)
			}
			if !slices.Contains(env.portal.usernames(), "M1-old") {
				t.Error("the key was deleted")
			}
		})
	}
}

// Any shop can get a new key. An unreadable shop keeps only the keys that it may use.
func TestExecute_UnreadableShopKeepsItsKeysOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		store   string
		deleted bool
	}{
		"never read":             {},
		"configured for another": {store: "M2", deleted: true},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old", "dead": "M2-x"}, m1("M1-old"))
			env.shops.before = failDead
			env.engine.Shops.NoteConfigured("dead", test.store, "")
			c := config()
			c.UnusedFor = time.Hour // Without DeleteUnusedKeys, it does not count that the key is idle.
			var record rotation.Record
			kept, err := env.connect(c, &record)
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
				t.Errorf("the unreadable shops are %q", unknown.Shops)
			}
			if undeleted := record.Memory.Undeleted; len(undeleted) != 1 || undeleted[0].Username != "M1-old" {
				t.Errorf("undeleted: %v", undeleted)
			}
		})
	}
}

// Wherever a vendor's client panics, every key is in a shop, in the record, or found by the next run.
func TestExecute_ClientPanicLosesNoKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{generateCall, deleteCall, keyCall, listCall, identifyCall, readCall, writeCall, "prove"} {
		for n := range 8 {
			call, before := n/2+1, n%2 == 0
			t.Run(fmt.Sprintf("%s %d, before: %t", kind, call, before), func(t *testing.T) {
				clientPanic(t, kind, call, before)
			})
		}
	}
}

func clientPanic(t *testing.T, kind string, call int, before bool) {
	t.Helper()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	plan := env.plan(config())
	env.newRun()
	armed, calls := true, map[string]int{}
	hook := func(called string, isBefore bool) {
		if isBefore {
			calls[called]++
		}
		if armed && called == kind && isBefore == before && calls[called] == call {
			panic("index out of range")
		}
	}
	env.portal.before = func(kind, _ string, _ int) error { hook(kind, true); return nil }
	env.portal.after = func(kind, _ string, _ int) error { hook(kind, false); return nil }
	env.shops.before = func(_ context.Context, kind, _ string, _ int) error { hook(kind, true); return nil }
	env.shops.after = func(_ context.Context, kind, _ string, _ int) error { hook(kind, false); return nil }
	env.merchant.onProof = func() { hook("prove", true); hook("prove", false) }
	record := rotation.Record{MerchantID: "M1"}
	_, _ = env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
	armed = false
	env.wantRemembered(record)
	env.wantConverges(&record)
}

// wantConverges fails the test unless shop a still holds an existing key, and the next run gives it the store's only key.
func (env *testEnv) wantConverges(record *rotation.Record) {
	env.Helper()
	env.wantHolds("a", env.shops.holds("a"))
	env.clock.Advance(time.Minute)
	env.newRun()
	plan := env.plan(config())
	if record.Username != "" {
		plan = env.readAndDecide(record)
	}
	env.mustExecute(plan, rotation.Rules{}, record)
	env.wantHolds("a", record.Username)
	env.wantKeys(record.Username)
}

// panickingJournal panics at its nth entry.
type panickingJournal struct{ at, entries int }

func (p *panickingJournal) Record(rotation.Entry) error {
	if p.entries++; p.entries == p.at {
		panic("index out of range")
	}
	return nil
}

// The journal has two entries of each of the five steps.
func TestExecute_EnginePanicLosesNoKey(t *testing.T) {
	t.Parallel()
	for at := range 10 {
		t.Run(fmt.Sprint(at+1), func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
			plan := env.plan(config())
			env.journal = &panickingJournal{at: at + 1}
			env.newCache()
			record := rotation.Record{MerchantID: "M1"}
			kept, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
			for _, key := range kept {
				err = errors.Join(err, key.Err)
			}
			if panicked := (*rotation.PanicError)(nil); !errors.As(err, &panicked) {
				t.Errorf("the error is %v", err)
			}
			env.wantRemembered(record)
			env.journal = nil
			env.wantConverges(&record)
		})
	}
}

// The key of an unanswered request is to be deleted. Sending the request again must not make it the shop's key.
func TestExecute_DoesNotRepeatUnansweredRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.before = onCall(generateCall, 0, func() error {
		return &kustom.OrphanError{Orphan: kustom.Orphan{MerchantID: "M1", IdempotencyKey: env.portal.next}, Cause: errLost, Cleanup: errLost}
	})
	record := rotation.Record{MerchantID: "M1"}
	if _, err := env.connect(config(), &record); err == nil || len(record.Memory.Undeleted) != 1 {
		t.Fatalf("undeleted: %v, error %v", record.Memory.Undeleted, err)
	}
	env.portal.before = nil
	env.wantConverges(&record)
}

// Another run takes the new key for an orphan, and deletes it while the shop gets it.
func TestExecute_ReplacesKeyDeletedDuringInstall(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.shops.after = onShopCall(writeCall, "", 1, func() error { return env.portal.DeleteOrphan(t.Context(), orphan("new1")) })
	record := rotation.Record{MerchantID: "M1"}
	env.mustConnect(config(), &record)
	env.wantHolds("a", record.Username)
	env.wantKeys(record.Username)
}
