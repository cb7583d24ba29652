package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// arm lets a fault happen to a shop alone, until the returned function is called.
func (f *fleetShops) arm(fault sandbox.Fault, shop sandbox.Shop) (disarm func()) {
	fault.Match = isOf(shop)
	return f.box.Arm(fault).Disarm
}

// TestFleet_DropsErrorOfRevertedChange reverts a change that failed for one shop, with and without a refresh. The next apply
// changes nothing for the shop, and its last_error is gone.
func TestFleet_DropsErrorOfRevertedChange(t *testing.T) {
	t.Parallel()
	for _, refreshed := range []bool{true, false} {
		for name, fault := range map[string]sandbox.Fault{
			"refused": answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity),
			// The new key is remembered, and is to be deleted.
			"in doubt": {API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop},
		} {
			t.Run(fmt.Sprintf("%s, read anew %t", name, refreshed), func(t *testing.T) {
				t.Parallel()
				w := newFleet(t, 3)
				shop := w.seed.Shops[1]
				w.trigger(shop.Name, "2026-11")
				disarm := w.arm(fault, shop)
				if r := w.apply(t); r.code == 0 {
					t.Fatalf("the fault does nothing:\n%s", r.output)
				}
				disarm()
				w.edit(shop.Name, func(s *shopSettings) { s.RotateWhenChanged = nil })
				// Something else changes, so that there is an apply.
				w.edit(w.seed.Shops[0].Name, func(s *shopSettings) { s.Description = "another one" })
				mustSucceed(t, w.applyWith(t, tfdriver.Options{SkipRefresh: !refreshed}))
				w.mustBeEmpty(t)
				w.state = w.saved.Refreshed()
				w.mustBeDone(t)
			})
		}
	}
}

// TestFleet_FinishesCreationWithoutRefresh finishes a creation that failed for one shop, with -refresh=false. Its legacy key is
// deleted (I3).
func TestFleet_FinishesCreationWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
	shop := w.seed.Shops[1]
	disarm := w.arm(answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden), shop)
	w.mustApply(t)
	disarm()
	mustSucceed(t, w.planWith(t, tfdriver.Options{SkipRefresh: true}))
	mustBePlan(t, w.savedPlan(), fleetPlan{"update", map[string]shopPlan{shop.Name: {
		does: "connect", reason: "an earlier run could not give the shop a key", toDelete: []string{shop.KustomID},
	}}})
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
}

// TestFleet_SavesNothingIfCreationFailsForAllShops creates a fleet that fails for all shops. There are errors, no state and no
// new keys.
func TestFleet_SavesNothingIfCreationFailsForAllShops(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		errors int
		says   string
	}{
		"each by itself": {answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden), 3, "does not allow this"},
		"all together": {answered(sandbox.Portal, http.MethodPost, http.StatusUnauthorized), 1, "This applies to " +
			"shop-00001, shop-00002, shop-00003."},
		"while planning": {answered(sandbox.Portal, "", http.StatusUnauthorized), 1, "This applies to shop-00001, " +
			"shop-00002, shop-00003."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
			before := w.keys()
			armed := w.box.Arm(test.fault)
			r := w.apply(t)
			armed.Disarm()
			if n := strings.Count(r.output, "Error: "); r.code == 0 || n != test.errors {
				t.Errorf("exit code %d, %d errors, want %d:\n%s", r.code, n, test.errors, r.output)
			}
			mustSay(t, r, test.says)
			if len(w.state.Instances()) > 0 || !slices.Equal(w.keys(), before) {
				t.Errorf("left are the keys %q and the state %v", w.keys(), w.state.Instances())
			}
			w.mustApply(t)
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}

// TestFleet_StopsWhenTokenExpires lets the portal's token expire during a run. The run keeps what is done, reports the rest
// once, and soon stops trying.
func TestFleet_StopsWhenTokenExpires(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"create", "update"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			const shops, concurrency, made, inARow = 60, 4, 12, 10
			w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
			w.fleet.MaxConcurrency = concurrency
			if way == "update" {
				w.mustApply(t)
				for _, shop := range w.seed.Shops {
					w.edit(shop.Name, func(s *shopSettings) { s.Description = "another one" })
				}
			}
			w.box.ResetRequests()
			expired := false
			posts := 0
			armed := w.box.Arm(sandbox.Fault{Status: http.StatusUnauthorized, Match: func(r sandbox.Request) bool {
				if r.API == sandbox.Portal && r.Method == http.MethodPost {
					posts++
					expired = expired || posts > made
				}
				return expired && r.API == sandbox.Portal
			}})
			r := w.apply(t)
			armed.Disarm()
			if n := strings.Count(unwrapped(r.output), "Kustom Portal rejects the token. It is wrong or has expired. Get a new token. Set it as portal_token or in the environment variable KUSTOM_PORTAL_TOKEN. This applies to"); n != 1 {
				t.Errorf("exit code %d, told %d times:\n%s", r.code, n, r.output)
			}
			// What was created is kept with a warning.
			if (r.code == 0) != (way == "create") {
				t.Errorf("exit code %d:\n%s", r.code, r.output)
			}
			if tried := posts - made; tried > inARow+concurrency {
				t.Errorf("%d shops were tried in vain", tried)
			}
			done := 0
			for _, shop := range w.inState(t) {
				if shop["last_error"] == nil {
					done++
				}
			}
			// Those whose keys were listed before the token expired can't delete the old one, but are connected. A key
			// that could not be listed any more is not installed.
			if done > made || done < made-concurrency || len(w.inState(t)) != shops {
				t.Errorf("%d of %d shops are done in the state, want %d to %d", done, len(w.inState(t)), made-concurrency, made)
			}
			w.mustWork(t)
			w.box.ResetRequests()
			w.mustApply(t)
			// A key that was made and not installed is found by asking for it once more.
			notInstalled := made - done
			if n := w.box.Count(sandbox.Portal, http.MethodPost, ""); n != shops-done+notInstalled {
				t.Errorf("%d keys were asked for, want one for each of %d shops, and the %d that were not installed", n, shops-done, notInstalled)
			}
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}

