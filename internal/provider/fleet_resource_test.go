package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const fleetAddress = "kustom_mystore_fleet.all"

// fleetSettings is the configuration of a fleet. Texts may be expressions: "${...}".
type fleetSettings struct {
	Shops            any               `json:"shops"`
	RotateAfterDays  int               `json:"rotate_after_days,omitempty"`
	ReplacedKeys     string            `json:"replaced_key_policy,omitempty"`
	DeletionPolicy   string            `json:"deletion_policy,omitempty"`
	AllowStoreChange bool              `json:"allow_store_change,omitempty"`
	MaxConcurrency   any               `json:"max_concurrency,omitempty"`
	Timeouts         map[string]string `json:"timeouts,omitempty"`
	Lifecycle        map[string]any    `json:"lifecycle,omitempty"`
}

type shopSettings struct {
	MerchantID        string            `json:"merchant_id"`
	Description       string            `json:"description,omitempty"`
	RotateWhenChanged map[string]string `json:"rotate_when_changed,omitempty"`
}

// fleetEnv is a world in which one fleet has, or will have, all shops of the seed, on a clock that
// nobody waits on.
type fleetEnv struct {
	*testEnv
	clock *clocktest.Fake
	seed  sandbox.Seed
	// shops are the fleet's, by name, and fleet is all else of its configuration.
	shops map[string]shopSettings
	fleet fleetSettings
}

func newFleetEnv(t *testing.T, seed sandbox.Seed, o sandbox.Options) *fleetEnv {
	t.Helper()
	clk := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	w := fleetIn(newTestEnv(t, testEnvOptions{seed: &seed, clock: clk, sandbox: o}), seed)
	w.clock = clk
	return w
}

// fleetIn returns a world with the configuration of a fleet.
func fleetIn(w *testEnv, seed sandbox.Seed) *fleetEnv {
	shops := map[string]shopSettings{}
	for _, shop := range seed.Shops {
		shops[shop.Name] = shopSettings{MerchantID: shop.MerchantID}
	}
	return &fleetEnv{testEnv: w, seed: seed, shops: shops}
}

// newFleet is a world in which all shops are connected.
func newFleet(t *testing.T, shops int) *fleetEnv {
	t.Helper()
	w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
	w.use(t)
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.sandbox.ResetRequests()
	return w
}

// use writes the configuration.
func (w *fleetEnv) use(t *testing.T) {
	t.Helper()
	fleet := w.fleet
	if fleet.Shops == nil {
		fleet.Shops = w.shops
	}
	w.writeFleet(t, "main.tf.json", map[string]fleetSettings{"all": fleet})
}

