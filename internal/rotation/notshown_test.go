package rotation_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// newHiddenPlan returns the plan of a shop whose page stops showing its key after the plan.
func newHiddenPlan(t *testing.T) (*testEnv, rotation.Plan) {
	t.Helper()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	plan := env.plan(config())
	env.hideKey("a")
	return env, plan
}

func TestNotShown_SwitchDeletesNothing(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	env.hideKey("a")
	plan := env.plan(config())
	if plan.Reason != "the shop's page does not show which key it has; an empty field does not mean that it has none" || len(plan.Delete) != 0 || !slices.Equal(plan.OtherKeys, []string{"M1-old"}) {
		t.Errorf("the plan is %+v", plan)
	}
	var record rotation.Record
	env.mustExecute(plan, rotation.Rules{}, &record)
	env.wantHolds("a", "M1-new1")
	env.wantKeys("M1-old", "M1-new1")
	if record.Username != "M1-new1" || !record.Memory.UnconfirmedSince.Equal(env.clock.Now()) || env.shops.called(writeCall, "a") != 1 {
		t.Errorf("the record is %+v", record)
	}
	env.wantNoChanges(&record)
}

func TestNotShown_BlocksKeysOfItsStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	env.hideKey("a")
	env.engine.Shops.NoteConfigured("a", "M1", "")
	if unknown := wantUnknown(t, env.engine.Shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{})); !slices.Equal(unknown.Shops, []string{"a"}) {
		t.Errorf("the shops that may use it are %q", unknown.Shops)
	}
	other := kustom.Orphan{MerchantID: "M2", CredentialID: "id-M2-x", Username: "M2-x"}
	if err := env.engine.Shops.CheckUnused(t.Context(), other, time.Time{}); err != nil {
		t.Errorf("a key of another store: %v", err)
	}
	env.engine.Shops.NoteUsedKey("a", "M1-new")
	wantInUse(t, checkUnused(t, env.engine.Shops, "M1-new"))
	if err := checkUnused(t, env.engine.Shops, "M1-old"); err != nil {
		t.Errorf("the shop uses another key: %v", err)
	}
}

// The use must be later than the provider's own proof of the key.
func TestNotShown_ReplacedKeyWaitsForFirstUse(t *testing.T) {
	t.Parallel()
	env, plan := newHiddenPlan(t)
	var record rotation.Record
	if kept := env.wantKept(env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)); !mystore.IsNotConfirmed(kept.Err) {
		t.Fatalf("the error is %v", kept.Err)
	}
	proven := env.clock.Now()
	retired := record.Memory.Retired
	if len(retired) != 1 || retired[0].Username != "M1-old" || retired[0].WaitsFor == "" || !slices.Equal(usernamesOf(record.KeysToDelete), []string{"M1-old"}) {
		t.Fatalf("retired: %+v, to delete: %v", retired, record.KeysToDelete)
	}
	for _, used := range []time.Time{{}, proven.Truncate(time.Minute), proven.Add(time.Minute)} {
		env.clock.Advance(time.Hour)
		if !used.IsZero() {
			env.setLastUsed("M1-new1", used)
		}
		env.wantNoChanges(&record)
	}
	env.wantKeys("M1-old", "M1-new1")
	env.setLastUsed("M1-new1", proven.Add(2*time.Minute))
	last := env.readAndDecide(&record)
	if last.Generate || !slices.Equal(usernamesOf(last.Delete), []string{"M1-old"}) || last.Reason != "the shop uses its new key" {
		t.Fatalf("the plan is %+v", last)
	}
	// A saved plan is applied without a refresh.
	env.newRun()
	env.mustExecute(last, rotation.Rules{}, &record)
	env.wantKeys("M1-new1")
	env.wantNoChanges(&record)
}

func TestNotShown_PageConfirmsKeyLater(t *testing.T) {
	t.Parallel()
	env, plan := newHiddenPlan(t)
	var record rotation.Record
	if _, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err != nil {
		t.Fatal(err)
	}
	env.shops.before, env.shops.after = nil, nil
	next := env.readAndDecide(&record)
	if next.Generate || !slices.Equal(usernamesOf(next.Delete), []string{"M1-old"}) {
		t.Fatalf("the plan is %+v", next)
	}
	env.mustExecute(next, rotation.Rules{}, &record)
	env.wantKeys("M1-new1")
}

func TestNotShown_AnswerToWriteDoesNotConfirm(t *testing.T) {
	t.Parallel()
	env, plan := newHiddenPlan(t)
	env.shops.after = nil
	var record rotation.Record
	env.wantKept(env.engine.Execute(t.Context(), plan, rotation.Rules{}, &record))
	env.wantKeys("M1-old", "M1-new1")
}

func TestNotShown_PlanNamesBlockingShop(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": ""}, m1("M1-old"))
	env.hideKey("b")
	var record rotation.Record
	kept := env.wantKept(env.connect(config(), &record))
	_ = wantUnknown(t, kept.Err)
	env.wantKeys("M1-old", "M1-new1")
	for range 2 {
		next := env.readAndDecide(&record)
		const want = "an earlier run could not delete some keys: shop b may use them, but does not show which key it has"
		if next.Generate || next.Reason != want || !slices.Equal(usernamesOf(next.Delete), []string{"M1-old"}) {
			t.Fatalf("the plan is %+v", next)
		}
		env.wantKept(env.engine.Execute(t.Context(), next, rotation.Rules{}, &record))
	}
	env.shops.before = nil
	env.mustExecute(env.readAndDecide(&record), rotation.Rules{}, &record)
	env.wantKeys("M1-new1")
	env.wantNoChanges(&record)
}

func TestNotShown_RefusesImport(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.hideKey("a")
	record := rotation.Record{MerchantID: "M1", Memory: rotation.Memory{Imported: true}}
	var unshown *mystore.NotShownError
	if err := env.engine.Read(t.Context(), "a", &record); !errors.As(err, &unshown) {
		t.Errorf("the error is %v", err)
	}
}
