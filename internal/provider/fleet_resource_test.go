package provider_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// TestFleet_SwitchesShopsOnLegacyKeys creates a fleet of five shops, and adds a sixth later.
func TestFleet_SwitchesShopsOnLegacyKeys(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(6), sandbox.Options{})
	first, late := w.seed.Shops[:5], w.seed.Shops[5]
	w.remove(t, late.Name)
	for _, step := range []struct {
		actions string
		shops   []sandbox.Shop
	}{{"create", first}, {"update", []sandbox.Shop{late}}} {
		for _, shop := range step.shops {
			w.fleet.Shops[shop.Name] = shopSettings{MerchantID: shop.MerchantID}
		}
		w.mustPlanAndWrite(t, fleetPlan{step.actions, adoptions(step.shops...)}, rotations(step.shops...)...)
		w.mustHaveConverged(t)
	}
}

// TestFleet_ChangesOnlyShopThatNeedsKey gives one of six shops each of the reasons for a new key. The plan changes only
// that shop, and the apply writes to no other.
func TestFleet_ChangesOnlyShopThatNeedsKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(w *fleetEnv, shop sandbox.Shop) error
		// In reason and deleted, OWN is the key before the change, and HELD the one that the shop holds after it.
		reason  string
		deleted []string
	}{
		"trigger": {func(w *fleetEnv, shop sandbox.Shop) error {
			w.trigger(shop.Name, "2026-11")
			return nil
		}, triggered, []string{"OWN"}},
		"description": {func(w *fleetEnv, shop sandbox.Shop) error {
			w.edit(shop.Name, func(s *shopSettings) { s.Description = "another one" })
			return nil
		}, "description has changed", []string{"OWN"}},
		"key deleted in the portal": {func(w *fleetEnv, shop sandbox.Shop) error {
			key := w.box.Keys(shop.MerchantID)[0]
			return w.box.DeleteKey(key.MerchantID, key.CredentialID)
		}, "the key OWN was deleted in Kustom Portal", nil},
		"other key by hand": {func(w *fleetEnv, shop sandbox.Shop) error {
			key, err := w.box.GenerateKey(shop.MerchantID, "by hand")
			return errors.Join(err, w.box.Install(shop.Name, key.Username, key.Secret))
		}, "the shop uses HELD" + unreadable, []string{"HELD", "OWN"}},
		"cleared by hand": {func(w *fleetEnv, shop sandbox.Shop) error { return w.box.Install(shop.Name, "", "") }, noKey, []string{"OWN"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFleet(t, 6)
			shop := w.seed.Shops[3]
			own := w.holds(t, shop.Name)
			w.rollout.clock.Advance(time.Hour)
			if err := test.change(w, shop); err != nil {
				t.Fatal(err)
			}
			held := w.holds(t, shop.Name)
			names := strings.NewReplacer("OWN", own, "HELD", held)
			want := shopPlan{does: "connect", reason: names.Replace(test.reason)}
			writes := []string{"generate " + shop.MerchantID, "prove " + shop.MerchantID, "install " + shop.Name}
			for _, key := range test.deleted {
				want.toDelete, writes = append(want.toDelete, names.Replace(key)), append(writes, "delete "+shop.MerchantID)
			}
			slices.Sort(want.toDelete)
			w.mustPlanAndWrite(t, fleetPlan{"update", map[string]shopPlan{shop.Name: want}}, writes...)
			w.mustHaveConverged(t)
			if now := w.holds(t, shop.Name); now == own || now == held {
				t.Errorf("the shop still holds %s", now)
			}
		})
	}
}

// TestFleet_CorrectsMistypedStore creates a fleet in which one shop has an unknown store. Its key's store is then not known
// from the state, so the corrected row is no move to another store. A fleet that gets the row later does the same.
func TestFleet_CorrectsMistypedStore(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"at creation": false, "in a new row": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
			shop := w.seed.Shops[1]
			row := w.fleet.Shops[shop.Name]
			if later {
				w.remove(t, shop.Name)
				w.mustApply(t)
			}
			row.MerchantID = "M00999999"
			w.fleet.Shops[shop.Name] = row
			mustSay(t, w.apply(t), "The portal user of this token can't see such a store.")
			row.MerchantID = shop.MerchantID
			w.fleet.Shops[shop.Name] = row
			w.mustApply(t)
			w.mustHaveConverged(t)
		})
	}
}