// writeFleet writes the configuration of fleets, by their names.
func (w *fleetEnv) writeFleet(t *testing.T, file string, fleets map[string]fleetSettings) {
	t.Helper()
	content, err := json.MarshalIndent(map[string]any{
		"terraform": map[string]any{"required_providers": map[string]any{"kustom": map[string]string{"source": "storefront-iac/kustom"}}},
		"resource":  map[string]any{"kustom_mystore_fleet": fleets},
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, file, string(content))
}

// edit changes the settings of a shop.
func (w *fleetEnv) edit(t *testing.T, shop string, change func(*shopSettings)) {
	t.Helper()
	settings := w.shops[shop]
	change(&settings)
	w.shops[shop] = settings
	w.use(t)
}

// remove takes shops out of the configuration.
func (w *fleetEnv) remove(t *testing.T, shops ...string) {
	t.Helper()
	for _, shop := range shops {
		if _, ok := w.shops[shop]; !ok {
			t.Fatalf("the fleet has no shop %s", shop)
		}
		delete(w.shops, shop)
	}
	w.use(t)
}

// shopPlan is what a plan does to one shop of a fleet.
type shopPlan struct {
	// does is "add", "remove", "connect" for a shop that is there and gets a key, "perhaps" where that is
	// not known yet, and "change" for anything else.
	does           string
	reason         string
	toDelete, kept []string // usernames
}

// fleetPlan is what a plan does to a fleet: what it calls that, and to which shops it does what.
type fleetPlan struct {
	actions string
	shops   map[string]shopPlan
}

// plan saves a plan and returns what it does to the fleet.
func (w *fleetEnv) plan(t *testing.T, args ...string) (fleetPlan, run) {
	t.Helper()
	r := w.terraform(t, append([]string{"plan", "-input=false", "-no-color", "-out=" + savedPlan}, args...)...)
	if r.code != 0 {
		t.Fatalf("plan failed:\n%s", r.output)
	}
	return w.saved(t), r
}

// saved reads the saved plan.
func (w *fleetEnv) saved(t *testing.T) fleetPlan {
	t.Helper()
	var shown struct {
		Changes []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After struct{ Shops map[string]map[string]any }
				Unknown       struct{ Shops any } `json:"after_unknown"`
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(w.terraform(t, "show", "-json", savedPlan).output), &shown); err != nil {
		t.Fatal(err)
	}
	for _, c := range shown.Changes {
		if c.Address == fleetAddress {
			unknown, _ := c.Change.Unknown.Shops.(map[string]any)
			return fleetPlan{strings.Join(c.Change.Actions, ", "), changedShops(c.Change.Before.Shops, c.Change.After.Shops, unknown)}
		}
	}
	return fleetPlan{}
}

// changedShops returns what becomes of the shops that do not stay as they are.
func changedShops(before, after map[string]map[string]any, unknown map[string]any) map[string]shopPlan {
	changed := map[string]shopPlan{}
	for name, was := range before {
		if _, stays := after[name]; !stays {
			changed[name] = shopPlan{does: "remove", reason: fmt.Sprint(was["reason"])}
		}
	}
	for name, is := range after {
		later, _ := unknown[name].(map[string]any)
		if reflect.DeepEqual(before[name], is) && later["credential_id"] != true {
			continue
		}
		plan := shopPlan{does: "change", toDelete: usernamesOf(is["keys_to_delete"]), kept: usernamesOf(is["keys_kept"])}
		plan.reason, _ = is["reason"].(string)
		switch {
		case before[name] == nil:
			plan.does = "add"
		case later["reason"] == true:
			plan.does = "perhaps"
		case later["credential_id"] == true:
			plan.does = "connect"
		}
		changed[name] = plan
	}
	return changed
}

func usernamesOf(keys any) []string {
	list, _ := keys.([]any)
	var names []string
	for _, key := range list {
		if attributes, ok := key.(map[string]any); ok {
			names = append(names, fmt.Sprint(attributes["username"]))
		}
	}
	// They are a set, which Terraform sorts by the keys' IDs.
	slices.Sort(names)
	return names
}

// mustPlan expects a plan that does exactly this.
func (w *fleetEnv) mustPlan(t *testing.T, want fleetPlan, args ...string) run {
	t.Helper()
	got, r := w.plan(t, args...)
	if got.actions != want.actions || !maps.EqualFunc(got.shops, want.shops, func(a, b shopPlan) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("the plan is\n%+v, want\n%+v", got, want)
	}
	return r
}

// mustApplySaved applies the saved plan.
func (w *fleetEnv) mustApplySaved(t *testing.T) run {
	t.Helper()
	r := w.terraform(t, "apply", "-input=false", "-no-color", savedPlan)
	if r.code != 0 {
		t.Fatalf("the saved plan was not applied:\n%s", r.output)
	}
	return r
}

func (w *fleetEnv) destroy(t *testing.T) run {
	t.Helper()
	return w.terraform(t, "destroy", "-auto-approve", "-input=false", "-no-color")
}

// holds is the username that a shop holds.
func (w *fleetEnv) holds(t *testing.T, shop string) string {
	t.Helper()
	found, ok := w.sandbox.Shop(shop)
	if !ok {
		t.Fatalf("there is no shop %s", shop)
	}
	return found.KustomID
}

// keys are the usernames of all keys that there are, sorted.
func (w *fleetEnv) keys() []string {
	names := []string{}
	for _, store := range w.seed.Stores {
		for _, key := range w.sandbox.Keys(store.MerchantID) {
			names = append(names, key.Username)
		}
	}
	slices.Sort(names)
	return names
}

// inState returns the fleet's shops in the state, by name. A fleet that is tainted is an error.
func (w *fleetEnv) inState(t *testing.T) map[string]map[string]any {
	t.Helper()
	shops := map[string]map[string]any{}
	for _, object := range w.state(t) {
		for _, instance := range object.Instances {
			if object.Type != "kustom_mystore_fleet" {
				continue
			}
			if instance.Deposed != "" || instance.Status != "" {
				t.Errorf("state: the fleet is left %s %s", instance.Status, instance.Deposed)
			}
			all, _ := instance.Attributes["shops"].(map[string]any)
			for name, shop := range all {
				shops[name], _ = shop.(map[string]any)
			}
		}
	}
	return shops
}

// mustBeDone expects each shop of the configuration to be in the state, to take payments with the key
// that is in the state, and to have no problem; no key beside those that shops hold, and others; every
// shop to take payments; and no promise broken.
func (w *fleetEnv) mustBeDone(t *testing.T, others ...string) {
	t.Helper()
	inState, want := w.inState(t), slices.Clone(others)
	for _, seeded := range w.seed.Shops {
		want = append(want, w.holds(t, seeded.Name))
		if err := w.sandbox.PlaceOrder(seeded.Name); err != nil {
			t.Errorf("I1: %v", err)
		}
	}
	for name := range w.shops {
		if got := inState[name]; got["username"] != w.holds(t, name) || got["last_error"] != nil {
			t.Errorf("shop %s holds %s, in the state is %v", name, w.holds(t, name), got)
		}
	}
	if len(inState) != len(w.shops) {
		t.Errorf("the state has %d shops, the configuration %d", len(inState), len(w.shops))
	}
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(w.keys(), want) {
		t.Errorf("I3: the stores have the keys %q, want %q", w.keys(), want)
	}
	mustHaveNoViolation(t, w.testEnv)
}

// writes are the requests that change something, and the proofs, since the requests were last reset:
// what is done with which shop or store, sorted.
func (w *fleetEnv) writes() []string {
	all := []string{}
	for _, r := range w.sandbox.Requests() {
		switch {
		case r.API == sandbox.Merchant && r.Caller != "": // not the made-up pair
			store, _, _ := strings.Cut(r.Caller, "-")
			all = append(all, "prove "+store)
		case r.API == sandbox.Mystore && r.Method == http.MethodPatch:
			all = append(all, "install "+r.Shop)
		case r.Method == http.MethodPost:
			all = append(all, "make "+r.MerchantID)
		case r.Method == http.MethodDelete:
			all = append(all, "delete "+r.MerchantID)
		case r.Method != http.MethodGet:
			all = append(all, r.Method+" "+r.Path)
		}
	}
	slices.Sort(all)
	return all
}

// mustHaveWritten expects exactly these, and forgets the requests.
func (w *fleetEnv) mustHaveWritten(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := w.writes(); !slices.Equal(got, want) {
		t.Errorf("the servers saw %q, want %q", got, want)
	}
	w.sandbox.ResetRequests()
}

// rotation is all that is done to give a shop of the seed another key of its store.
func rotationOf(shop sandbox.Shop) []string {
	return []string{"make " + shop.MerchantID, "prove " + shop.MerchantID, "install " + shop.Name, "delete " + shop.MerchantID}
}

func rotations(shops ...sandbox.Shop) []string {
	var all []string
	for _, shop := range shops {
		all = append(all, rotationOf(shop)...)
	}
	return all
}

const legacyReason = ", a key of api.klarna.com"

// adoptions are the plans for shops that are still on their legacy keys.
func adoptions(shops ...sandbox.Shop) map[string]shopPlan {
	plans := map[string]shopPlan{}
	for _, shop := range shops {
		plans[shop.Name] = shopPlan{does: "add", reason: "the shop uses " + shop.KustomID + legacyReason, toDelete: []string{shop.KustomID}}
	}
	return plans
}

// mustShowOnly expects what Terraform prints of a plan to name these of the seed's shops and no others.
func (w *fleetEnv) mustShowOnly(t *testing.T, output string, shops ...string) {
	t.Helper()
	for _, shop := range w.seed.Shops {
		if shown := strings.Contains(output, shop.Name); shown != slices.Contains(shops, shop.Name) {
			t.Errorf("shop %s is shown: %t, in\n%s", shop.Name, shown, output)
		}
	}
}

// TestAccFleetExample takes the published example through its life. At each step only the shops that
// change are shown, and touched.
func TestAccFleetExample(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(6)
	w := newFleetEnv(t, seed, sandbox.Options{})
	w.useExample(t, wayFleet, seed)
	all := map[string]string{}
	for _, shop := range seed.Shops[:5] {
		all[shop.Name] = shop.MerchantID
	}
	late := seed.Shops[5]
	delete(w.shops, late.Name)
	settle := func() { w.writeVariable(t, "shops", all) }

	settle()
	r := w.mustPlan(t, fleetPlan{"create", adoptions(seed.Shops[:5]...)})
	for _, shop := range seed.Shops[:5] {
		if reason := fmt.Sprintf("+ reason = %q", "the shop uses "+shop.KustomID+legacyReason); !strings.Contains(aligned(r.output), reason) {
			t.Errorf("the plan does not say %s in\n%s", reason, r.output)
		}
	}
	w.sandbox.ResetRequests()
	w.mustApplySaved(t)
	w.mustHaveWritten(t, rotations(seed.Shops[:5]...)...)
	w.mustBeEmpty(t)
	w.mustBeDone(t)

	all[late.Name] = late.MerchantID
	w.shops[late.Name] = shopSettings{}
	settle()
	r = w.mustPlan(t, fleetPlan{"update", adoptions(late)})
	w.mustShowOnly(t, r.output, late.Name)
	if !strings.Contains(r.output, "5 unchanged elements hidden") || !strings.Contains(r.output, "0 to add, 1 to change, 0 to destroy") {
		t.Errorf("the plan shows more than what it changes:\n%s", r.output)
	}
	w.sandbox.ResetRequests()
	w.mustApplySaved(t)
	w.mustHaveWritten(t, rotationOf(late)...)
	w.mustBeEmpty(t)
	w.mustBeDone(t)

	left := seed.Shops[1]
	key := w.holds(t, left.Name)
	delete(all, left.Name)
	delete(w.shops, left.Name)
	settle()
	r = w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{left.Name: {does: "remove", reason: "the shop uses " + left.KustomID + legacyReason}}})
	w.mustShowOnly(t, r.output, left.Name)
	w.sandbox.ResetRequests()
	r = w.mustApplySaved(t)
	if says := fmt.Sprintf("have left the fleet as they are, because its deletion_policy is retain: %s (%s).", left.Name, key); !strings.Contains(unwrapped(r.output), says) {
		t.Errorf("the apply does not say %q:\n%s", says, r.output)
	}
	w.mustHaveWritten(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)

	w.write(t, "main.tf", edit(t, read(t, w.dir+"/main.tf"), `deletion_policy = "retain"`, `deletion_policy = "clear"`))
	w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{}})
	w.mustApplySaved(t)
	w.mustHaveWritten(t)
	cleared := seed.Shops[2]
	key = w.holds(t, cleared.Name)
	delete(all, cleared.Name)
	settle()
	_, r = w.plan(t)
	if says := fmt.Sprintf("their keys, which are named here, deleted, unless another resource gives the shop a key in the same run: %s (%s).", cleared.Name, key); !strings.Contains(unwrapped(r.output), says) {
		t.Errorf("the plan does not say %q:\n%s", says, r.output)
	}
	w.sandbox.ResetRequests()
	r = w.mustApplySaved(t)
	if strings.Contains(unwrapped(r.output), "have left the fleet") {
		t.Errorf("a shop that was cleared is said to take payments:\n%s", r.output)
	}
	w.mustHaveWritten(t, "install "+cleared.Name, "delete "+cleared.MerchantID)
	if held := w.holds(t, cleared.Name); held != "" || slices.Contains(w.keys(), key) {
		t.Errorf("the shop that was cleared holds %q, and its key is there: %t", held, slices.Contains(w.keys(), key))
	}
	w.mustBeEmpty(t)
	for _, v := range w.sandbox.Violations() {
		if v.Kind != sandbox.ViolationShopCleared || !strings.Contains(v.Detail, cleared.Name) {
			t.Errorf("violation: %v", v)
		}
	}
}

