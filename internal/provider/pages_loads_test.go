package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// loads returns how often each document was loaded since the last call, by site and path.
func (w *testEnv) loads() map[string]int {
	all := map[string]int{}
	for _, r := range w.sandbox.Sandbox.Requests() {
		ofPages := r.API == sandbox.PortalPages || r.API == sandbox.MystorePages
		if ofPages && r.Method == http.MethodGet && !strings.HasPrefix(r.Template, "/data/") {
			all[r.API+" "+r.Template]++
		}
	}
	w.sandbox.ResetRequests()
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

// TestPages_LoadFewDocuments counts the documents that a browser loads, where each shop is a resource, a pair of them, or one of
// a fleet: of a plan before the shops are connected, of the apply, which deletes the old keys, and of a plan after it.
// The apply and the last plan begin where the first plan has found each shop's credentials.
func TestPages_LoadFewDocuments(t *testing.T) {
	t.Parallel()
	const firstPlan, nextPlan = 4, 2
	// A pair and a connection look once more whether the key that they have installed still exists; a fleet does so once for all.
	for way, perApply := range map[string]int{wayPair: 10, wayConnection: 10, wayFleet: 8} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			seed := klarnasForm(sandbox.ThreeShops())
			shops := len(seed.Shops)
			w := rehearseOnPages(t, seed, way, testEnvOptions{cacheDir: t.TempDir()})
			w.mustPlan(t)
			mustLoad(t, way+", first plan", w.loads(), shops, firstPlan)
			w.mustApplySaved(t)
			mustLoad(t, way+", apply", w.loads(), shops, perApply)
			w.mustBeEmpty(t)
			mustLoad(t, way+", next plan", w.loads(), shops, nextPlan)
			w.mustBeRight(t, seed, 0)
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
		w := rehearseOnPages(b, sandbox.FleetSeed(shops), way, testEnvOptions{cacheDir: b.TempDir()})
		start := time.Now()
		w.mustPlan(b)
		planning += time.Since(start)
		planPages += w.loaded()
		start = time.Now()
		w.mustApplySaved(b)
		applying += time.Since(start)
		applyPages += w.loaded()
	}
	perShop := float64(b.N) * float64(shops)
	b.ReportMetric(planning.Seconds()/float64(b.N), "s/plan")
	b.ReportMetric(applying.Seconds()/float64(b.N), "s/apply")
	b.ReportMetric(float64(planPages)/perShop, "pages/shop/plan")
	b.ReportMetric(float64(applyPages)/perShop, "pages/shop/apply")
}

// loaded returns how many documents were loaded since the last call.
func (w *testEnv) loaded() int {
	sum := 0
	for _, n := range w.loads() {
		sum += n
	}
	return sum
}

// TestAccPages_LeaveNothingBehind switches twenty shops over pages in four tabs. Terraform starts the provider. When Terraform has
// ended, no browser, no browser profile and no file of a session is left. The test prints the time beside that of the APIs. It is
// not parallel, so that no other test slows one of them down.
func TestAccPages_LeaveNothingBehind(t *testing.T) {
	pagesOnly(t)
	const shops = 20
	seed := sandbox.FleetSeed(shops)
	took := map[string]time.Duration{}
	for _, way := range []string{waysAPIs, waysPages} {
		w := newTestEnv(t, testEnvOptions{seed: &seed, external: true, way: way, browser: "max_tabs = 4"})
		temporary := t.TempDir()
		config := t.TempDir()
		w.env = append(w.env, "TMPDIR="+temporary, "XDG_CONFIG_HOME="+config)
		w.useExample(t, wayFleet, seed)
		start := time.Now()
		w.mustApply(t)
		took[way] = time.Since(start)
		w.mustBeEmpty(t)
		w.mustBeRight(t, seed, 0)
		for _, dir := range []string{temporary, config} {
			left, err := filepath.Glob(filepath.Join(dir, "*kustom*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind in %s: %q, %v", dir, left, err)
			}
		}
		if found, _ := exec.CommandContext(t.Context(), "pgrep", "-f", temporary).Output(); len(found) > 0 {
			t.Errorf("processes are left behind: %s", found)
		}
	}
	summarize(t, fmt.Sprintf("%d shops over pages: %.1f s, over the APIs: %.1f s, ratio %.1f\n",
		shops, took[waysPages].Seconds(), took[waysAPIs].Seconds(), took[waysPages].Seconds()/took[waysAPIs].Seconds()))
}
