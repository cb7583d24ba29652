package provider_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestPagesFaults_NextRunPutsShopRight lets a page or the browser fail once while a shop gets a new key over the pages, by a pair
// and by a connection in turn. Then a clean run must put everything right (I1 to I5).
func TestPagesFaults_NextRunPutsShopRight(t *testing.T) {
	t.Parallel()
	pagesOnly(t)
	var counts faultCounts
	ways, tried := []string{wayPair, wayConnection}, 0
	for _, faultCase := range faultCases() {
		for _, seen := range faultCase.byPages {
			for _, at := range seen.at {
				way := cmp.Or(seen.way, ways[tried%len(ways)])
				tried++
				t.Run(fmt.Sprintf("%s/%s/%s", way, at, faultCase.name), func(t *testing.T) {
					t.Parallel()
					counts.add(faultyPages(t, way, at, *faultCase.pages, seen))
				})
			}
		}
	}
	t.Cleanup(func() { counts.report(t, "fault cases of pages") })
}

// loneShop returns the first of the three shops, and its store.
func loneShop() sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Stores, seed.Shops = seed.Stores[:1], seed.Shops[:1]
	return seed
}

// faultyPages returns what was wrong after the clean run.
func faultyPages(t *testing.T, way string, at step, f injection, want seen) (broken, orphans, violations int) {
	seed := klarnasForm(loneShop())
	if f.lookalikes {
		seed = seed.WithLookalikes()
	}
	o := testEnvOptions{browser: f.browser}
	if at == readNewKey {
		o.sandbox.Pending = 2 // The portal shows the popup of the new key, and not yet its secret.
	}
	var kill func(*testing.T)
	if f.killsBrowser {
		o.browsers = ownBrowsers(t)
		var executable string
		executable, kill = killableBrowser(t)
		o.browser = fmt.Sprintf("executable = %q", executable)
	}
	r := rehearseOnPages(t, seed, way, o)
	_, page := at.requests()
	armed := r.sandbox.Arm(page.of(f.Fault))
	ended := make(chan run, 1)
	go func() { ended <- r.apply(t) }()
	if kill != nil {
		awaitFault(t, armed, ended)
		kill(t)
	}
	faulty := <-ended
	if armed.Fired() == 0 {
		t.Fatalf("the fault did not happen:\n%s", faulty.output)
	}
	armed.Disarm()
	if !want.maySucceed && (faulty.code == 0) != (want.then == switched) {
		t.Errorf("the run with the fault ended with exit code %d:\n%s", faulty.code, faulty.output)
	}
	if !strings.Contains(unwrapped(faulty.output), want.says) {
		t.Errorf("the run with the fault does not say %q:\n%s", want.says, faulty.output)
	}
	if err := r.sandbox.Working("fjellsport"); err != nil {
		t.Errorf("I1: the shop takes no payments: %v\n%s", err, faulty.output)
	}
	r.signInAgain(t)
	r.mustApply(t)
	r.mustBeEmpty(t)
	broken, orphans, violations = r.mustBeRight(t, seed, want.left)
	if t.Failed() {
		t.Logf("the run with the fault (exit code %d):\n%s", faulty.code, faulty.output)
	}
	return broken, orphans, violations
}

// awaitFault waits until the fault has happened, or the run has ended without it.
func awaitFault(t *testing.T, armed *sandbox.Armed, ended chan run) {
	t.Helper()
	for armed.Fired() == 0 {
		select {
		case first := <-ended:
			ended <- first
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// rehearseOnPages returns the migration of a seed's shops over pages, in this process and on the real clock.
func rehearseOnPages(t testing.TB, seed sandbox.Seed, way string, o testEnvOptions) *testEnv {
	t.Helper()
	o.inProcess, o.way, o.seed, o.clock = true, waysPages, &seed, clock.System{}
	w := newTestEnv(t, o)
	w.inProcess.concurrent = true
	w.useExample(t, way, seed)
	return w
}

// signInAgain gives the provider new sessions, and the default settings of the browser.
func (w *testEnv) signInAgain(t *testing.T) {
	t.Helper()
	w.vendors = w.server.PagesEnv()
	w.configure(t, "browser {}")
}

// ownBrowsers returns browsers that no other test uses.
func ownBrowsers(t *testing.T) *browser.Group {
	t.Helper()
	group := new(browser.Group)
	t.Cleanup(func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	return group
}

// killableBrowser returns the path of a script that starts a browser, and a function that kills the browser.
func killableBrowser(t *testing.T) (executable string, kill func(*testing.T)) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the browser is started by a shell script")
	}
	path, err := browser.Find("", false)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pidFile, script := filepath.Join(dir, "pid"), filepath.Join(dir, "browser")
	content := fmt.Sprintf("#!/bin/sh\necho $$ >%q\nexec %q \"$@\"\n", pidFile, path)
	if err := os.WriteFile(script, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	return script, func(t *testing.T) {
		t.Helper()
		raw, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		// The browser may be a child of a script, in the same group.
		if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}