// TestFleet_RejectsUnknownStoreOfConnectedShop expects an error in the plan, as for any other store.
func TestFleet_RejectsUnknownStoreOfConnectedShop(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 2)
	w.edit(w.seed.Shops[0].Name, func(s *shopSettings) { s.MerchantID = "M00999999" })
	r := w.planWith(t, tfdriver.Options{})
	if r.code == 0 {
		t.Errorf("the plan succeeds:\n%s", r.output)
	}
	mustSay(t, r, "The portal user can't see store M00999999.")
}

// TestFleet_CountsOnlyShopsThatCanGetKey does not count a shop without Klarna Checkout V3 among those that get a key.
func TestFleet_CountsOnlyShopsThatCanGetKey(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
	observed{w.box, t}.mustUninstall(w.seed.Shops[1].Name)
	mustSay(t, w.planWith(t, tfdriver.Options{}), "2 shops will get a new key; 2 keys will be deleted")
}

// TestFleet_WarnsOfShopWithDeletedKey expects the plan to name the shop whose key somebody deleted, and no other.
func TestFleet_WarnsOfShopWithDeletedKey(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 2)
	shop := w.seed.Shops[0]
	key := w.holds(t, shop.Name)
	observed{w.box, t}.mustDeleteKey(shop.MerchantID, observed{w.box, t}.key(t, shop.MerchantID, key).CredentialID)
	_, r := w.plan(t)
	mustSay(t, r, "Kustom Portal no longer has the key of shop "+shop.Name+" ("+key+").")
	mustSucceed(t, w.apply(t))
	if _, r := w.plan(t); strings.Contains(r.output, "Shop takes no payments") {
		t.Errorf("it still says so:\n%s", r.output)
	}
}

// TestFleet_MovesShopToAnotherStore gives one shop a key of another store, without a replacement.
func TestFleet_MovesShopToAnotherStore(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(4)
	mover, to := seed.Shops[2], "M00777001"
	seed.Shops[2].MerchantID = "" // The sandbox accepts keys of any store for it.
	seed.Stores = append(seed.Stores, sandbox.Store{MerchantID: to, Name: "Ny", Website: "https://ny.example"})
	w := newFleetEnv(t, seed, sandbox.Options{})
	w.fleet.Shops[mover.Name] = shopSettings{MerchantID: mover.MerchantID}
	w.fleet.AllowStoreChange = true
	w.mustApply(t)
	first := w.holds(t, mover.Name)
	w.edit(mover.Name, func(s *shopSettings) { s.MerchantID = to })
	w.mustPlanAndWrite(t, fleetPlan{"update", map[string]shopPlan{
		mover.Name: {does: "connect", reason: "merchant_id has changed", toDelete: []string{first}},
	}}, "generate "+to, "prove "+to, "install "+mover.Name, "delete "+mover.MerchantID)
	w.mustHaveConverged(t)
	if held := w.holds(t, mover.Name); !strings.HasPrefix(held, to+"-") {
		t.Errorf("the shop holds %s", held)
	}
}

// TestFleet_RotatesOnlyDueKeys has keys of two ages. The apply rotates the keys that were due at the plan, even if the other
// ones are due by then.
func TestFleet_RotatesOnlyDueKeys(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(5), sandbox.Options{})
	w.fleet.RotateAfterDays = 90
	late := w.seed.Shops[3:]
	all := maps.Clone(w.fleet.Shops)
	w.remove(t, late[0].Name, late[1].Name)
	w.mustApply(t)
	w.rollout.clock.Advance(45 * oneDay)
	w.fleet.Shops = all
	w.mustApply(t)
	w.rollout.clock.Advance(45*oneDay - time.Minute)
	w.mustBeEmpty(t)

	w.rollout.clock.Advance(time.Minute)
	w.box.ResetRequests()
	due := map[string]shopPlan{}
	for _, shop := range w.seed.Shops[:3] {
		due[shop.Name] = shopPlan{
			does: "connect", reason: "the key is at least 90 days old: it was generated on 2026-11-02", toDelete: []string{w.holds(t, shop.Name)},
		}
	}
	w.mustPlan(t, fleetPlan{"update", due})
	// When the plan is applied, the other keys are due as well.
	w.rollout.clock.Advance(60 * oneDay)
	w.mustApplySaved(t)
	w.mustHaveWritten(t, rotations(w.seed.Shops[:3]...)...)
	got, _ := w.plan(t)
	if shops := slices.Sorted(maps.Keys(got.shops)); !slices.Equal(shops, []string{late[0].Name, late[1].Name}) {
		t.Errorf("the plan changes %q", shops)
	}
	w.mustApplySaved(t)
	w.mustHaveWritten(t, rotations(late...)...)
	w.mustHaveConverged(t)
}