// TestAccFleetChangesOneShop asks, in each way, for another key for one of six shops. The plan shows that
// shop alone, and no other is written to.
func TestAccFleetChangesOneShop(t *testing.T) {
	type keys struct{ own, hand string }
	tests := map[string]struct {
		// change returns the username of a key that it has made by hand, if any.
		change func(t *testing.T, w *fleetEnv, shop sandbox.Shop) string
		reason func(keys) string
		// ownStays and handGoes say which keys are not, and are, deleted.
		ownStays, handGoes bool
		deletions          int
	}{
		"trigger": {
			change: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) string {
				w.edit(t, shop.Name, func(s *shopSettings) { s.RotateWhenChanged = map[string]string{"incident": "2026-11"} })
				return ""
			},
			reason: func(keys) string { return triggered }, deletions: 1,
		},
		"description": {
			change: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) string {
				w.edit(t, shop.Name, func(s *shopSettings) { s.Description = "another one" })
				return ""
			},
			reason: func(keys) string { return "description has changed" }, deletions: 1,
		},
		"key deleted in the portal": {
			change: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) string {
				key := w.sandbox.Keys(shop.MerchantID)[0]
				if err := w.sandbox.DeleteKey(key.MerchantID, key.CredentialID); err != nil {
					t.Fatal(err)
				}
				return ""
			},
			reason: func(k keys) string { return "the key " + k.own + " was deleted in Kustom Portal" }, ownStays: true,
		},
		"other key by hand": {
			change: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) string {
				key, err := w.sandbox.GenerateKey(shop.MerchantID, "by hand")
				if err != nil {
					t.Fatal(err)
				}
				if err := w.sandbox.Install(shop.Name, key.Username, key.Secret); err != nil {
					t.Fatal(err)
				}
				return key.Username
			},
			reason: func(k keys) string { return "the shop uses " + k.hand + unreadable }, handGoes: true, deletions: 2,
		},
		"cleared by hand": {
			change: func(t *testing.T, w *fleetEnv, shop sandbox.Shop) string {
				if err := w.sandbox.Install(shop.Name, "", ""); err != nil {
					t.Fatal(err)
				}
				return ""
			},
			reason: func(keys) string { return noKey }, deletions: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFleet(t, 6)
			shop := w.seed.Shops[3]
			k := keys{own: w.holds(t, shop.Name)}
			w.clock.Advance(time.Hour)
			k.hand = test.change(t, w, shop)
			want := shopPlan{does: "connect", reason: test.reason(k)}
			if !test.ownStays {
				want.toDelete = append(want.toDelete, k.own)
			}
			if test.handGoes {
				want.toDelete = append(want.toDelete, k.hand)
			}
			slices.Sort(want.toDelete)
			r := w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{shop.Name: want}})
			w.mustShowOnly(t, r.output, shop.Name)
			w.mustHaveWritten(t)
			w.mustApplySaved(t)
			done := []string{"make " + shop.MerchantID, "prove " + shop.MerchantID, "install " + shop.Name}
			w.mustHaveWritten(t, append(done, slices.Repeat([]string{"delete " + shop.MerchantID}, test.deletions)...)...)
			w.mustBeEmpty(t)
			w.mustBeDone(t)
			if held := w.holds(t, shop.Name); held == k.own || held == k.hand {
				t.Errorf("the shop still holds %s", held)
			}
		})
	}
}

