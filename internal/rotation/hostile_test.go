package rotation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// This file has what vendors and people may do that would make the engine delete a key in use, or lose one.

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