func TestFleet_KeepsReplacedKeysByPolicy(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
	w.fleet.ReplacedKeys = "keep"
	want, others := map[string]shopPlan{}, []string{}
	for _, shop := range w.seed.Shops {
		want[shop.Name] = shopPlan{does: "add", reason: "the shop uses " + shop.KustomID + legacyReason, kept: []string{shop.KustomID}}
		others = append(others, shop.KustomID)
	}
	w.mustPlan(t, fleetPlan{"create", want})
	w.mustApplySaved(t)
	if n := w.box.Count(sandbox.Portal, http.MethodDelete, ""); n > 0 {
		t.Errorf("%d keys were deleted", n)
	}
	w.mustHaveConverged(t, others...)
}

// TestFleet_DeletesSharedKeyAfterAllItsShopsSwitched switches shops that share a key, all at once and one by one. The key is
// deleted after the last of them, without a warning.
func TestFleet_DeletesSharedKeyAfterAllItsShopsSwitched(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 2, 32} {
		t.Run(fmt.Sprintf("%d at once", concurrency), func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sharedSeed(4), sandbox.Options{})
			w.fleet.MaxConcurrency = concurrency
			r := w.mustApply(t)
			mustWarn(t, r, "API keys will be deleted")
			mustSay(t, r, "5 shops will get a new key; 2 keys will be deleted: M00500001-f0001, M00500005-f0005.")
			w.mustHaveConverged(t)
		})
	}
}

// TestFleet_KeepsKeyThatAnotherShopUses switches shops that share a key with a shop outside the fleet. The key stays, with a
// warning, until the fleet gets that shop.
func TestFleet_KeepsKeyThatAnotherShopUses(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sharedSeed(3), sandbox.Options{})
	first, other := w.seed.Shops[0], w.seed.Shops[2]
	w.remove(t, other.Name)
	mustSay(t, w.mustApply(t), fmt.Sprintf("Shop %[2]s no longer uses the key %[1]s, but %[3]s does. So this step did not delete the key.",
		first.KustomID, first.Name, other.Name))
	w.mustHaveConverged(t)
	w.fleet.Shops[other.Name] = shopSettings{MerchantID: other.MerchantID}
	w.mustApply(t)
	w.mustHaveConverged(t)
	if slices.Contains(w.keys(), first.KustomID) {
		t.Error("the shared key was not deleted after its last shop switched")
	}
}

// TestFleet_AppliesPlanThatIsAMonthOld places orders between the plan and the apply, which the portal's last_used_at shows.
func TestFleet_AppliesPlanThatIsAMonthOld(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(4), sandbox.Options{})
	for range 2 {
		w.plan(t)
		if w.saved.Empty() {
			t.Error("the plan changes nothing")
		}
		w.placeOrders(t)
		w.rollout.clock.Advance(30 * oneDay)
		w.mustApplySaved(t)
		w.mustHaveConverged(t)
		w.trigger(w.seed.Shops[1].Name, "2026-12")
	}
}

// TestFleet_DeletesReplacedKeyWithoutRefresh rotates with -refresh=false (I3).
func TestFleet_DeletesReplacedKeyWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 3)
	shop := w.seed.Shops[0]
	for _, incident := range []string{"2026-11", "2026-12"} {
		w.trigger(shop.Name, incident)
		mustSucceed(t, w.planWith(t, tfdriver.Options{SkipRefresh: true}))
		mustBePlan(t, w.savedPlan(), fleetPlan{"update", map[string]shopPlan{
			shop.Name: {does: "connect", reason: triggered, toDelete: []string{w.holds(t, shop.Name)}},
		}})
		w.mustApplySaved(t)
		w.mustHaveWritten(t, rotations(shop)...)
		w.mustBeDone(t)
	}
	w.mustBeEmpty(t)
}

