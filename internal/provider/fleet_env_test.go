package provider_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

const (
	fleetType    = "kustom_mystore_fleet"
	fleetAddress = fleetType + ".all"
)

// fleetSettings is the configuration of a fleet.
type fleetSettings struct {
	Shops            map[string]shopSettings `json:"shops"`
	RotateAfterDays  int                     `json:"rotate_after_days,omitempty"`
	ReplacedKeys     string                  `json:"replaced_key_policy,omitempty"`
	DeletionPolicy   string                  `json:"deletion_policy,omitempty"`
	AllowStoreChange bool                    `json:"allow_store_change,omitempty"`
	MaxConcurrency   int                     `json:"max_concurrency,omitempty"`
	Timeouts         map[string]string       `json:"timeouts,omitempty"`
}

type shopSettings struct {
	MerchantID        string            `json:"merchant_id"`
	Description       string            `json:"description,omitempty"`
	RotateWhenChanged map[string]string `json:"rotate_when_changed,omitempty"`
}

// fleetShops has a fleet's configuration, and the sandbox with its shops. A fleetEnv or a Terraform runs it.
type fleetShops struct {
	box  *sandbox.Sandbox
	seed sandbox.Seed
	// fleet is the configuration. At first, it has all shops of the seed.
	fleet fleetSettings
	// inState returns the fleet's shops in the state, by name.
	inState func(t *testing.T) map[string]map[string]any
}

func newFleetShops(box *sandbox.Sandbox, seed sandbox.Seed) *fleetShops {
	shops := map[string]shopSettings{}
	for _, shop := range seed.Shops {
		shops[shop.Name] = shopSettings{MerchantID: shop.MerchantID}
	}
	return &fleetShops{box: box, seed: seed, fleet: fleetSettings{Shops: shops}}
}

// edit changes the configuration of a shop.
func (f *fleetShops) edit(shop string, change func(*shopSettings)) {
	settings := f.fleet.Shops[shop]
	change(&settings)
	f.fleet.Shops[shop] = settings
}

// trigger sets the shop's rotate_when_changed.
func (f *fleetShops) trigger(shop, incident string) {
	f.edit(shop, func(s *shopSettings) { s.RotateWhenChanged = map[string]string{"incident": incident} })
}

// remove removes shops from the configuration.
func (f *fleetShops) remove(t *testing.T, shops ...string) {
	t.Helper()
	for _, shop := range shops {
		if _, ok := f.fleet.Shops[shop]; !ok {
			t.Fatalf("the fleet has no shop %s", shop)
		}
		delete(f.fleet.Shops, shop)
	}
}

// holds returns the Kustom ID that a shop holds.
func (f *fleetShops) holds(t *testing.T, shop string) string {
	t.Helper()
	return observed{f.box, t}.shop(t, shop).KustomID
}

func (f *fleetShops) storeKeys(merchantID string) []string {
	var names []string
	for _, key := range f.box.Keys(merchantID) {
		names = append(names, key.Username)
	}
	return names
}

// keys returns the usernames of the keys of all stores, sorted.
func (f *fleetShops) keys() []string {
	names := []string{}
	for _, store := range f.seed.Stores {
		names = append(names, f.storeKeys(store.MerchantID)...)
	}
	slices.Sort(names)
	return names
}

// mustBeDone expects that each shop of the configuration takes payments with the key in the state and has no last_error.
// The stores must have only the keys that shops hold, and others.
func (f *fleetShops) mustBeDone(t *testing.T, others ...string) {
	t.Helper()
	inState, want := f.inState(t), slices.Clone(others)
	for _, seeded := range f.seed.Shops {
		want = append(want, f.holds(t, seeded.Name))
		observed{f.box, t}.mustPlaceOrder(seeded.Name)
	}
	for name := range f.fleet.Shops {
		if got := inState[name]; got["username"] != f.holds(t, name) || got["last_error"] != nil {
			t.Errorf("shop %s holds %s, the state has %v", name, f.holds(t, name), got)
		}
	}
	if len(inState) != len(f.fleet.Shops) {
		t.Errorf("the state has %d shops, the configuration %d", len(inState), len(f.fleet.Shops))
	}
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(f.keys(), want) {
		t.Errorf("I3: the stores have the keys %q, want %q", f.keys(), want)
	}
	f.mustHaveNoViolation(t)
}

