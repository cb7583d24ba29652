package provider_test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
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

// What pages are asked for when a shop is given a new key, besides what [pageCalls] has.
const (
	popupPage       = pageKey + "/password"
	extensionsPage  = "/extensions"
	credentialsForm = "/data/extensions/{extension_id}/credentials"
)

// pageFault is something that goes wrong on the pages, and what the first run must make of it.
type pageFault struct {
	name  string
	fault sandbox.Fault
	// browser is what the block says besides.
	browser string
	// pages says how the pages behave otherwise, and keyLimit how many keys a store can have.
	pages    sandbox.PagesOptions
	keyLimit int
	// pending is how often the popup of a new key is asked for in vain.
	pending int
	// lookalikes gives every key one beside it whose username begins the same.
	lookalikes bool
	// kills says that the browser is killed when the fault happens.
	kills bool
	// cacheDir is what the provider remembers on disk in.
	cacheDir string
	// way is the one way that is tried; empty where it does not matter.
	way string
	// left is how many keys stay that no state has.
	left int
	// passes says that the first run must succeed all the same, and says, where it must not, is what its
	// error has to say.
	passes bool
	says   string
}

// stepTimeout is how long the faults have a step wait in vain.
const stepTimeout = `timeout = "6s"`

func pageFaults() []pageFault {
	const (
		signIn = "asks to sign in: the session has expired. Run terraform-provider-kustom login again"
		// Kustom Portal has people sign in on another host, which a page that may show a secret is kept from.
		leads = "The portal does that when the session has expired. Run terraform-provider-kustom login again"
		// A form that leads to the sign-in does not show whether it was accepted.
		clicked = "The click may still have worked"
		died    = "because the browser stopped."
	)
	on := func(api, method, template string, kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{API: api, Method: method, Template: template, Kind: kind, Times: 1}
	}
	portal := func(method, template string, kind sandbox.FaultKind) sandbox.Fault {
		return on(sandbox.PortalPages, method, template, kind)
	}
	mystore := func(method, template string, kind sandbox.FaultKind) sandbox.Fault {
		return on(sandbox.MystorePages, method, template, kind)
	}
	renamed := func(api, old, word string) sandbox.Fault {
		return sandbox.Fault{API: api, Kind: sandbox.FaultRename, Rename: map[string]string{old: word}}
	}
	slow := func(f sandbox.Fault, latency time.Duration) sandbox.Fault {
		f.Latency = latency
		return f
	}
	return []pageFault{
		{name: "session expired at the list", fault: portal("GET", pageKeys, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the key", fault: portal("POST", pageKeys, sandbox.FaultSignOut), browser: stepTimeout, says: leads},
		{name: "session expired at the popup", fault: portal("GET", popupPage, sandbox.FaultSignOut), browser: stepTimeout, pending: 2, says: leads,
			way: wayPair},
		{name: "session expired at the shop", fault: mystore("GET", extensionsPage, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the deletion", fault: portal("DELETE", pageKey, sandbox.FaultSignOut), way: wayPair, says: signIn},
		{name: "session expired at the write", fault: mystore("POST", credentialsForm, sandbox.FaultSignOut), browser: stepTimeout, says: clicked},

		{name: "slow pages", fault: sandbox.Fault{API: sandbox.PortalPages, Kind: sandbox.FaultDelay, Latency: 700 * time.Millisecond}, passes: true},
		{name: "key slower than a step may take", fault: slow(portal("POST", pageKeys, sandbox.FaultDelay), 8*time.Second), browser: stepTimeout},
		{name: "write slower than a step may take", fault: slow(mystore("POST", credentialsForm, sandbox.FaultDelay), 8*time.Second), browser: stepTimeout},

		{name: "changed word for the key", fault: renamed(sandbox.PortalPages, "Generate new", "New credential"), browser: stepTimeout,
			says: `labels = { "portal.generate_new" =`},
		{name: "changed word for the key, overridden", fault: renamed(sandbox.PortalPages, "Generate new", "New credential"),
			browser: `labels = { "portal.generate_new" = "New credential" }`, passes: true},
		{name: "changed word for the write", fault: renamed(sandbox.MystorePages, "Update ID and Secret", "Commit pair"), browser: stepTimeout,
			says: "(label mystore.update_id_and_secret)"},
		{name: "changed word for the write, overridden", fault: renamed(sandbox.MystorePages, "Update ID and Secret", "Commit pair"),
			browser: `labels = { "mystore.update_id_and_secret" = "Commit pair" }`, passes: true},

		{name: "similar usernames", fault: portal("GET", pageKeys, sandbox.FaultDelay), lookalikes: true, passes: true},

		{name: "dialog of the key stays", fault: portal("POST", pageKeys, sandbox.FaultStay), browser: stepTimeout},
		{name: "dialog of the key stays after the work", fault: portal("POST", pageKeys, sandbox.FaultWorkThenStay), browser: stepTimeout,
			says: "the provider did not see the popup with its secret; it deleted the key again"},
		{name: "form of the shop stays", fault: mystore("POST", credentialsForm, sandbox.FaultStay), browser: stepTimeout, passes: true},
		{name: "form of the shop stays after the work", fault: mystore("POST", credentialsForm, sandbox.FaultWorkThenStay), browser: stepTimeout, passes: true},
		{name: "dialog of the deletion stays", fault: portal("DELETE", pageKey, sandbox.FaultStay), browser: stepTimeout, passes: true},
		{name: "dialog of the deletion stays after the work", fault: portal("DELETE", pageKey, sandbox.FaultWorkThenStay), browser: stepTimeout, passes: true},

		{name: "browser killed at a list", fault: portal("GET", pageKeys, sandbox.FaultSilence), kills: true, passes: true},
		{name: "browser killed before the key", fault: portal("POST", pageKeys, sandbox.FaultSilence), kills: true},
		{name: "browser killed after the key", fault: portal("POST", pageKeys, sandbox.FaultWorkThenSilence), kills: true, says: died},
		{name: "browser killed at the popup", fault: portal("GET", popupPage, sandbox.FaultWorkThenSilence), pending: 2, kills: true, says: died},
		{name: "browser killed before the write", fault: mystore("POST", credentialsForm, sandbox.FaultSilence), kills: true, passes: true},
		{name: "browser killed after the write", fault: mystore("POST", credentialsForm, sandbox.FaultWorkThenSilence), kills: true, passes: true},
		{name: "browser killed after the deletion", fault: portal("DELETE", pageKey, sandbox.FaultWorkThenSilence), kills: true, passes: true},

		{
			name: "session expired at the popup", fault: portal("GET", popupPage, sandbox.FaultSignOut), browser: stepTimeout, pending: 2, says: leads,
			way: wayConnection,
			// The key was made, and nobody saw its name: pages have no idempotency keys, and the session that could have
			// read the list is gone. The list of before, which tells the key from others, is kept beside the state. The
			// connection is tainted, so Terraform replaces it, and does not give the deletion of the old object what is
			// beside its state. So the key stays, and the error has said so. A key of its own resource goes: its state
			// names the list of before.
			left: 1,
		},
	}
}

// TestPagesFaults_NextRunPutsShopRight spoils a page or the browser once while a shop is given a new key over the pages, in one way or
// the other, and lets one clean run follow: I1 to I5 must hold.
func TestPagesFaults_NextRunPutsShopRight(t *testing.T) {
	t.Parallel()
	pagesOnly(t)
	var tally faultTally
	ways := []string{wayPair, wayConnection}
	for i, fault := range pageFaults() {
		way := cmp.Or(fault.way, ways[i%len(ways)])
		t.Run(way+"/"+fault.name, func(t *testing.T) {
			t.Parallel()
			tally.add(spoiledPages(t, way, fault))
		})
	}
	t.Cleanup(func() { tally.report(t, "fault cases of pages") })
}

// loneShop is the first of the three shops, alone.
func loneShop() sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Stores, seed.Shops = seed.Stores[:1], seed.Shops[:1]
	return seed
}

// spoiledPages returns what was wrong in the end.
func spoiledPages(t *testing.T, way string, f pageFault) (broken, orphans, violations int) {
	seed := klarnasForm(loneShop())
	if f.lookalikes {
		seed = seed.WithLookalikes()
	}
	group := &browsers
	var kill func(*testing.T)
	if f.kills {
		group = ownBrowsers(t)
		var executable string
		executable, kill = killable(t)
		f.browser = fmt.Sprintf("executable = %q", executable)
	}
	r := rehearseOnPages(t, seed, way, f, group)
	armed := r.sandbox.Arm(f.fault)
	ended := make(chan run, 1)
	go func() { ended <- r.apply(t) }()
	if kill != nil {
		awaitFault(t, armed, ended)
		kill(t)
	}
	first := <-ended
	if armed.Fired() == 0 {
		t.Fatalf("the fault never happened:\n%s", first.output)
	}
	armed.Disarm()
	if f.passes && first.code != 0 {
		t.Errorf("the first run failed:\n%s", first.output)
	}
	if output := unwrapped(first.output); f.says != "" && !strings.Contains(output, f.says) {
		t.Errorf("the first run does not say %q:\n%s", f.says, first.output)
	}
	if err := r.sandbox.Working("fjellsport"); err != nil {
		t.Errorf("I1: the shop stopped: %v\n%s", err, first.output)
	}
	r.signInAgain(t)
	r.mustApply(t)
	r.mustBeEmpty(t)
	broken, orphans, violations = r.mustBeRight(t, seed, f.left)
	if t.Failed() {
		t.Logf("the spoiled run (exit code %d):\n%s", first.code, first.output)
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

// rehearseOnPages returns the migration of a seed's shops over pages, where time passes as it does.
func rehearseOnPages(t testing.TB, seed sandbox.Seed, way string, f pageFault, group *browser.Group) *testEnv {
	t.Helper()
	w := newTestEnv(t, testEnvOptions{
		inProcess: true, way: waysPages, seed: &seed, clock: clock.System{}, browsers: group, browser: f.browser, cacheDir: f.cacheDir,
		sandbox: sandbox.Options{Pending: f.pending, Pages: f.pages, KeyLimit: f.keyLimit},
	})
	w.inProcess.concurrent = true
	w.useExample(t, way, seed)
	return w
}

// signInAgain gives the provider new sessions, and a browser as it is by default.
func (w *testEnv) signInAgain(t *testing.T) {
	t.Helper()
	w.vendors = w.server.PagesEnv()
	w.configure(t, "browser {}")
}

// ownBrowsers are browsers that a test can end without harm to others.
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

// killable returns the path of a browser that tells its process, and what kills that.
func killable(t *testing.T) (executable string, kill func(*testing.T)) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the browser is told of by a shell script")
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

// TestAccPages_LeaveNothingBehind switches twenty shops over pages, four tabs at once, by a provider in a process
// of its own: when Terraform has ended, there is no browser, no profile and no session's file left. The
// time is printed beside that of the APIs. It is not parallel, so that both have the machine to themselves.
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