// TestFleet_ChangesOfItsSettingsTouchNoShop changes settings of the fleet. The plan changes no shop, and the apply writes
// nothing at the vendors.
func TestFleet_ChangesOfItsSettingsTouchNoShop(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 3)
	original := w.fleet
	for _, change := range []func(*fleetSettings){
		func(f *fleetSettings) { f.DeletionPolicy = "clear" },
		func(f *fleetSettings) { f.ReplacedKeys = "keep" },
		func(f *fleetSettings) { f.MaxConcurrency = 3 },
		func(f *fleetSettings) { f.RotateAfterDays = 365 },
		func(f *fleetSettings) { f.Timeouts = map[string]string{"update": "70m", "read": "30m"} },
		func(*fleetSettings) {},
	} {
		w.fleet = original
		change(&w.fleet)
		w.mustPlanAndWrite(t, fleetPlan{"update", map[string]shopPlan{}})
		w.mustBeEmpty(t)
	}
	w.mustBeDone(t)
}

// TestFleet_ReplacedFleetLeavesEveryShopWithOneKey replaces a fleet. Then every shop takes payments with the only key of its
// store, which is in the state.
func TestFleet_ReplacedFleetLeavesEveryShopWithOneKey(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"retain", "clear"} {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, create before destroy %t", policy, first), func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
				w.fleet.DeletionPolicy, w.createFirst = policy, first
				w.mustApply(t)
				before := w.keys()
				r := mustSucceed(t, w.applyWith(t, tfdriver.Options{Replace: []string{fleetAddress}}))
				w.mustBeEmpty(t)
				w.mustWork(t)
				for _, shop := range w.seed.Shops {
					if held := w.holds(t, shop.Name); slices.Contains(before, held) || w.inState(t)[shop.Name]["username"] != held {
						t.Errorf("shop %s holds %s, the state has %v", shop.Name, held, w.inState(t)[shop.Name]["username"])
					}
				}
				if len(w.keys()) != 3 {
					t.Errorf("I3: the stores have the keys %q:\n%s", w.keys(), r.output)
				}
			})
		}
	}
}

// TestFleet_RetainsShopsThatLeave removes one shop and then all. They keep their keys, and a warning names the keys.
func TestFleet_RetainsShopsThatLeave(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 25)
	left := w.seed.Shops[1]
	w.remove(t, left.Name)
	w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{left.Name: {does: "remove", reason: "the shop uses " + left.KustomID + legacyReason}}})
	mustSay(t, w.mustApplySaved(t), fmt.Sprintf("have left the fleet and keep their keys, because deletion_policy is retain: %s (%s).",
		left.Name, w.holds(t, left.Name)))
	w.mustHaveConverged(t)
	mustSay(t, mustSucceed(t, w.destroy(t)),
		"have left the fleet and keep their keys", "takes payments with the key named here until", "and 4 more.")
	w.mustHaveWritten(t)
	w.fleet.Shops = nil
	w.mustBeDone(t)
}

// TestFleet_ClearsShopsThatLeave removes one shop and then all, after a change of the policy. Their credentials are cleared,
// and their keys are deleted.
func TestFleet_ClearsShopsThatLeave(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 4)
	w.fleet.DeletionPolicy = "clear"
	w.mustApply(t)
	left := w.seed.Shops[2]
	key := w.holds(t, left.Name)
	w.remove(t, left.Name)
	_, r := w.plan(t)
	const cleared = "and you removed these shops from it: "
	mustSay(t, r, fmt.Sprintf(cleared+"%s (%s). The apply clears their credentials and deletes their keys.", left.Name, key))
	if r = w.mustApplySaved(t); strings.Contains(unwrapped(r.output), "have left the fleet") {
		t.Errorf("the apply says that a cleared shop takes payments:\n%s", r.output)
	}
	w.mustHaveWritten(t, "install "+left.Name, "delete "+left.MerchantID)
	w.mustBeEmpty(t)
	var want []string
	for _, shop := range w.seed.Shops {
		if shop.Name != left.Name {
			want = append(want, "install "+shop.Name, "delete "+shop.MerchantID)
		}
	}
	mustSay(t, mustSucceed(t, w.destroy(t)), cleared)
	w.mustHaveWritten(t, want...)
	for _, shop := range w.seed.Shops {
		if held := w.holds(t, shop.Name); held != "" {
			t.Errorf("shop %s still holds %s", shop.Name, held)
		}
	}
	if len(w.keys()) > 0 || len(w.state.Instances()) > 0 {
		t.Errorf("the stores still have the keys %q, and the state %v", w.keys(), w.state.Instances())
	}
	w.mustHaveNoViolation(t, sandbox.ViolationShopCleared)
}

