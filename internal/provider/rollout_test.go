package provider_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// rollout is a roll-out to many shops, driven in this process.
type rollout struct {
	box    *sandbox.Sandbox
	seed   sandbox.Seed
	clock  *clocktest.Fake
	driver *tfdriver.Driver
	tokens map[string]string
	// cache is what this machine remembers; empty where it remembers nothing.
	cache string
}

func newRollout(t *testing.T, shops int) *rollout {
	t.Helper()
	return newRolloutOf(t, sandbox.FleetSeed(shops), sandbox.Options{})
}

// newRolloutOf is a roll-out to the shops of a seed.
func newRolloutOf(t testing.TB, seed sandbox.Seed, o sandbox.Options) *rollout {
	t.Helper()
	c := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	o.Clock = c
	box, err := sandbox.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rollout{box: box, seed: seed, clock: c, tokens: map[string]string{}}
	for _, shop := range seed.Shops {
		r.tokens[shop.Name] = shop.Token
	}
	server, _, err := r.start("")
	if err != nil {
		t.Fatal(err)
	}
	if r.driver, err = tfdriver.New(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rollout) start(string) (tfdriver.Server, tfdriver.Values, error) {
	env := r.box.Env("http://127.0.0.1")
	tokens, err := json.Marshal(r.tokens)
	if err != nil {
		return nil, nil, err
	}
	env["MYSTORE_TOKENS"] = string(tokens)
	p := provider.New(provider.Options{
		Version: "test", Clock: r.clock, RoundTripper: sandboxtest.Carrier{To: r.box}, CacheDir: r.cache,
		Getenv: func(name string) string { return env[name] },
	})
	server, err := provider.NewServer(p(), false)
	return server, nil, err
}

// dead has the tokens of shops expire.
func (r *rollout) dead(shops ...string) []string {
	for _, shop := range shops {
		r.tokens[shop] = "fake-mystore-token-expired"
	}
	return shops
}

// config is the fleet of the shops, but for those that are left out.
func (r *rollout) config(without ...string) tfdriver.Config {
	shops := tfdriver.Values{}
	for _, shop := range r.seed.Shops {
		if !slices.Contains(without, shop.Name) {
			shops[shop.Name] = tfdriver.Values{"merchant_id": shop.MerchantID}
		}
	}
	return tfdriver.Config{{Address: fleetAddress, Values: tfdriver.Values{"shops": shops}}}
}

// connections are a connection for each shop, in order, but for those that are left out.
func (r *rollout) connections(without ...string) tfdriver.Config {
	var config tfdriver.Config
	for _, shop := range r.seed.Shops {
		if !slices.Contains(without, shop.Name) {
			config = append(config, tfdriver.Object{
				Address: "kustom_mystore_connection." + shop.Name, Values: tfdriver.Values{"shop": shop.Name, "merchant_id": shop.MerchantID},
			})
		}
	}
	return config
}

// plan plans a configuration, which must not fail.
func (r *rollout) plan(t testing.TB, config tfdriver.Config, state *tfdriver.State, o tfdriver.Options) *tfdriver.Plan {
	t.Helper()
	plan := r.driver.Plan(t.Context(), config, state, r.start, o)
	if plan.Failed() {
		t.Fatal(plan.Errors)
	}
	return plan
}

// apply plans and applies a configuration. Neither must fail.
func (r *rollout) apply(t testing.TB, config tfdriver.Config, state *tfdriver.State) (*tfdriver.State, *tfdriver.Result) {
	t.Helper()
	now, result := r.driver.Apply(t.Context(), r.plan(t, config, state, tfdriver.Options{}))
	if result.Failed() {
		t.Fatal(result.Errors)
	}
	return now, result
}

// withOldKeys returns the shops whose stores still have the old key.
func (r *rollout) withOldKeys() []string {
	var shops []string
	for _, shop := range r.seed.Shops {
		for _, key := range r.box.Keys(shop.MerchantID) {
			if key.Username == shop.KustomID {
				shops = append(shops, shop.Name)
			}
		}
	}
	return shops
}

// mustTell expects warnings that take so many lines of a terminal at most, one of which says all of these.
func mustTell(t *testing.T, warnings []string, most int, texts ...string) {
	t.Helper()
	const wide = 76
	lines, told := 0, false
	for _, warning := range warnings {
		says := true
		for _, text := range texts {
			says = says && strings.Contains(warning, text)
		}
		told = told || says
		for line := range strings.Lines(warning) {
			lines += 1 + len(line)/wide
		}
	}
	if lines > most || !told {
		t.Errorf("the warnings take %d lines, want at most %d that say %q: %q", lines, most, texts, warnings)
	}
}

// TestFleet_ReportsEachFailedShopOnce switches 250 shops, of which two have dead tokens and three meet other
// faults. What is told fits a screen or two, names each of the five once, and all other old keys are gone.
func TestFleet_ReportsEachFailedShopOnce(t *testing.T) {
	t.Parallel()
	r := newRollout(t, 250)
	dead := r.dead("shop-00007", "shop-00123")
	const refused, unseen, kept = "shop-00010", "M00500020", "M00500030"
	for _, fault := range []sandbox.Fault{
		{API: sandbox.Mystore, Method: http.MethodPatch, Status: http.StatusForbidden, Match: func(q sandbox.Request) bool { return q.Shop == refused }},
		{API: sandbox.Portal, Method: http.MethodPost, Status: http.StatusNotFound, Match: func(q sandbox.Request) bool { return q.MerchantID == unseen }},
		{API: sandbox.Portal, Method: http.MethodDelete, Status: http.StatusForbidden, Match: func(q sandbox.Request) bool { return q.MerchantID == kept }},
	} {
		armed := r.box.Arm(fault)
		defer func() {
			if armed.Fired() == 0 {
				t.Error("a fault has not happened")
			}
		}()
	}
	plan := r.plan(t, r.config(), tfdriver.NewState(), tfdriver.Options{})
	mustNameOnce(t, plan.Warnings, "Shop can't be connected: ", dead)
	mustTell(t, plan.Warnings, 60, "248 shops will get a new key; 248 keys will be deleted", "and 228 more. The plan can't decide about 2 shops yet: shop-00007, shop-00123.")

	state, result := r.driver.Apply(t.Context(), plan)
	if result.Failed() {
		t.Fatal(result.Errors)
	}
	failed := append(slices.Clone(dead), refused, "shop-00020")
	mustNameOnce(t, result.Warnings, "Shop keeps its current key: ", failed)
	mustNameOnce(t, result.Warnings, "Replaced key not deleted yet: ", []string{"shop-00030"})
	mustTell(t, result.Warnings, 120)
	if got, want := r.withOldKeys(), slices.Sorted(slices.Values(append(failed, "shop-00030"))); !slices.Equal(got, want) {
		t.Errorf("these stores have their old keys: %v, want %v", got, want)
	}
	for _, shop := range r.seed.Shops {
		if problem := state.Current[fleetAddress].Text("shops", shop.Name, "last_error"); (problem != "") != slices.Contains(failed, shop.Name) {
			t.Errorf("%s: the last error is %q", shop.Name, problem)
		}
	}
	if violations := r.box.Violations(); len(violations) > 0 {
		t.Error(violations)
	}
}

// TestFleet_SecondPlanCountsNoUnreadableShop counts no shop whose token has expired: it gets a key only if the apply can read
// it.
func TestFleet_SecondPlanCountsNoUnreadableShop(t *testing.T) {
	t.Parallel()
	r := newRollout(t, 4)
	r.dead("shop-00002")
	r.box.Arm(sandbox.Fault{
		API: sandbox.Mystore, Method: http.MethodPatch, Status: http.StatusForbidden, Match: func(q sandbox.Request) bool { return q.Shop == "shop-00003" },
	})
	state, _ := r.apply(t, r.config(), tfdriver.NewState())
	mustTell(t, r.plan(t, r.config(), state, tfdriver.Options{}).Warnings, 60, "1 shop will get a new key; ",
		"The apply tries again to read 1 shop, and gives each readable shop a new key: shop-00002.")
}

// TestFleet_SaysOnceWhichShopsKeepOldKeys has two shops outside the fleet that can't be read and may use any key. One warning
// names the shops with old keys.
func TestFleet_SaysOnceWhichShopsKeepOldKeys(t *testing.T) {
	t.Parallel()
	r := newRollout(t, 250)
	dead := r.dead("shop-00007", "shop-00123")
	state, result := r.apply(t, r.config(dead...), tfdriver.NewState())
	mustNameOnce(t, result.Warnings, "Replaced key not deleted yet: ", []string{"shop-00001"})
	mustTell(t, result.Warnings, 60, "Shop shop-00007, shop-00123 may use it", "The same applies to 247 more keys: M00500002-f0002, ")
	// With new tokens, the next apply clears up.
	for _, shop := range r.seed.Shops {
		r.tokens[shop.Name] = shop.Token
	}
	if r.apply(t, r.config(dead...), state); !slices.Equal(r.withOldKeys(), dead) {
		t.Errorf("old keys are left at %v", r.withOldKeys())
	}
}

// TestConnections_ReportOnlyKeysLeftAtEnd connects two unreadable shops after all others. The apply deletes all other old keys,
// and warns of none of them.
func TestConnections_ReportOnlyKeysLeftAtEnd(t *testing.T) {
	t.Parallel()
	r := newRollout(t, 12)
	r.cache = t.TempDir()
	dead := r.dead("shop-00011", "shop-00012")
	plan := r.plan(t, r.connections(), tfdriver.NewState(), tfdriver.Options{})
	mustNameOnce(t, plan.Warnings, "Shop can't be connected: ", dead)
	_, result := r.driver.Apply(t.Context(), plan)
	mustNameOnce(t, result.Errors, "Shop not connected: ", dead)
	mustNameOnce(t, result.Warnings, "Replaced key not deleted yet: ", nil)
	if len(result.Errors) != len(dead) || !slices.Equal(r.withOldKeys(), dead) {
		t.Errorf("old keys are left at %v: %v", r.withOldKeys(), result.Errors)
	}
}

// TestConnections_NameKeysThatUnmanagedShopMayUse has an unreadable shop without a resource. It may use any key, so the apply
// names the keys that it keeps.
func TestConnections_NameKeysThatUnmanagedShopMayUse(t *testing.T) {
	t.Parallel()
	r := newRollout(t, 4)
	r.cache = t.TempDir()
	_, result := r.apply(t, r.connections(r.dead("shop-00004")...), tfdriver.NewState())
	mustNameOnce(t, result.Warnings, "Replaced key not deleted yet: ", []string{"shop-00001", "shop-00002", "shop-00003"})
}

// mustNameOnce expects one warning of a kind for each of the shops, and none for another.
func mustNameOnce(t *testing.T, warnings []string, kind string, shops []string) {
	t.Helper()
	named := map[string]int{}
	for _, warning := range warnings {
		if _, rest, found := strings.Cut(warning, kind); found {
			shop := strings.TrimPrefix(rest, "Shop ")
			named[shop[:len("shop-00000")]]++
		}
	}
	want := map[string]int{}
	for _, shop := range shops {
		want[shop] = 1
	}
	if !maps.Equal(named, want) {
		t.Errorf("%q names %v, want %v", kind, named, want)
	}
}