// TestAccFleetMovesStore gives one shop a key of another store, in place. The identity follows.
func TestAccFleetMovesStore(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(4)
	mover, to := seed.Shops[2], "M00777001"
	seed.Shops[2].MerchantID = "" // it has changed hands, and may use either store
	seed.Stores = append(seed.Stores, sandbox.Store{MerchantID: to, Name: "Ny", Website: "https://ny.example"})
	w := newFleetEnv(t, seed, sandbox.Options{})
	w.shops[mover.Name] = shopSettings{MerchantID: mover.MerchantID}
	w.fleet.AllowStoreChange = true
	w.use(t)
	w.mustApply(t)
	first := w.holds(t, mover.Name)
	w.edit(t, mover.Name, func(s *shopSettings) { s.MerchantID = to })
	w.sandbox.ResetRequests()
	r := w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{
		mover.Name: {does: "connect", reason: "merchant_id has changed", toDelete: []string{first}},
	}})
	w.mustShowOnly(t, r.output, mover.Name)
	w.mustApplySaved(t)
	w.mustHaveWritten(t, "make "+to, "prove "+to, "install "+mover.Name, "delete "+mover.MerchantID)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
	if held := w.holds(t, mover.Name); !strings.HasPrefix(held, to+"-") {
		t.Errorf("the shop holds %s", held)
	}
}