// TestFleet_NextRunFinishesFailedRemoval lets the removal of one shop fail halfway. The other shops leave, that shop stays in
// the state with its last_error, and the next run removes it.
func TestFleet_NextRunFinishesFailedRemoval(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"shop not cleared": answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden),
		"key not deleted":  answered(sandbox.Portal, http.MethodDelete, http.StatusForbidden),
	} {
		for _, way := range []string{"destroyed", "removed"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, sandbox.FleetSeed(4), sandbox.Options{})
				w.fleet.DeletionPolicy = "clear"
				w.mustApply(t)
				stuck, stays := w.seed.Shops[1], w.seed.Shops[3]
				key := w.holds(t, stuck.Name)
				remove, want := w.destroy, []string{stuck.Name}
				if way == "removed" {
					w.remove(t, w.seed.Shops[0].Name, stuck.Name, w.seed.Shops[2].Name)
					remove, want = w.apply, append(want, stays.Name)
				}
				disarm := w.arm(fault, stuck)
				r := remove(t)
				disarm()
				if r.code == 0 || strings.Count(r.output, "Error: ") != 1 {
					t.Errorf("exit code %d, want one error:\n%s", r.code, r.output)
				}
				left := slices.Sorted(maps.Keys(w.inState(t)))
				if got := w.inState(t)[stuck.Name]; !slices.Equal(left, want) || got["username"] != key || got["last_error"] == nil {
					t.Errorf("the state has the shops %q, want %q; the stuck one has %v", left, want, got)
				}
				mustSucceed(t, remove(t))
				if slices.Contains(w.keys(), key) || w.holds(t, stuck.Name) != "" || w.inState(t)[stuck.Name] != nil {
					t.Errorf("the shop holds %q, the stores have the keys %q", w.holds(t, stuck.Name), w.keys())
				}
				w.mustHaveNoViolation(t, sandbox.ViolationShopCleared)
			})
		}
	}
}

// TestFleet_DeletesSharedKeyAfterLastShopIsCleared clears imported shops that share a key, one by one and all at once. If one
// shop stays, the key stays.
func TestFleet_DeletesSharedKeyAfterLastShopIsCleared(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 32} {
		for _, stays := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d at once, one stays %t", concurrency, stays), func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, oneKeySeed(4), sandbox.Options{})
				shared := w.seed.Shops[0].KustomID
				w.fleet.DeletionPolicy, w.fleet.MaxConcurrency = "clear", concurrency
				var ids []string
				for _, shop := range w.seed.Shops {
					ids = append(ids, shop.Name+"/"+shop.MerchantID)
				}
				w.importID = strings.Join(ids, ",")
				w.mustApply(t)
				if stays {
					w.remove(t, w.seed.Shops[0].Name, w.seed.Shops[1].Name, w.seed.Shops[2].Name)
					w.mustApply(t)
					w.mustBeEmpty(t)
				} else {
					mustSucceed(t, w.destroy(t))
				}
				if kept := slices.Contains(w.keys(), shared); kept != stays {
					t.Errorf("the store still has the key: %t", kept)
				}
				for i, shop := range w.seed.Shops {
					if held := w.holds(t, shop.Name); (held != "") != (stays && i == 3) {
						t.Errorf("shop %s holds %q", shop.Name, held)
					}
				}
				w.mustHaveNoViolation(t, sandbox.ViolationShopCleared)
			})
		}
	}
}

// TestFleet_RejectsImportOfOtherStore imports two shops with each other's stores. The keys that they have fit the
// configuration, so none is generated.
func TestFleet_RejectsImportOfOtherStore(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 2)
	before := w.keys()
	w.state = tfdriver.NewState()
	w.importID = "shop-00001/M00500002,shop-00002/M00500001"
	r := w.planWith(t, tfdriver.Options{})
	if r.code == 0 {
		t.Error("the plan does not fail")
	}
	mustSay(t, r, "The import says that shop shop-00001 belongs to store M00500002, but the shop uses a key of store M00500001")
	if after := w.keys(); !slices.Equal(after, before) {
		t.Errorf("the keys are %q, want %q", after, before)
	}
}

func TestFleet_RejectsImportIDWithShopTwice(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(1), sandbox.Options{})
	w.importID = "shop-00001/M00500001,shop-00001/M00500001"
	r := w.planWith(t, tfdriver.Options{})
	if r.code == 0 {
		t.Error("the import does not fail")
	}
	mustSay(t, r, "The import ID has shop shop-00001 twice")
}
