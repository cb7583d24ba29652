package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// newPagesRehearsal starts vendors that are reached by their pages, and a migration of their shops to it.
func newPagesRehearsal(t *testing.T, seed sandbox.Seed, way string) (*vendors, *rehearsal) {
	t.Helper()
	s, err := sandbox.New(seed, sandbox.Options{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	v := &vendors{observed: observed{s, t}, server: server, way: waysPages, env: wayEnvironment(t, server, waysPages)}
	return v, newRehearsal(t, v.observed, seed, way, newProvider(provider.Options{
		Version: "test", Clock: clock.System{}, CacheDir: t.TempDir(), Getenv: func(name string) string { return v.env[name] },
	}, waysPages), map[string]any{})
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
	for way, perApply := range map[string]int{wayPair: 8, wayConnection: 10, wayFleet: 8} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			seed := klarnasForm(sandbox.ThreeShops())
			shops := len(seed.Shops)
			v, r := newPagesRehearsal(t, seed, way)
			planned, err := r.plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			mustLoad(t, way+", first plan", v.loads(), shops, firstPlan)
			w, err := r.begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r.state = planned.state
			if err := w.each(w.applyChain); err != nil {
				t.Fatal(err)
			}
			mustLoad(t, way+", apply", v.loads(), shops, perApply)
			r.mustBeEmpty(t)
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