// TestAccFleetRotatesByAge has shops whose keys are of two ages. Only those that are due get another
// key, whenever the plan is applied.
func TestAccFleetRotatesByAge(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(5), sandbox.Options{})
	w.fleet.RotateAfterDays = 90
	late := w.seed.Shops[3:]
	removed := map[string]shopSettings{}
	for _, shop := range late {
		removed[shop.Name] = w.shops[shop.Name]
	}
	w.remove(t, late[0].Name, late[1].Name)
	w.mustApply(t)
	w.clock.Advance(45 * oneDay)
	maps.Copy(w.shops, removed)
	w.use(t)
	w.mustApply(t)
	w.clock.Advance(45*oneDay - time.Minute)
	w.mustBeEmpty(t)

	w.clock.Advance(time.Minute)
	w.sandbox.ResetRequests()
	due := map[string]shopPlan{}
	for _, shop := range w.seed.Shops[:3] {
		due[shop.Name] = shopPlan{
			does: "connect", reason: "the key is 90 days old or older: it was made on 2026-11-02", toDelete: []string{w.holds(t, shop.Name)},
		}
	}
	w.mustPlan(t, fleetPlan{"update", due})
	// It is reviewed for so long that the other keys are due, too. It does what it says all the same.
	w.clock.Advance(60 * oneDay)
	w.mustApplySaved(t)
	w.mustHaveWritten(t, rotations(w.seed.Shops[:3]...)...)
	got, _ := w.plan(t)
	if shops := slices.Sorted(maps.Keys(got.shops)); !slices.Equal(shops, []string{late[0].Name, late[1].Name}) {
		t.Errorf("the plan changes %q", shops)
	}
	w.mustApplySaved(t)
	w.mustHaveWritten(t, rotations(late...)...)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
}

