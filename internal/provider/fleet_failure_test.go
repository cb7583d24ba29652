package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// obstacle keeps one shop of a fleet from getting a key.
type obstacle struct {
	// prepare puts it up, and returns what takes it away.
	prepare func(t *testing.T, w *fleetEnv, shop sandbox.Shop) (mend func())
	// says is a part of the shop's problem.
	says string
	// untouched says that no key is made for the shop.
	untouched bool
	// blind says that the shop can't be read, so that nobody knows which key it holds, and no key may be
	// deleted.
	blind bool
	// keyless says that the shop has lost its key with it.
	keyless bool
}

// arms is an obstacle of a fault that only happens to the shop. Several tests may put it up at once.
func arms(fault sandbox.Fault) func(*testing.T, *fleetEnv, sandbox.Shop) func() {
	return func(_ *testing.T, w *fleetEnv, shop sandbox.Shop) func() {
		its := fault
		its.Match = func(r sandbox.Request) bool {
			return r.Shop == shop.Name || r.MerchantID == shop.MerchantID || strings.HasPrefix(r.Caller, shop.MerchantID+"-")
		}
		return w.sandbox.Arm(its).Disarm
	}
}

// withTokens makes the provider use other tokens than the right ones.
func (w *fleetEnv) withTokens(t *testing.T, change func(tokens map[string]string)) (restore func()) {
	t.Helper()
	tokens := map[string]string{}
	for _, shop := range w.seed.Shops {
		tokens[shop.Name] = shop.Token
	}
	change(tokens)
	encoded, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	before := read(t, w.dir+"/provider.tf")
	w.write(t, "provider.tf", fmt.Sprintf("provider \"kustom\" {\n  mystore_tokens = jsondecode(%q)\n}\n", encoded))
	return func() { w.write(t, "provider.tf", before) }
}

func obstacles() map[string]obstacle {
	return map[string]obstacle{
		"no Klarna Checkout V3": {
			prepare: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) func() {
				if err := w.sandbox.UninstallExtension(shop.Name, sandbox.KlarnaCheckoutV3); err != nil {
					t.Fatal(err)
				}
				return func() {
					if err := w.sandbox.InstallExtension(shop.Name, shop.Extensions[0]); err != nil {
						t.Error(err)
					}
				}
			},
			says: "has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom.", untouched: true, keyless: true,
		},
		"no token": {
			prepare: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) func() {
				return w.withTokens(t, func(tokens map[string]string) { delete(tokens, shop.Name) })
			},
			says: "The provider has no Mystore token for shop", untouched: true,
		},
		"token of another shop": {
			prepare: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) func() {
				return w.withTokens(t, func(tokens map[string]string) { tokens[shop.Name] = tokens[w.seed.Shops[0].Name] })
			},
			says: "it belongs to another shop, or lacks the permission for extensions", untouched: true, blind: true,
		},
		"write refused": {
			prepare: arms(answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity)),
			says:    "Mystore refuses the request",
		},
		"write not allowed": {
			prepare: arms(answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden)),
			says:    "is not allowed to do this",
		},
		"key refused": {
			prepare: arms(answered(sandbox.Merchant, "", http.StatusUnauthorized)),
			says:    "Kustom's merchant API refuses this Kustom ID",
		},
		"store not visible": {
			prepare: arms(answered(sandbox.Portal, http.MethodPost, http.StatusNotFound)),
			says:    "can't see such a store",
		},
		"key limit reached": {
			prepare: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) func() {
				key, err := w.sandbox.GenerateKey(shop.MerchantID, "one too many")
				if err != nil {
					t.Fatal(err)
				}
				return func() {
					if err := w.sandbox.DeleteKey(key.MerchantID, key.CredentialID); err != nil {
						t.Error(err)
					}
				}
			},
			says: "has as many API keys as it may have",
		},
	}
}

// keyLimit lets a store have the key that a shop uses and one that is to replace it.
const keyLimit = 2