// mustHaveNoViolation expects no violation of another kind than the allowed ones.
func (f *fleetShops) mustHaveNoViolation(t *testing.T, allowed ...sandbox.ViolationKind) {
	t.Helper()
	for _, v := range f.box.Violations() {
		if !slices.Contains(allowed, v.Kind) {
			t.Errorf("violation: %v", v)
		}
	}
}

// writes returns the requests that changed something and the proofs, since the requests were last reset. Each is an action
// with the name of a shop or a store. They are sorted.
func (f *fleetShops) writes() []string {
	all := []string{}
	for _, r := range f.box.Requests() {
		switch {
		case r.API == sandbox.Merchant && r.Caller != "": // Invented credentials have no caller.
			store, _, _ := strings.Cut(r.Caller, "-")
			all = append(all, "prove "+store)
		case r.API == sandbox.Mystore && r.Method == http.MethodPatch:
			all = append(all, "install "+r.Shop)
		case r.Method == http.MethodPost:
			all = append(all, "generate "+r.MerchantID)
		case r.Method == http.MethodDelete:
			all = append(all, "delete "+r.MerchantID)
		case r.Method != http.MethodGet:
			all = append(all, r.Method+" "+r.Path)
		}
	}
	slices.Sort(all)
	return all
}

// mustHaveWritten expects exactly these writes, and resets the requests.
func (f *fleetShops) mustHaveWritten(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := f.writes(); !slices.Equal(got, want) {
		t.Errorf("the writes are %q, want %q", got, want)
	}
	f.box.ResetRequests()
}

// rotations returns the writes of the rotation of these shops, which keep their stores.
func rotations(shops ...sandbox.Shop) []string {
	var all []string
	for _, shop := range shops {
		all = append(all, "generate "+shop.MerchantID, "prove "+shop.MerchantID, "install "+shop.Name, "delete "+shop.MerchantID)
	}
	return all
}

// fleetEnv is a test environment with one fleet of all shops of the seed. The provider runs in this process, on a fake
// clock.
type fleetEnv struct {
	*fleetShops
	rollout *rollout
	// createFirst is the lifecycle argument create_before_destroy, and importID the ID of an import block.
	createFirst bool
	importID    string
	state       *tfdriver.State
	// log has the provider's log of the applies.
	log bytes.Buffer
	// saved is the last plan.
	saved *tfdriver.Plan
}

func newFleetEnv(t *testing.T, seed sandbox.Seed, o sandbox.Options) *fleetEnv {
	t.Helper()
	r := newRolloutOf(t, seed, o)
	w := &fleetEnv{fleetShops: newFleetShops(r.box, seed), rollout: r, state: tfdriver.NewState()}
	w.inState = w.shopsInState
	return w
}

// newFleet returns an environment whose shops are all connected.
func newFleet(t *testing.T, shops int) *fleetEnv {
	t.Helper()
	w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.box.ResetRequests()
	return w
}

// config returns the configuration for the driver.
func (w *fleetEnv) config(t *testing.T) tfdriver.Config {
	t.Helper()
	encoded, err := json.Marshal(w.fleet)
	if err != nil {
		t.Fatal(err)
	}
	var values tfdriver.Values
	if err := json.Unmarshal(encoded, &values); err != nil {
		t.Fatal(err)
	}
	return tfdriver.Config{{Address: fleetAddress, Values: values, CreateBeforeDestroy: w.createFirst, ImportID: w.importID}}
}

// planWith plans the configuration and saves the plan.
func (w *fleetEnv) planWith(t *testing.T, o tfdriver.Options) run {
	t.Helper()
	w.saved = w.rollout.driver.Plan(t.Context(), w.config(t), w.state, w.rollout.start, o)
	return runOf(&w.saved.Result)
}

// applyWith plans and applies, as terraform apply does.
func (w *fleetEnv) applyWith(t *testing.T, o tfdriver.Options) run {
	t.Helper()
	planned := w.planWith(t, o)
	if planned.code != 0 {
		return planned
	}
	applied := w.applySaved(t)
	// The apply plans again, but Terraform prints the plan's warnings once.
	return run{applied.code, planned.output + strings.Replace(applied.output, planned.output, "", 1)}
}

