package rotation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
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