// allConnected is the postcondition of the published example.
func allConnected() map[string]any {
	return map[string]any{"postcondition": map[string]string{
		"condition":     "${alltrue([for shop in self.shops : shop.last_error == null])}",
		"error_message": `${join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])}`,
	}}
}

// mustHaveFailed expects a run in which the shop alone has met the obstacle: the others are done, nothing
// is tainted, no key is left behind, and the shop has the key that it had, and a problem.
func (w *fleetEnv) mustHaveFailed(t *testing.T, shop sandbox.Shop, o obstacle, had string, keys []string) {
	t.Helper()
	inState := w.inState(t)
	for name, settings := range w.shops {
		got := inState[name]
		if name == shop.Name {
			if problem, _ := got["last_error"].(string); !strings.Contains(problem, o.says) {
				t.Errorf("the shop's problem is %q, want %q", problem, o.says)
			}
			continue
		}
		if got["username"] == nil || got["username"] != w.holds(t, name) || got["last_error"] != nil || got["merchant_id"] != settings.MerchantID {
			t.Errorf("shop %s holds %s, in the state is %v", name, w.holds(t, name), got)
		}
	}
	if o.keyless {
		had = ""
	}
	if held := w.holds(t, shop.Name); held != had {
		t.Errorf("the shop holds %q, it had %q", held, had)
	}
	var now []string
	for _, key := range w.sandbox.Keys(shop.MerchantID) {
		now = append(now, key.Username)
	}
	if !slices.Equal(now, keys) {
		t.Errorf("I3: the shop's store has the keys %q, it had %q", now, keys)
	}
	made := slices.Contains(w.writes(), "make "+shop.MerchantID)
	if o.untouched && made {
		t.Error("a key was made for a shop that can't have it")
	}
	mustHaveNoViolation(t, w.testEnv)
}

// mustPlanRest expects the next plan to have just that shop to do; where it is blind, also the keys that
// had to stay.
func (w *fleetEnv) mustPlanRest(t *testing.T, shop sandbox.Shop, o obstacle) {
	t.Helper()
	got, r := w.plan(t)
	rest := got.shops[shop.Name]
	if got.actions != "update" || rest.does != "connect" || rest.reason == "" {
		t.Errorf("the plan is %+v", got)
	}
	delete(got.shops, shop.Name)
	for name, plan := range got.shops {
		if !o.blind || plan.reason != unfinished || plan.does != "change" {
			t.Errorf("the plan changes shop %s: %+v", name, plan)
		}
	}
	if !strings.Contains(r.output, "0 to add, 1 to change, 0 to destroy") {
		t.Errorf("the plan is\n%s", r.output)
	}
	if !o.blind {
		w.mustShowOnly(t, r.output, shop.Name)
	}
}

func storeKeys(w *fleetEnv, merchantID string) []string {
	var names []string
	for _, key := range w.sandbox.Keys(merchantID) {
		names = append(names, key.Username)
	}
	return names
}

// TestAccFleetCreatedButOne creates a fleet of which one shop can't be connected. That is a warning, with
// which Terraform keeps what was done; the example's postcondition makes the run fail all the same.
func TestAccFleetCreatedButOne(t *testing.T) {
	for name, o := range obstacles() {
		for _, checked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with postcondition %t", name, checked), func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{KeyLimit: keyLimit})
				if checked {
					w.fleet.Lifecycle = allConnected()
				}
				w.use(t)
				shop := w.seed.Shops[1]
				mend := o.prepare(t, w, shop)
				keys := storeKeys(w, shop.MerchantID)
				r := w.apply(t)
				if (r.code == 0) == checked || !strings.Contains(unwrapped(r.output), o.says) {
					t.Errorf("exit code %d, want %q in\n%s", r.code, o.says, r.output)
				}
				if checked && !strings.Contains(unwrapped(r.output), "Error: Resource postcondition failed") {
					t.Errorf("the postcondition has not failed:\n%s", r.output)
				}
				if !checked && !strings.Contains(unwrapped(r.output), "Warning: Shop keeps the key that it has: "+shop.Name) {
					t.Errorf("nothing is warned of:\n%s", r.output)
				}
				w.mustHaveFailed(t, shop, o, shop.KustomID, keys)
				w.mustPlanRest(t, shop, o)
				mend()
				w.mustApply(t)
				w.mustBeEmpty(t)
				// Nobody uses it any more: it has left the shop with the extension, not by this provider.
				left := []string{}
				if o.keyless {
					left = append(left, shop.KustomID)
				}
				w.mustBeDone(t, left...)
			})
		}
	}
}

