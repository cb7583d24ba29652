package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// eachShopRun calls do with each way to connect the shops of a rollout, for shops that get their first key and for others that get
// another one.
func eachShopRun(do func(name, way string, first bool)) {
	for _, way := range []string{wayConnection, wayFleet} {
		do(way+"/first key", way, true)
		do(way+"/another key", way, false)
	}
}

// shopRun is a run in which all shops of a rollout get a key, and one of them fails.
type shopRun struct {
	*rollout
	*fleetShops
	way    string
	first  bool
	config tfdriver.Config
	state  *tfdriver.State
	shop   sandbox.Shop
	// before has the usernames that the shops had before the run.
	before map[string]string
}

func newShopRun(t *testing.T, way string, first bool) *shopRun {
	t.Helper()
	r := newRolloutOf(t, sandbox.FleetSeed(3), sandbox.Options{KeyLimit: keyLimit})
	s := &shopRun{
		rollout: r, fleetShops: newFleetShops(r.box, r.seed), way: way, first: first, config: r.connections(), state: tfdriver.NewState(),
		shop: r.seed.Shops[1], before: map[string]string{},
	}
	if way == wayFleet {
		s.config = r.config()
	}
	if !first {
		s.state, _ = r.apply(t, s.config, s.state)
		s.config = withOtherTriggers(s.config)
	}
	for _, shop := range r.seed.Shops {
		s.before[shop.Name] = s.holds(t, shop.Name)
	}
	return s
}

// others returns the shops that do not fail.
func (s *shopRun) others() []sandbox.Shop {
	return slices.DeleteFunc(slices.Clone(s.rollout.seed.Shops), func(shop sandbox.Shop) bool { return shop.Name == s.shop.Name })
}

// text returns a shop's attribute in the state, or an empty string.
func (s *shopRun) text(shop, attribute string) string {
	address, path := fleetAddress, []string{"shops", shop, attribute}
	if s.way == wayConnection {
		address, path = connectionType+"."+shop, []string{attribute}
	}
	instance := s.state.Current[address]
	if instance == nil {
		return ""
	}
	return instance.Text(path...)
}

// fail lets the shop fail at a step with a fault of the table. It returns what removes the fault.
func (s *shopRun) fail(t *testing.T, c faultCase, at step) (disarm func()) {
	t.Helper()
	if c.shop != nil {
		return c.shop(t, s.rollout, s.shop)
	}
	byAPI, _ := at.requests()
	fault := byAPI.of(c.api.Fault)
	fault.Match = isOf(s.shop)
	armed := s.rollout.box.Arm(fault)
	return func() {
		armed.Disarm()
		if armed.Fired() == 0 {
			t.Error("the fault did not happen")
		}
	}
}

// TestFailingShop_KeepsKeyUntilNextRun gives all of three shops a key. One of them fails: the others get their keys, the failing
// one takes payments, and the user sees why it failed. A first key that fails for one shop of a fleet is a warning, with which
// Terraform keeps the others. The next run puts everything right.
func TestFailingShop_KeepsKeyUntilNextRun(t *testing.T) {
	t.Parallel()
	for _, c := range faultCases() {
		for _, seen := range c.byAPI {
			if c.shop != nil {
				seen.at = []step{""}
			}
			for _, at := range seen.at {
				eachShopRun(func(name, way string, first bool) {
					if seen.way != "" && seen.way != way {
						return
					}
					t.Run(name+"/"+c.name, func(t *testing.T) {
						t.Parallel()
						mustKeepKeyUntilNextRun(t, newShopRun(t, way, first), c, at, seen)
					})
				})
			}
		}
	}
}