// TestAccFleetKeepsReplaced deletes nothing.
func TestAccFleetKeepsReplaced(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
	w.fleet.ReplacedKeys = "keep"
	w.use(t)
	want, others := map[string]shopPlan{}, []string{}
	for _, shop := range w.seed.Shops {
		want[shop.Name] = shopPlan{does: "add", reason: "the shop uses " + shop.KustomID + legacyReason, kept: []string{shop.KustomID}}
		others = append(others, shop.KustomID)
	}
	w.mustPlan(t, fleetPlan{"create", want})
	w.mustApplySaved(t)
	if n := w.sandbox.Count(sandbox.Portal, http.MethodDelete, ""); n > 0 {
		t.Errorf("%d keys were deleted", n)
	}
	w.mustBeEmpty(t)
	w.mustBeDone(t, others...)
}

// sharedSeed is n shops of one store on one key of Klarna's, and another shop of another store.
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

// TestAccFleetSharedKey takes over shops that share a key, all at once and one by one. It is deleted as
// soon as none of them needs it any more, and no warning is left of it.
func TestAccFleetSharedKey(t *testing.T) {
	for _, concurrency := range []int{1, 2, 32} {
		t.Run(fmt.Sprintf("%d at once", concurrency), func(t *testing.T) {
			t.Parallel()
			w := newFleetEnv(t, sharedSeed(4), sandbox.Options{})
			w.fleet.MaxConcurrency = concurrency
			w.use(t)
			r := w.mustApply(t)
			if got := warningSummary.FindAllString(r.output, -1); !slices.Equal(got, []string{"Warning: API keys will be deleted"}) ||
				!strings.Contains(unwrapped(r.output), "5 shops will get a new key; 2 keys will be deleted: M00500001-f0001, M00500005-f0005.") {
				t.Errorf("the warnings are %q:\n%s", got, r.output)
			}
			w.mustBeEmpty(t)
			w.mustBeDone(t)
		})
	}
}

// TestAccFleetSharedWithOthers takes over shops that share a key with a shop that is not the fleet's: it
// stays, that is said, and it is not tried again.
func TestAccFleetSharedWithOthers(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sharedSeed(3), sandbox.Options{})
	shared, other := w.seed.Shops[0].KustomID, w.seed.Shops[2].Name
	w.remove(t, other)
	r := w.mustApply(t)
	if says := fmt.Sprintf("The key %s is not used by shop %s any more, but by %s, so this step has not deleted it.", shared, w.seed.Shops[0].Name, other); !strings.Contains(unwrapped(r.output), says) {
		t.Errorf("the apply does not say %q:\n%s", says, r.output)
	}
	w.mustBeEmpty(t)
	w.mustBeDone(t)
	w.shops[other] = shopSettings{MerchantID: w.seed.Shops[2].MerchantID}
	w.use(t)
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
	if slices.Contains(w.keys(), shared) {
		t.Error("the last shop to leave the shared key has not deleted it")
	}
}

// TestAccFleetMoved gives the fleet another address: nobody but Terraform notices.
func TestAccFleetMoved(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 4)
	w.writeFleet(t, "main.tf.json", map[string]fleetSettings{"everybody": {Shops: w.shops}})
	w.write(t, "moved.tf", "moved {\n  from = kustom_mystore_fleet.all\n  to   = kustom_mystore_fleet.everybody\n}\n")
	r := w.mustApply(t)
	if !strings.Contains(r.output, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("the move changes something:\n%s", r.output)
	}
	w.mustHaveWritten(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
}

// TestAccFleetSavedPlan applies a plan a month after it was made, the shops having had customers
// meanwhile, which is seen at the portal.
func TestAccFleetSavedPlan(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(4), sandbox.Options{})
	w.use(t)
	for _, when := range []string{"created", "rotated"} {
		w.mustPlanSomething(t)
		for _, shop := range w.seed.Shops {
			if err := w.sandbox.PlaceOrder(shop.Name); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Advance(30 * oneDay)
		w.mustApplySaved(t)
		w.mustBeEmpty(t)
		w.mustBeDone(t)
		if when == "created" {
			w.edit(t, w.seed.Shops[1].Name, func(s *shopSettings) { s.RotateWhenChanged = map[string]string{"incident": "2026-12"} })
		}
	}
}

func (w *fleetEnv) mustPlanSomething(t *testing.T) {
	t.Helper()
	if got, r := w.plan(t); got.actions == "no-op" || got.actions == "" {
		t.Errorf("the plan changes nothing:\n%s", r.output)
	}
}