// TestAccFleetUpdatedButOne gives all shops of a fleet another key, which one can't get: an error, and all
// else is done.
func TestAccFleetUpdatedButOne(t *testing.T) {
	for name, o := range obstacles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{KeyLimit: keyLimit})
			w.use(t)
			w.mustApply(t)
			shop := w.seed.Shops[1]
			before := map[string]string{}
			for _, each := range w.seed.Shops {
				before[each.Name] = w.holds(t, each.Name)
				w.edit(t, each.Name, func(s *shopSettings) { s.RotateWhenChanged = map[string]string{"incident": "2026-11"} })
			}
			mend := o.prepare(t, w, shop)
			keys := storeKeys(w, shop.MerchantID)
			w.sandbox.ResetRequests()
			r := w.apply(t)
			if r.code == 0 || strings.Count(r.output, "Error: ") != 1 || !strings.Contains(unwrapped(r.output), "Error: Shop keeps the key that it has: "+shop.Name) ||
				!strings.Contains(unwrapped(r.output), o.says) {
				t.Errorf("exit code %d, want one error that says %q:\n%s", r.code, o.says, r.output)
			}
			w.mustHaveFailed(t, shop, o, before[shop.Name], keys)
			for _, other := range []int{0, 2} {
				if name := w.seed.Shops[other].Name; w.holds(t, name) == before[name] {
					t.Errorf("shop %s has not got another key", name)
				}
			}
			if got := w.inState(t)[shop.Name]; got["username"] != before[shop.Name] || got["rotate_when_changed"] != nil {
				t.Errorf("of the shop that failed is in the state: %v", got)
			}
			w.mustPlanRest(t, shop, o)
			mend()
			w.mustApply(t)
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}

// TestAccFleetProblemGivenUp takes back the change that one shop could not follow. Then there is nothing to
// do for it, with the shops read anew or not, and it has no problem any more.
func TestAccFleetProblemGivenUp(t *testing.T) {
	for _, refresh := range []string{"true", "false"} {
		for name, fault := range map[string]sandbox.Fault{
			"refused": answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity),
			// The new key is remembered, and is to be deleted.
			"in doubt": {API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop},
		} {
			t.Run(name+", read anew "+refresh, func(t *testing.T) {
				t.Parallel()
				w := newFleet(t, 3)
				shop := w.seed.Shops[1]
				trigger := func(value map[string]string) {
					w.edit(t, shop.Name, func(s *shopSettings) { s.RotateWhenChanged = value })
				}
				trigger(map[string]string{"incident": "2026-11"})
				mend := arms(fault)(t, w, shop)
				if r := w.apply(t); r.code == 0 {
					t.Fatalf("the fault does nothing:\n%s", r.output)
				}
				mend()
				trigger(nil)
				// Something else changes, so that there is an apply.
				w.edit(t, w.seed.Shops[0].Name, func(s *shopSettings) { s.Description = "another one" })
				w.mustApply(t, "-refresh="+refresh)
				w.mustBeEmpty(t)
				w.mustApply(t, "-refresh-only")
				w.mustBeDone(t)
			})
		}
	}
}

// TestAccFleetCreatedWithoutRefresh goes on with a creation that one shop had no part in, by the state
// alone. Its legacy key must go all the same (I3).
func TestAccFleetCreatedWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
	w.use(t)
	shop := w.seed.Shops[1]
	mend := arms(answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden))(t, w, shop)
	w.mustApply(t)
	mend()
	w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{shop.Name: {
		does: "connect", reason: "an earlier run could not give the shop a key", toDelete: []string{shop.KustomID},
	}}}, "-refresh=false")
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
}

