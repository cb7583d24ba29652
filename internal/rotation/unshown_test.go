package rotation_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// hide makes shop a's page show no Kustom ID: neither when it is read nor after a write.
func (w *testEnv) hide() { w.hideShop("a") }

func (w *testEnv) hideShop(name string) {
	w.shops.before = func(_ context.Context, kind, shop string, _ int) error {
		if shop == name && kind == read {
			return &mystore.NotShownError{Shop: shop}
		}
		return nil
	}
	w.shops.after = func(_ context.Context, kind, shop string, _ int) error {
		if shop == name && kind == write {
			return &mystore.NotConfirmedError{Shop: shop}
		}
		return nil
	}
}

// use makes the portal show that a key was used.
func (w *testEnv) use(username string, at time.Time) {
	w.portal.mu.Lock()
	defer w.portal.mu.Unlock()
	for i := range w.portal.keys {
		if w.portal.keys[i].Username == username {
			w.portal.keys[i].LastUsedAt = &at
		}
	}
}

// next reads shop a in another run, and returns what is to become of it.
func (w *testEnv) next(record *rotation.Record) rotation.Plan {
	w.Helper()
	w.rerun()
	if err := w.engine.Read(w.Context(), "a", record); err != nil {
		w.Fatal(err)
	}
	plan, err := rotation.Decide(config(), record, nil)
	if err != nil {
		w.Fatal(err)
	}
	return plan
}

// TestUnshown_ShopIsSwitchedAndNothingDeleted: whose key the shop has is not known, so all of them stay.
func TestUnshown_ShopIsSwitchedAndNothingDeleted(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	w.hide()
	plan := w.plan(config())
	if plan.Reason != "the shop's page does not show which key it has; an empty field does not mean that it has none" || len(plan.Delete) != 0 || !slices.Equal(plan.OtherKeys, []string{"M1-old"}) {
		t.Errorf("the plan is %+v", plan)
	}
	var record rotation.Record
	if kept, err := w.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err != nil || len(kept) != 0 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	w.wantHolds("a", "M1-new1")
	w.wantKeys("M1-old", "M1-new1")
	if record.Username != "M1-new1" || !record.Memory.UnconfirmedSince.Equal(w.clock.Now()) || w.shops.called(write, "a") != 1 {
		t.Errorf("the record is %+v", record)
	}
	if plan := w.next(&record); plan.Generate || plan.Changes {
		t.Errorf("the next plan is %+v", plan)
	}
}

// TestUnshown_BlocksKeysOfItsStoreOnly: a shop that does not show its key may hold any of its store.
func TestUnshown_BlocksKeysOfItsStoreOnly(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	w.hide()
	w.engine.Shops.NoteConfigured("a", "M1", "")
	if unknown := wantUnknown(t, w.engine.Shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{})); !slices.Equal(unknown.Shops, []string{"a"}) {
		t.Errorf("the shops that may use it are %q", unknown.Shops)
	}
	other := kustom.Orphan{MerchantID: "M2", CredentialID: "id-M2-x", Username: "M2-x"}
	if err := w.engine.Shops.CheckUnused(t.Context(), other, time.Time{}); err != nil {
		t.Errorf("a key of another store: %v", err)
	}
}