func (w *fleetEnv) applySaved(t *testing.T) run {
	t.Helper()
	var result *tfdriver.Result
	w.state, result = w.rollout.driver.Apply(tflogtest.RootLogger(t.Context(), &w.log), w.saved)
	return runOf(result)
}

func runOf(result *tfdriver.Result) run {
	if result.Failed() {
		return run{1, result.Output()}
	}
	return run{0, result.Output()}
}

func (w *fleetEnv) apply(t *testing.T) run {
	t.Helper()
	return w.applyWith(t, tfdriver.Options{})
}

func (w *fleetEnv) destroy(t *testing.T) run {
	t.Helper()
	return w.applyWith(t, tfdriver.Options{Destroy: true})
}

// mustApply applies and expects no error.
func (w *fleetEnv) mustApply(t *testing.T) run {
	t.Helper()
	return mustSucceed(t, w.apply(t))
}

func (w *fleetEnv) mustApplySaved(t *testing.T) run {
	t.Helper()
	return mustSucceed(t, w.applySaved(t))
}

func mustSucceed(t *testing.T, r run) run {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("the run failed:\n%s", r.output)
	}
	return r
}

// mustBeEmpty expects a plan that changes nothing (I4).
func (w *fleetEnv) mustBeEmpty(t *testing.T) {
	t.Helper()
	if got, r := w.plan(t); !w.saved.Empty() {
		t.Errorf("I4: the plan after the apply is %+v:\n%s", got, r.output)
	}
}

// mustHaveConverged expects an empty plan, and what [fleetShops.mustBeDone] expects.
func (w *fleetEnv) mustHaveConverged(t *testing.T, others ...string) {
	t.Helper()
	w.mustBeEmpty(t)
	w.mustBeDone(t, others...)
}

// shopsInState returns the fleet's shops in the state. It expects no tainted or deposed fleet.
func (w *fleetEnv) shopsInState(t *testing.T) map[string]map[string]any {
	t.Helper()
	for _, instance := range w.state.Instances() {
		if instance.Tainted || w.state.Current[instance.Address] != instance {
			t.Errorf("the state has a tainted or deposed %s", instance.Address)
		}
	}
	var attributes struct{ Shops map[string]map[string]any }
	if fleet := w.state.Current[fleetAddress]; fleet != nil {
		encoded, err := fleet.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &attributes); err != nil {
			t.Fatal(err)
		}
	}
	return attributes.Shops
}

// shopPlan is the plan for one shop of a fleet.
type shopPlan struct {
	// does is "add", "remove", "connect" for a shop of the fleet that gets a key, "perhaps" if the plan can't decide yet,
	// and "change" for anything else.
	does           string
	reason         string
	toDelete, kept []string // usernames
}

// fleetPlan is the plan for a fleet: Terraform's words for its actions, and the shops that change.
type fleetPlan struct {
	actions string
	shops   map[string]shopPlan
}

// plan plans, and returns the plan for the fleet.
func (w *fleetEnv) plan(t *testing.T) (fleetPlan, run) {
	t.Helper()
	r := mustSucceed(t, w.planWith(t, tfdriver.Options{}))
	return w.savedPlan(), r
}

func (w *fleetEnv) savedPlan() fleetPlan {
	actions, before, after := w.saved.Change(fleetAddress)
	return fleetPlan{actions, changedShops(elements(elements(before)["shops"]), elements(elements(after)["shops"]))}
}

// changedShops returns the plans for the shops that change.
func changedShops(before, after map[string]tftypes.Value) map[string]shopPlan {
	changed := map[string]shopPlan{}
	for name, prior := range before {
		if _, stays := after[name]; !stays {
			changed[name] = shopPlan{does: "remove", reason: text(prior, "reason")}
		}
	}
	for name, planned := range after {
		prior, exists := before[name]
		if exists && prior.Equal(planned) {
			continue
		}
		of, does := elements(planned), "change"
		switch {
		case !exists:
			does = "add"
		case !of["reason"].IsKnown():
			does = "perhaps"
		case !of["credential_id"].IsKnown():
			does = "connect"
		}
		changed[name] = shopPlan{does, text(planned, "reason"), usernamesOf(of["keys_to_delete"]), usernamesOf(of["keys_kept"])}
	}
	return changed
}

