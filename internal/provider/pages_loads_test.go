package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// newPagesCore starts vendors that are reached by their pages, by the real clock, and a migration of their shops.
func newPagesCore(t testing.TB, seed sandbox.Seed, way string) (*vendors, *core) {
	t.Helper()
	s, err := sandbox.New(seed, sandbox.Options{Clock: clock.System{}, Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	v := &vendors{observed: observed{s, t}, server: server, way: waysPages, env: wayEnvironment(t, server, waysPages)}
	c := &core{
		provider: newProvider(provider.Options{
			Version: "test", Clock: clock.System{}, CacheDir: t.TempDir(), Getenv: func(name string) string { return v.env[name] },
		}, waysPages),
		chains: map[string][][]object{wayPair: pairs(seed), wayConnection: connections(seed), wayFleet: {{fleetOf(seed, nil)}}}[way],
		state:  map[string]instance{}, deposed: map[string][]instance{}, tainted: map[string]bool{},
	}
	if way == wayPair {
		c.discover = discoverKeys(seed)
	}
	return v, c
}

// applyPlanned applies what was planned.
func (c *core) applyPlanned(t testing.TB, planned *walk) {
	t.Helper()
	w, err := c.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.state, c.deposed = planned.state, planned.deposed
	if err := w.each(w.applyChain); err != nil {
		t.Fatal(err)
	}
}

// mustPlan plans, and returns the plan.
func (c *core) mustPlan(t testing.TB) *walk {
	t.Helper()
	planned, err := c.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// loads returns how often each document was loaded since the last call, by site and path.
func (v *vendors) loads() map[string]int {
	all := map[string]int{}
	for _, r := range v.Sandbox.Requests() {
		ofPages := r.API == sandbox.PortalPages || r.API == sandbox.MystorePages
		if ofPages && r.Method == http.MethodGet && !strings.HasPrefix(r.Template, "/data/") {
			all[r.API+" "+r.Template]++
		}
	}
	v.ResetRequests()
	return all
}

// mustLoad expects so many documents of each shop at most.
func mustLoad(t *testing.T, what string, loads map[string]int, shops, most int) {
	t.Helper()
	sum := 0
	for _, path := range slices.Sorted(maps.Keys(loads)) {
		t.Logf("%s: %3d %s", what, loads[path], path)
		sum += loads[path]
	}
	summarize(t, fmt.Sprintf("%s: %.1f pages per shop\n", what, float64(sum)/float64(shops)))
	if sum > most*shops {
		t.Errorf("%s loads %d pages for %d shops, want at most %d for each", what, sum, shops, most)
	}
}

// TestPagesAreFrugal counts the documents that a browser loads, where each shop is a resource, a pair of them, or one of
// a fleet: of a plan before the shops are connected, of the apply, which deletes the old keys, and of a plan after it.
// The apply and the last plan begin where the first plan has found each shop's credentials.
func TestPagesAreFrugal(t *testing.T) {
	t.Parallel()
	const firstPlan, nextPlan = 4, 2
	// A pair and a connection look once more whether the key that they have installed still exists; a fleet does so once for all.
	for way, perApply := range map[string]int{wayPair: 10, wayConnection: 10, wayFleet: 8} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			seed := klarnasForm(sandbox.ThreeShops())
			shops := len(seed.Shops)
			v, c := newPagesCore(t, seed, way)
			planned := c.mustPlan(t)
			mustLoad(t, way+", first plan", v.loads(), shops, firstPlan)
			c.applyPlanned(t, planned)
			mustLoad(t, way+", apply", v.loads(), shops, perApply)
			if again := c.mustPlan(t); len(again.changed) > 0 {
				t.Errorf("the plan after the apply changes %q", again.changed)
			}
			mustLoad(t, way+", next plan", v.loads(), shops, nextPlan)
			for _, shop := range seed.Shops {
				for _, key := range v.Keys(shop.MerchantID) {
					if key.Username == shop.KustomID {
						t.Errorf("the old key of %s is still there", shop.Name)
					}
				}
				v.wantWorking(t, shop.Name)
			}
		})
	}
}

// BenchmarkPages takes over shops by their pages: the plan, and the apply, which deletes the old keys.
func BenchmarkPages(b *testing.B) {
	for _, shops := range []int{1, 4, 20} {
		for _, way := range []string{wayPair, wayConnection, wayFleet} {
			b.Run(fmt.Sprintf("%s/shops=%d", way, shops), func(b *testing.B) { benchmarkPages(b, way, shops) })
		}
	}
}

func benchmarkPages(b *testing.B, way string, shops int) {
	var planning, applying time.Duration
	var planPages, applyPages int
	for b.Loop() {
		v, c := newPagesCore(b, sandbox.FleetSeed(shops), way)
		start := time.Now()
		planned := c.mustPlan(b)
		planning += time.Since(start)
		planPages += v.loaded()
		start = time.Now()
		c.applyPlanned(b, planned)
		applying += time.Since(start)
		applyPages += v.loaded()
	}
	perShop := float64(b.N) * float64(shops)
	b.ReportMetric(planning.Seconds()/float64(b.N), "s/plan")
	b.ReportMetric(applying.Seconds()/float64(b.N), "s/apply")
	b.ReportMetric(float64(planPages)/perShop, "pages/shop/plan")
	b.ReportMetric(float64(applyPages)/perShop, "pages/shop/apply")
}

// loaded returns how many documents were loaded since the last call.
func (v *vendors) loaded() int {
	sum := 0
	for _, n := range v.loads() {
		sum += n
	}
	return sum
}