// TestUnshown_ReplacedKeyWaitsForUse of the new one by the shop: later than the provider's own proof of it.
func TestUnshown_ReplacedKeyWaitsForUse(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	plan := w.plan(config())
	w.hide()
	var record rotation.Record
	kept, err := w.engine.Execute(t.Context(), plan, rotation.Rules{}, &record)
	var unconfirmed *mystore.NotConfirmedError
	if err != nil || len(kept) != 1 || !errors.As(kept[0].Err, &unconfirmed) {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	proven := w.clock.Now()
	retired := record.Memory.Retired
	if len(retired) != 1 || retired[0].Username != "M1-old" || retired[0].WaitsFor == "" || !slices.Equal(names(record.KeysToDelete), []string{"M1-old"}) {
		t.Fatalf("retired: %+v, to delete: %v", retired, record.KeysToDelete)
	}
	for _, used := range []time.Time{{}, proven.Truncate(time.Minute), proven.Add(time.Minute)} {
		w.clock.Advance(time.Hour)
		if !used.IsZero() {
			w.use("M1-new1", used)
		}
		if plan := w.next(&record); plan.Generate || plan.Changes {
			t.Errorf("used at %v: the plan is %+v", used, plan)
		}
	}
	w.wantKeys("M1-old", "M1-new1")
	w.use("M1-new1", proven.Add(2*time.Minute))
	last := w.next(&record)
	if last.Generate || !slices.Equal(names(last.Delete), []string{"M1-old"}) || last.Reason != "the shop uses its new key" {
		t.Fatalf("the plan is %+v", last)
	}
	// A saved plan is applied without a refresh.
	w.rerun()
	if kept, err := w.engine.Execute(t.Context(), last, rotation.Rules{}, &record); err != nil || len(kept) != 0 {
		t.Errorf("kept %v, error %v", kept, err)
	}
	w.wantKeys("M1-new1")
	if plan := w.next(&record); plan.Generate || plan.Changes {
		t.Errorf("the plan after it is %+v", plan)
	}
}

// TestUnshown_PageThatShowsTheKeyLater confirms it: the shop is not switched again.
func TestUnshown_PageThatShowsTheKeyLater(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	plan := w.plan(config())
	w.hide()
	var record rotation.Record
	if _, err := w.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err != nil {
		t.Fatal(err)
	}
	w.shops.before, w.shops.after = nil, nil
	next := w.next(&record)
	if next.Generate || !slices.Equal(names(next.Delete), []string{"M1-old"}) {
		t.Fatalf("the plan is %+v", next)
	}
	if _, err := w.engine.Execute(t.Context(), next, rotation.Rules{}, &record); err != nil {
		t.Fatal(err)
	}
	w.wantKeys("M1-new1")
}

// TestUnshown_AfterReloadOnly: a page that shows the ID after saving, and not when it is loaded again, is not confirmed.
func TestUnshown_AfterReloadOnly(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	plan := w.plan(config())
	w.hide()
	w.shops.after = nil
	var record rotation.Record
	if kept, err := w.engine.Execute(t.Context(), plan, rotation.Rules{}, &record); err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	w.wantKeys("M1-old", "M1-new1")
}

// TestUnshown_ShopOfNoObjectIsNamed by the plans as what the old key waits for, until the user says to ignore it.
func TestUnshown_ShopOfNoObjectIsNamed(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": ""}, m1("M1-old"))
	w.hideShop("b")
	var record rotation.Record
	kept, err := w.engine.Execute(t.Context(), w.plan(config()), rotation.Rules{}, &record)
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	_ = wantUnknown(t, kept[0].Err)
	w.wantKeys("M1-old", "M1-new1")
	for range 2 {
		next := w.next(&record)
		const want = "keys are left that an earlier run could not delete: shop b may use them, and does not show which key it has"
		if next.Generate || next.Reason != want || !slices.Equal(names(next.Delete), []string{"M1-old"}) {
			t.Fatalf("the plan is %+v", next)
		}
		if kept, err := w.engine.Execute(t.Context(), next, rotation.Rules{}, &record); err != nil || len(kept) != 1 {
			t.Fatalf("kept %v, error %v", kept, err)
		}
	}
	w.shops.before = nil
	if kept, err := w.engine.Execute(t.Context(), w.next(&record), rotation.Rules{}, &record); err != nil || len(kept) != 0 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	w.wantKeys("M1-new1")
	if plan := w.next(&record); plan.Generate || plan.Changes {
		t.Errorf("the plan after it is %+v", plan)
	}
}

// TestUnshown_ImportNeedsAPageThatShows which key the shop has: there is nothing else to go by.
func TestUnshown_ImportNeedsAPageThatShows(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	w.hide()
	record := rotation.Record{MerchantID: "M1", Memory: rotation.Memory{Imported: true}}
	var unshown *mystore.NotShownError
	if err := w.engine.Read(t.Context(), "a", &record); !errors.As(err, &unshown) {
		t.Errorf("the error is %v", err)
	}
}