func mustKeepKeyUntilNextRun(t *testing.T, s *shopRun, c faultCase, at step, want seen) {
	t.Helper()
	disarm := s.fail(t, c, at)
	keys := s.storeKeys(s.shop.MerchantID)
	s.rollout.box.ResetRequests()
	plan := s.plan(t, s.config, s.state, tfdriver.Options{})
	state, result := s.driver.Apply(t.Context(), plan)
	s.state = state

	said := result.Warnings
	fails := want.then != switched && (!s.first || s.way == wayConnection && want.then != oldKeyLeft)
	if fails {
		said = result.Errors
	}
	if result.Failed() != fails || len(result.Errors) > 1 ||
		want.says != "" && !slices.ContainsFunc(said, func(text string) bool {
			return strings.Contains(text, s.shop.Name) && strings.Contains(text, want.says)
		}) {
		t.Errorf("the run does not say %q once: errors %q, warnings %q", want.says, result.Errors, result.Warnings)
	}
	for _, other := range s.others() {
		if held := s.holds(t, other.Name); held == s.before[other.Name] || held != s.text(other.Name, "username") || s.text(other.Name, "last_error") != "" {
			t.Errorf("shop %s has %s, and the state %q with the error %q", other.Name, held, s.text(other.Name, "username"), s.text(other.Name, "last_error"))
		}
	}
	s.mustHaveLeft(t, want, keys)
	for _, shop := range s.rollout.seed.Shops {
		if err := s.rollout.box.Working(shop.Name); err != nil && (want.then != losesKey || shop.Name != s.shop.Name) {
			t.Errorf("I1: %v", err)
		}
	}
	s.mustHaveNoViolation(t)

	disarm()
	s.mustPutRight(t, want)
}

// mustHaveLeft checks what the run has left of the shop that failed, whose store had the given keys.
func (s *shopRun) mustHaveLeft(t *testing.T, want seen, keys []string) {
	t.Helper()
	shop, had := s.shop.Name, s.before[s.shop.Name]
	held, inState, now := s.holds(t, shop), s.text(shop, "username"), s.storeKeys(s.shop.MerchantID)
	requests := slices.DeleteFunc(s.rollout.box.Requests(), func(q sandbox.Request) bool { return !isOf(s.shop)(q) })
	switch want.then {
	case switched, oldKeyLeft:
		left := []string{held}
		if want.then == oldKeyLeft {
			left = []string{had, held}
		}
		if held == had || inState != held || !slices.Equal(now, left) {
			t.Errorf("the shop has %s, the state %q, the store %q", held, inState, now)
		}
		return
	case keyUnknown:
		if !s.first && inState != had || len(now) != len(keys)+1 {
			t.Errorf("the state has %q, the store %q", inState, now)
		}
	case losesKey:
		had = ""
		fallthrough
	case keepsKey:
		if held != had || inState != "" && inState != s.before[shop] || !slices.Equal(now, keys) {
			t.Errorf("I3: the shop has %q, the state %q, the store %q; the store had %q", held, inState, now, keys)
		}
		if got := course(requests); slices.Contains(want.at, install) && !slices.Equal(got, []string{"generate", "prove", "install", "delete"}) {
			t.Errorf("the run did %q", got)
		}
	}
	if s.way == wayFleet && !strings.Contains(s.text(shop, "last_error"), want.says) {
		t.Errorf("the state has the error %q, want %q", s.text(shop, "last_error"), want.says)
	}
	if want.noKey && slices.ContainsFunc(requests, func(q sandbox.Request) bool { return q.Method == http.MethodPost }) {
		t.Error("the run has generated a key for a shop that can't get it")
	}
}