// TestFleet_AsksUnreachableShopOnlyFewTimes loses one shop during a run. Before each deletion of a key, the provider asks each
// shop whether it uses the key. It must not ask the lost shop again for each key: that takes longer the more shops there are.
func TestFleet_AsksUnreachableShopOnlyFewTimes(t *testing.T) {
	t.Parallel()
	const shops, concurrency, attempts = 60, 4, 5
	w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
	w.fleet.MaxConcurrency = concurrency
	lost := w.seed.Shops[1]
	begun := false
	armed := w.box.Arm(sandbox.Fault{Status: http.StatusServiceUnavailable, Match: func(r sandbox.Request) bool {
		begun = begun || r.Method == http.MethodPost
		return begun && r.Shop == lost.Name
	}})
	r := w.mustApply(t)
	armed.Disarm()
	// Only keys of its own store could be in use there, so the other shops' old keys are deleted.
	mustWarn(t, r, "API keys will be deleted", "Shop may have another key: "+lost.Name)
	// Its own connection writes once and looks twice; then each worker asks once, and in the end one.
	if most := 1 + 2*attempts + (concurrency+1)*attempts; armed.Fired() > most {
		t.Errorf("the shop that was lost was asked %d times, want at most %d", armed.Fired(), most)
	}
	w.mustWork(t)
	w.box.ResetRequests()
	w.mustApply(t)
	if n := len(slices.DeleteFunc(w.box.Requests(), func(r sandbox.Request) bool { return !generatedKey(r) })); n != 1 {
		t.Errorf("%d keys were generated, want one for the shop that was lost", n)
	}
	w.mustBeEmpty(t)
	w.mustBeDone(t)
}

// TestFleet_PlansOtherShopsIfSomeCannotBeRead plans while shops can't be read. A shop that can't be read is a warning and stays
// unchanged. If none can be read, there is one warning.
func TestFleet_PlansOtherShopsIfSomeCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 4)
	lost, drifted := w.seed.Shops[1], w.seed.Shops[2]
	had := w.holds(t, drifted.Name)
	if err := w.box.Install(drifted.Name, "", ""); err != nil {
		t.Fatal(err)
	}
	for status, title := range map[int]string{
		http.StatusInternalServerError: "Shop not read", http.StatusForbidden: "Shop not read: " + lost.Name,
	} {
		disarm := w.arm(answered(sandbox.Mystore, "", status), lost)
		r := w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{
			drifted.Name: {does: "connect", reason: noKey, toDelete: []string{had}},
		}})
		disarm()
		mustWarn(t, r, title, "API keys will be deleted")
		mustSay(t, r, lost.Name)
	}
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)

	armed := w.box.Arm(answered(sandbox.Mystore, "", http.StatusServiceUnavailable))
	defer armed.Disarm()
	before := w.inState(t)
	r := w.mustApply(t)
	mustWarn(t, r, "Shop not read")
	mustSay(t, r, "This applies to shop-00001, shop-00002, shop-00003, shop-00004.")
	if !maps.EqualFunc(before, w.inState(t), func(a, b map[string]any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Error("the state has changed")
	}
}

// TestFleet_RemovesShopThatNeverGotKey removes a shop that never got its key. There is no warning, and nothing is left of the
// attempt.
func TestFleet_RemovesShopThatNeverGotKey(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"retain", "clear"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sandbox.FleetSeed(2), sandbox.Options{})
			w.fleet.DeletionPolicy = policy
			shop := w.seed.Shops[1]
			disarm := w.arm(sandbox.Fault{API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop}, shop)
			w.mustApply(t)
			disarm()
			if len(w.storeKeys(shop.MerchantID)) != 2 {
				t.Fatal("no key is in doubt: the test shows nothing")
			}
			w.remove(t, shop.Name)
			mustWarn(t, w.mustApply(t))
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}