// TestAccFleetWithoutRefresh rotates by what is in the state alone. The keys that are put out of use
// must go all the same (I3).
func TestAccFleetWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
	w.use(t)
	w.mustApply(t)
	shop := w.seed.Shops[0]
	for _, incident := range []string{"2026-11", "2026-12"} {
		w.edit(t, shop.Name, func(s *shopSettings) { s.RotateWhenChanged = map[string]string{"incident": incident} })
		w.sandbox.ResetRequests()
		w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{
			shop.Name: {does: "connect", reason: triggered, toDelete: []string{w.holds(t, shop.Name)}},
		}}, "-refresh=false")
		w.mustApplySaved(t)
		w.mustHaveWritten(t, rotationOf(shop)...)
		w.mustBeDone(t)
	}
	w.mustBeEmpty(t)
}

// TestAccFleetSettingsOnly changes what is Terraform's business alone: no server notices, and no shop is
// shown.
func TestAccFleetSettingsOnly(t *testing.T) {
	t.Parallel()
	w := newFleet(t, 3)
	for name, change := range map[string]func(*fleetSettings){
		"deletion_policy":     func(f *fleetSettings) { f.DeletionPolicy = "clear" },
		"replaced_key_policy": func(f *fleetSettings) { f.ReplacedKeys = "keep" },
		"max_concurrency":     func(f *fleetSettings) { f.MaxConcurrency = 3 },
		"rotate_after_days":   func(f *fleetSettings) { f.RotateAfterDays = 365 },
		"timeouts":            func(f *fleetSettings) { f.Timeouts = map[string]string{"update": "70m", "read": "30m"} },
	} {
		before := w.fleet
		change(&w.fleet)
		w.use(t)
		r := w.mustPlan(t, fleetPlan{"update", map[string]shopPlan{}})
		if !strings.Contains(r.output, "3 unchanged elements hidden") && strings.Contains(r.output, "shops ") {
			t.Errorf("%s: shops are shown:\n%s", name, r.output)
		}
		w.mustApplySaved(t)
		w.mustBeEmpty(t)
		w.mustHaveWritten(t)
		w.fleet = before
	}
	w.use(t)
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.mustHaveWritten(t)
	w.mustBeDone(t)
}

// TestAccFleetReplaced makes Terraform replace a fleet: afterwards every shop takes payments with the
// one key that is in the state.
func TestAccFleetReplaced(t *testing.T) {
	for _, policy := range []string{"retain", "clear"} {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, first made %t", policy, first), func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, sandbox.FleetSeed(3), sandbox.Options{})
				w.fleet.DeletionPolicy = policy
				w.fleet.Lifecycle = map[string]any{"create_before_destroy": first}
				w.use(t)
				w.mustApply(t)
				before := w.keys()
				r := w.mustApply(t, "-replace="+fleetAddress)
				w.mustBeEmpty(t)
				for _, shop := range w.seed.Shops {
					if err := w.sandbox.Working(shop.Name); err != nil {
						t.Errorf("I1: %v", err)
					}
					if held := w.holds(t, shop.Name); slices.Contains(before, held) || w.inState(t)[shop.Name]["username"] != held {
						t.Errorf("shop %s holds %s, in the state is %v", shop.Name, held, w.inState(t)[shop.Name]["username"])
					}
				}
				if len(w.keys()) != 3 {
					t.Errorf("I3: the stores have the keys %q:\n%s", w.keys(), r.output)
				}
			})
		}
	}
}

// TestAccFleetDestroyed leaves the shops to the deletion policy.
func TestAccFleetDestroyed(t *testing.T) {
	t.Run("retain", func(t *testing.T) {
		t.Parallel()
		w := newFleet(t, 25)
		r := w.destroy(t)
		output := unwrapped(r.output)
		if r.code != 0 || !strings.Contains(output, "have left the fleet as they are") || !strings.Contains(output, "takes payments with the key named here until") || !strings.Contains(output, "and 5 more.") {
			t.Errorf("exit code %d:\n%s", r.code, r.output)
		}
		w.mustHaveWritten(t)
		w.shops = nil
		w.mustBeDone(t)
	})
	t.Run("clear", func(t *testing.T) {
		t.Parallel()
		w := newFleet(t, 4)
		w.fleet.DeletionPolicy = "clear"
		w.use(t)
		w.mustApply(t)
		if r := w.destroy(t); r.code != 0 {
			t.Errorf("exit code %d:\n%s", r.code, r.output)
		}
		var want []string
		for _, shop := range w.seed.Shops {
			want = append(want, "install "+shop.Name, "delete "+shop.MerchantID)
			if held := w.holds(t, shop.Name); held != "" {
				t.Errorf("shop %s still holds %s", shop.Name, held)
			}
		}
		w.mustHaveWritten(t, want...)
		if len(w.keys()) > 0 || len(w.state(t)) > 0 {
			t.Errorf("left are the keys %q and the state %v", w.keys(), w.state(t))
		}
	})
}