// TestAccFleetFailsAltogether creates a fleet of which no shop can be connected: an error, and nothing is
// left of it.
func TestAccFleetFailsAltogether(t *testing.T) {
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		errors int
		says   string
	}{
		"each by itself": {answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden), 3, "is not allowed to do this"},
		"all together":   {answered(sandbox.Portal, http.MethodPost, http.StatusUnauthorized), 1, "This is so of shop-00001, shop-00002, shop-00003."},
		"while planning": {answered(sandbox.Portal, "", http.StatusUnauthorized), 1, "This is so of shop-00001, shop-00002, shop-00003."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
			w.use(t)
			before := w.keys()
			armed := w.sandbox.Arm(test.fault)
			r := w.apply(t)
			if n := strings.Count(r.output, "Error: "); r.code == 0 || n != test.errors || !strings.Contains(unwrapped(r.output), test.says) {
				t.Errorf("exit code %d, %d errors, want %d that say %q:\n%s", r.code, n, test.errors, test.says, r.output)
			}
			if len(w.state(t)) > 0 || !slices.Equal(w.keys(), before) {
				t.Errorf("left are the keys %q and the state %v", w.keys(), w.state(t))
			}
			armed.Disarm()
			w.mustApply(t)
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}

// TestAccFleetTokenExpires has the portal's token expire while a fleet is worked on. What is done is
// done; the rest is told once, and no further shops are tried in vain.
func TestAccFleetTokenExpires(t *testing.T) {
	for _, way := range []string{"create", "update"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			const shops, concurrency, made, inARow = 60, 4, 12, 10
			w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
			w.fleet.MaxConcurrency, w.fleet.Lifecycle = concurrency, allConnected()
			w.use(t)
			if way == "update" {
				w.mustApply(t)
				for _, shop := range w.seed.Shops {
					w.edit(t, shop.Name, func(s *shopSettings) { s.Description = "another one" })
				}
			}
			w.sandbox.ResetRequests()
			expired := false
			posts := 0
			armed := w.sandbox.Arm(sandbox.Fault{Status: http.StatusUnauthorized, Match: func(r sandbox.Request) bool {
				if r.API == sandbox.Portal && r.Method == http.MethodPost {
					posts++
					expired = expired || posts > made
				}
				return expired && r.API == sandbox.Portal
			}})
			r := w.apply(t)
			armed.Disarm()
			output := unwrapped(r.output)
			if n := strings.Count(output, "Kustom Portal does not accept the token: it is wrong or has expired. Get a new one and set portal_token, or the environment variable KUSTOM_PORTAL_TOKEN. This is so of"); r.code == 0 || n != 1 {
				t.Errorf("exit code %d, told %d times:\n%s", r.code, n, r.output)
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
			for _, shop := range w.seed.Shops {
				if err := w.sandbox.Working(shop.Name); err != nil {
					t.Errorf("I1: %v", err)
				}
			}
			w.sandbox.ResetRequests()
			w.mustApply(t)
			// A key that was made and not installed is found by asking for it once more.
			notInstalled := made - done
			if n := w.sandbox.Count(sandbox.Portal, http.MethodPost, ""); n != shops-done+notInstalled {
				t.Errorf("%d keys were asked for, want one for each of %d shops, and the %d that were not installed", n, shops-done, notInstalled)
			}
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}

// TestAccFleetUnreachableShop loses one shop in the middle of a run. Before a key is deleted, each shop is
// asked whether it uses it: this one must not be asked again for each of the others' keys, which would
// take the more time the more shops there are.
func TestAccFleetUnreachableShop(t *testing.T) {
	t.Parallel()
	const shops, concurrency, attempts = 60, 4, 5
	w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
	w.fleet.MaxConcurrency = concurrency
	w.use(t)
	lost := w.seed.Shops[1]
	begun := false
	armed := w.sandbox.Arm(sandbox.Fault{Status: http.StatusServiceUnavailable, Match: func(r sandbox.Request) bool {
		begun = begun || r.Method == http.MethodPost
		return begun && r.Shop == lost.Name
	}})
	r := w.mustApply(t)
	armed.Disarm()
	// Only keys of its own store could be in use there, so the other shops' old keys are deleted.
	if got := warningSummary.FindAllString(r.output, -1); !slices.Equal(got, []string{
		"Warning: Shop may have another key: " + lost.Name, "Warning: API keys will be deleted",
	}) {
		t.Errorf("the warnings are %q:\n%s", got, r.output)
	}
	// Its own connection writes once and looks twice; then each worker asks once, and in the end one.
	if most := 1 + 2*attempts + (concurrency+1)*attempts; armed.Fired() > most {
		t.Errorf("the shop that was lost was asked %d times, want at most %d", armed.Fired(), most)
	}
	for _, shop := range w.seed.Shops {
		if err := w.sandbox.Working(shop.Name); err != nil {
			t.Errorf("I1: %v", err)
		}
	}
	w.sandbox.ResetRequests()
	w.mustApply(t)
	if n := len(slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool { return !makesKey(r) })); n != 1 {
		t.Errorf("%d keys were made, want one for the shop that was lost", n)
	}
	w.mustBeEmpty(t)
	w.mustBeDone(t)
}

var warningSummary = regexp.MustCompile(`Warning: (.*)`)

// TestAccFleetReadFails plans while shops can't be read. One is warned of, and stays as it is; the others
// are planned as ever. That all can't be read is one warning.
func TestAccFleetReadFails(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 4)
	lost, drifted := w.seed.Shops[1], w.seed.Shops[2]
	if err := w.sandbox.Install(drifted.Name, "", ""); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]sandbox.Fault{
		"server error": {API: sandbox.Mystore, Status: http.StatusInternalServerError},
		"not allowed":  {API: sandbox.Mystore, Status: http.StatusForbidden},
	} {
		mend := arms(fault)(t, w, lost)
		r := w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{
			drifted.Name: {does: "connect", reason: noKey, toDelete: usernamesOf([]any{w.inState(t)[drifted.Name]})},
		}})
		mend()
		if found := warningSummary.FindAllString(r.output, -1); len(found) != 2 || !strings.HasPrefix(found[0], "Warning: Shop not read") ||
			found[1] != "Warning: API keys will be deleted" || !strings.Contains(unwrapped(r.output), lost.Name) {
			t.Errorf("%s: the warnings are %q:\n%s", name, found, r.output)
		}
	}
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)

	armed := w.sandbox.Arm(answered(sandbox.Mystore, "", http.StatusServiceUnavailable))
	defer armed.Disarm()
	before := w.inState(t)
	r := w.apply(t)
	if found := warningSummary.FindAllString(r.output, -1); r.code != 0 || !slices.Equal(found, []string{"Warning: Shop not read"}) ||
		!strings.Contains(unwrapped(r.output), "This is so of shop-00001, shop-00002, shop-00003, shop-00004.") {
		t.Errorf("exit code %d, want one warning for all:\n%s", r.code, r.output)
	}
	if !maps.EqualFunc(before, w.inState(t), func(a, b map[string]any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Error("the state has changed")
	}
}

// TestAccFleetLeavingUnfinished takes a shop out of the fleet that never got its key: nobody says that it
// takes payments with one, and nothing is left of the attempt.
func TestAccFleetLeavingUnfinished(t *testing.T) {
	for _, policy := range []string{"retain", "clear"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sandbox.FleetSeed(2), sandbox.Options{})
			w.fleet.DeletionPolicy = policy
			w.use(t)
			shop := w.seed.Shops[1]
			mend := arms(sandbox.Fault{API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop})(t, w, shop)
			w.mustApply(t)
			mend()
			if len(storeKeys(w, shop.MerchantID)) != 2 {
				t.Fatal("no key is in doubt: the test shows nothing")
			}
			w.remove(t, shop.Name)
			r := w.mustApply(t)
			if strings.Contains(r.output, "Warning") {
				t.Errorf("something is warned of:\n%s", r.output)
			}
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}