func usernamesOf(keys tftypes.Value) []string {
	var list []tftypes.Value
	if keys.IsNull() || !keys.IsKnown() || keys.As(&list) != nil {
		return nil
	}
	var names []string
	for _, key := range list {
		names = append(names, text(key, "username"))
	}
	slices.Sort(names)
	return names
}

// mustPlan plans and expects exactly this plan.
func (w *fleetEnv) mustPlan(t *testing.T, want fleetPlan) run {
	t.Helper()
	got, r := w.plan(t)
	mustBePlan(t, got, want)
	return r
}

func mustBePlan(t *testing.T, got, want fleetPlan) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the plan is\n%+v, want\n%+v", got, want)
	}
}

// mustPlanAndWrite expects exactly this plan, and exactly these writes of its apply.
func (w *fleetEnv) mustPlanAndWrite(t *testing.T, plan fleetPlan, writes ...string) {
	t.Helper()
	w.box.ResetRequests()
	w.mustPlan(t, plan)
	w.mustHaveWritten(t)
	w.mustApplySaved(t)
	w.mustHaveWritten(t, writes...)
}

const legacyReason = ", a key of api.klarna.com"

// adoptions returns the plans for shops that hold legacy keys.
func adoptions(shops ...sandbox.Shop) map[string]shopPlan {
	plans := map[string]shopPlan{}
	for _, shop := range shops {
		plans[shop.Name] = shopPlan{does: "add", reason: "the shop uses " + shop.KustomID + legacyReason, toDelete: []string{shop.KustomID}}
	}
	return plans
}

var warningSummary = regexp.MustCompile(`Warning: (.*)`)

// mustWarn expects a run to print exactly the warnings with these summaries.
func mustWarn(t *testing.T, r run, want ...string) {
	t.Helper()
	var got []string
	for _, match := range warningSummary.FindAllStringSubmatch(r.output, -1) {
		got = append(got, match[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the warnings are %q, want %q:\n%s", got, want, r.output)
	}
}

// mustSay expects these texts in the output of a run. It ignores line breaks.
func mustSay(t *testing.T, r run, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(unwrapped(r.output), text) {
			t.Errorf("the run (exit code %d) does not say %q:\n%s", r.code, text, r.output)
		}
	}
}

// placeOrders places an order in each shop of the seed.
func (f *fleetShops) placeOrders(t *testing.T) {
	t.Helper()
	for _, shop := range f.seed.Shops {
		observed{f.box, t}.mustPlaceOrder(shop.Name)
	}
}

// mustWork expects that every shop of the seed takes payments.
func (f *fleetShops) mustWork(t *testing.T) {
	t.Helper()
	for _, shop := range f.seed.Shops {
		observed{f.box, t}.mustTakePayments(shop.Name)
	}
}

// sharedSeed returns n shops that share a store and a legacy key, and one shop with its own.
func sharedSeed(n int) sandbox.Seed {
	seed := sandbox.FleetSeed(n + 1)
	key := seed.Stores[0].Keys[0]
	for i := range n {
		seed.Shops[i].KustomID, seed.Shops[i].KustomSecret, seed.Shops[i].MerchantID = key.Username, key.Secret, key.Username[:9]
		if i > 0 {
			seed.Stores[i].Keys = nil
		}
	}
	return seed
}

// oneKeySeed returns n shops that share a store and a Kustom key.
func oneKeySeed(n int) sandbox.Seed {
	seed := sharedSeed(n)
	key := &seed.Stores[0].Keys[0]
	key.Host = kustomHost
	seed.Shops, seed.Stores = seed.Shops[:n], seed.Stores[:1]
	return seed
}

// elements returns the elements of an object or a map; none if it is null, unknown or missing.
func elements(value tftypes.Value) map[string]tftypes.Value {
	all := map[string]tftypes.Value{}
	if value.Type() == nil || value.IsNull() || !value.IsKnown() || value.As(&all) != nil {
		return map[string]tftypes.Value{}
	}
	return all
}

// text returns a string attribute; empty if it is null or unknown.
func text(value tftypes.Value, attribute string) string {
	var s string
	if found, ok := elements(value)[attribute]; ok && found.IsKnown() && !found.IsNull() {
		_ = found.As(&s)
	}
	return s
}