// TestAccFleetClearingFails stops one shop's removal in the middle. The others are gone, that shop stays
// in the state with its problem, and running again goes on from there.
func TestAccFleetClearingFails(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"shop not cleared": answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden),
		"key not deleted":  answered(sandbox.Portal, http.MethodDelete, http.StatusForbidden),
	} {
		for _, way := range []string{"destroyed", "removed"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, sandbox.FleetSeed(4), sandbox.Options{})
				w.fleet.DeletionPolicy = "clear"
				w.use(t)
				w.mustApply(t)
				stuck, stays := w.seed.Shops[1], w.seed.Shops[3]
				key := w.holds(t, stuck.Name)
				// The two ways run at once, and each world has a stuck shop of its own.
				own := fault
				own.Match = func(r sandbox.Request) bool { return r.Shop == stuck.Name || r.MerchantID == stuck.MerchantID }
				remove := w.destroy
				if way == "removed" {
					w.remove(t, w.seed.Shops[0].Name, stuck.Name, w.seed.Shops[2].Name)
					remove = func(t *testing.T) run { return w.apply(t) }
				}
				armed := w.sandbox.Arm(own)
				r := remove(t)
				armed.Disarm()
				if r.code == 0 || strings.Count(r.output, "Error: ") != 1 {
					t.Errorf("exit code %d, want one error:\n%s", r.code, r.output)
				}
				left := slices.Sorted(maps.Keys(w.inState(t)))
				want := []string{stuck.Name}
				if way == "removed" {
					want = append(want, stays.Name)
				}
				if got := w.inState(t)[stuck.Name]; !slices.Equal(left, want) || got["username"] != key || got["last_error"] == nil {
					t.Errorf("the state has the shops %q, of that which is stuck %v", left, got)
				}
				if again := remove(t); again.code != 0 {
					t.Errorf("running again failed:\n%s", again.output)
				}
				if slices.Contains(w.keys(), key) || w.holds(t, stuck.Name) != "" || w.inState(t)[stuck.Name] != nil {
					t.Errorf("the shop holds %q, the stores have the keys %q", w.holds(t, stuck.Name), w.keys())
				}
				for _, v := range w.sandbox.Violations() {
					if v.Kind != sandbox.ViolationShopCleared {
						t.Errorf("violation: %v", v)
					}
				}
			})
		}
	}
}

// oneKeySeed is n shops of one store, all on one key of Kustom's.
func oneKeySeed(n int) sandbox.Seed {
	seed := sharedSeed(n)
	key := &seed.Stores[0].Keys[0]
	key.Host = kustomHost
	seed.Shops, seed.Stores = seed.Shops[:n], seed.Stores[:1]
	return seed
}

// imports writes an import block of the fleet's shops.
func (w *fleetEnv) imports(t *testing.T) {
	t.Helper()
	var ids []string
	for name, shop := range w.shops {
		ids = append(ids, name+"/"+shop.MerchantID)
	}
	slices.Sort(ids)
	w.write(t, "import.tf", fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", fleetAddress, strings.Join(ids, ",")))
}

// TestAccFleetClearsShared clears imported shops that share a key, in each order that the number of
// shops at once allows. The key goes with the last of them, and one that stays keeps it.
func TestAccFleetClearsShared(t *testing.T) {
	for _, concurrency := range []int{1, 32} {
		for _, stays := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d at once, one stays %t", concurrency, stays), func(t *testing.T) {
				t.Parallel()
				w := newFleetEnv(t, oneKeySeed(4), sandbox.Options{})
				shared := w.seed.Shops[0].KustomID
				w.fleet.DeletionPolicy, w.fleet.MaxConcurrency = "clear", concurrency
				w.imports(t)
				w.use(t)
				w.mustApply(t)
				w.sandbox.ResetRequests()
				if stays {
					w.remove(t, w.seed.Shops[0].Name, w.seed.Shops[1].Name, w.seed.Shops[2].Name)
					w.mustApply(t)
					w.mustBeEmpty(t)
				} else if r := w.destroy(t); r.code != 0 {
					t.Errorf("exit code %d:\n%s", r.code, r.output)
				}
				if kept := slices.Contains(w.keys(), shared); kept != stays {
					t.Errorf("the key is there: %t", kept)
				}
				for i, shop := range w.seed.Shops {
					if held := w.holds(t, shop.Name); (held != "") != (stays && i == 3) {
						t.Errorf("shop %s holds %q", shop.Name, held)
					}
				}
				for _, v := range w.sandbox.Violations() {
					if v.Kind != sandbox.ViolationShopCleared {
						t.Errorf("violation: %v", v)
					}
				}
			})
		}
	}
}