// mustPutRight expects the next run to change the shop that failed and no other, and to leave nothing to do.
func (s *shopRun) mustPutRight(t *testing.T, want seen) {
	t.Helper()
	had := s.before[s.shop.Name]
	plan := s.plan(t, s.config, s.state, tfdriver.Options{})
	planned := s.changes(plan)
	rest, changes := planned[s.shop.Name]
	if changes == (want.then == switched) || len(planned) > 1 {
		t.Errorf("the next plan changes %+v", planned)
	}
	switch want.then {
	case switched:
	case oldKeyLeft:
		if rest.reason != unfinished || !slices.Equal(rest.toDelete, []string{had}) || rest.kept != nil {
			t.Errorf("the next plan is %+v", rest)
		}
	case keepsKey, keyUnknown, losesKey:
		once := slices.Compact(slices.Clone(rest.toDelete))
		lost := want.then == losesKey && s.first // Then the provider does not know that the shop has had the key.
		if rest.reason == "" || len(once) == 0 && !lost || len(once) != len(rest.toDelete) || want.then == keepsKey && !slices.Contains(once, had) {
			t.Errorf("the next plan is %+v, want it to delete %s, once", rest, had)
		}
	}
	s.state, _ = s.apply(t, s.config, s.state)
	if plan := s.plan(t, s.config, s.state, tfdriver.Options{}); !plan.Empty() {
		t.Errorf("I4: the plan after it is not empty: %+v", s.changes(plan))
	}
	var left []string
	for _, shop := range s.rollout.seed.Shops {
		held := s.holds(t, shop.Name)
		left = append(left, held)
		if held != s.text(shop.Name, "username") || s.text(shop.Name, "last_error") != "" {
			t.Errorf("shop %s has %s, and the state %q", shop.Name, held, s.text(shop.Name, "username"))
		}
	}
	if want.then == losesKey && s.first {
		left = append(left, had)
	}
	if slices.Sort(left); !slices.Equal(s.keys(), left) {
		t.Errorf("I3: the stores have the keys %q, want %q", s.keys(), left)
	}
	s.placeOrders(t)
	s.mustHaveNoViolation(t)
}

// changes returns what a plan does to the shops that it changes.
func (s *shopRun) changes(plan *tfdriver.Plan) map[string]shopPlan {
	if s.way == wayFleet {
		_, before, after := plan.Change(fleetAddress)
		return changedShops(elements(elements(before)["shops"]), elements(elements(after)["shops"]))
	}
	changed := map[string]shopPlan{}
	for _, shop := range s.rollout.seed.Shops {
		actions, _, after := plan.Change(connectionType + "." + shop.Name)
		if planned := elements(after); actions != "no-op" {
			changed[shop.Name] = shopPlan{
				reason: text(after, "reason"), toDelete: usernamesOf(planned["keys_to_delete"]), kept: usernamesOf(planned["keys_kept"]),
			}
		}
	}
	return changed
}

// TestUnreadableShop_OthersGetKeys lets the API of one shop fail for a whole run. Whatever it answers, the plan succeeds and names
// the shop, and the others get their keys.
func TestUnreadableShop_OthersGetKeys(t *testing.T) {
	t.Parallel()
	for _, c := range faultCases() {
		faults := c.mystore
		// Errors of the network are a lost request here, and the clock does not move while the sandbox waits.
		if api := c.api; api != nil && api.err == nil && api.requestTimeout == "" && api.Latency == 0 {
			faults = []sandbox.Fault{api.Fault}
		}
		if len(faults) == 0 {
			continue
		}
		eachShopRun(func(name, way string, first bool) {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				s := newShopRun(t, way, first)
				for _, fault := range faults {
					fault.API, fault.Match = sandbox.Mystore, func(q sandbox.Request) bool { return q.Shop == s.shop.Name }
					armed := s.rollout.box.Arm(fault)
					defer func() {
						if armed.Fired() == 0 {
							t.Error("a fault did not happen")
						}
					}()
				}
				plan := s.plan(t, s.config, s.state, tfdriver.Options{})
				if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, s.shop.Name) }) {
					t.Errorf("the plan does not name the shop: %q", plan.Warnings)
				}
				_, result := s.driver.Apply(t.Context(), plan)
				for _, other := range s.others() {
					if keys := s.storeKeys(other.MerchantID); s.holds(t, other.Name) == s.before[other.Name] || len(keys) != 1 {
						t.Errorf("shop %s is not switched, and has the keys %q: %q, %q", other.Name, keys, result.Errors, result.Warnings)
					}
				}
				s.mustHaveNoViolation(t)
			})
		})
	}
}
