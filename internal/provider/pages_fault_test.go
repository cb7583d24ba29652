package provider_test

import (
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

// What pages are asked for when a shop is given a new key.
const (
	keysPage        = "/stores/{merchant_id}/integrations"
	generatePage    = keysPage + "/generate"
	popupPage       = keysPage + "/new/{credential_id}"
	deletePage      = keysPage + "/keys/{credential_id}/delete"
	extensionsPage  = "/{shop}/extensions"
	credentialsPage = "/{shop}/extensions/{extension_id}/credentials"
)

// pageFault is something that goes wrong on the pages, and what the first run must make of it.
type pageFault struct {
	name  string
	fault sandbox.Fault
	// browser is what the block says besides.
	browser string
	// lookalikes gives every key one beside it whose username begins the same.
	lookalikes bool
	// kills says that the browser is killed when the fault happens.
	kills bool
	// passes says that the first run must succeed all the same, and says, where it must not, is what its
	// error has to say.
	passes bool
	says   string
}

// stepTimeout is how long the faults have a step wait in vain.
const stepTimeout = `timeout = "6s"`

func pageFaults() []pageFault {
	const signIn = "asks to sign in: the session has expired. Run terraform-provider-kustom login again"
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
		{name: "session expired before the key", fault: portal("GET", generatePage, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the key", fault: portal("POST", generatePage, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the popup", fault: portal("GET", popupPage, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the shop", fault: mystore("GET", extensionsPage, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the write", fault: mystore("POST", credentialsPage, sandbox.FaultSignOut), says: signIn},
		{name: "session expired at the deletion", fault: portal("POST", deletePage, sandbox.FaultSignOut), says: signIn},

		{name: "slow pages", fault: sandbox.Fault{API: sandbox.PortalPages, Kind: sandbox.FaultDelay, Latency: 700 * time.Millisecond}, passes: true},
		{name: "key slower than a step may take", fault: slow(portal("POST", generatePage, sandbox.FaultDelay), 8*time.Second), browser: stepTimeout},
		{name: "write slower than a step may take", fault: slow(mystore("POST", credentialsPage, sandbox.FaultDelay), 8*time.Second), browser: stepTimeout},

		{
			name: "changed word for the key", fault: renamed(sandbox.PortalPages, "Generate new", "New credential"), browser: stepTimeout,
			says: `labels = { "portal.generate_new" =`,
		},
		{
			name: "changed word for the key, overridden", fault: renamed(sandbox.PortalPages, "Generate new", "New credential"),
			browser: `labels = { "portal.generate_new" = "New credential" }`, passes: true,
		},
		{
			name: "changed word for the write", fault: renamed(sandbox.MystorePages, "Update ID and Secret", "Save"), browser: stepTimeout,
			says: `labels = { "mystore.update_id_and_secret" =`,
		},
		{
			name: "changed word for the write, overridden", fault: renamed(sandbox.MystorePages, "Update ID and Secret", "Save"),
			browser: `labels = { "mystore.update_id_and_secret" = "Save" }`, passes: true,
		},

		{name: "similar usernames", fault: portal("GET", deletePage, sandbox.FaultDelay), lookalikes: true, passes: true},

		{name: "dialog of the key stays", fault: portal("POST", generatePage, sandbox.FaultStay), browser: stepTimeout},
		{name: "dialog of the key stays after the work", fault: portal("POST", generatePage, sandbox.FaultWorkThenStay), browser: stepTimeout, passes: true},
		{name: "form of the shop stays", fault: mystore("POST", credentialsPage, sandbox.FaultStay), browser: stepTimeout, passes: true},
		{name: "form of the shop stays after the work", fault: mystore("POST", credentialsPage, sandbox.FaultWorkThenStay), browser: stepTimeout, passes: true},
		{name: "dialog of the deletion stays", fault: portal("POST", deletePage, sandbox.FaultStay), browser: stepTimeout, passes: true},
		{name: "dialog of the deletion stays after the work", fault: portal("POST", deletePage, sandbox.FaultWorkThenStay), browser: stepTimeout, passes: true},

		{name: "browser killed at a list", fault: portal("GET", keysPage, sandbox.FaultSilence), kills: true, passes: true},
		{name: "browser killed before the key", fault: portal("POST", generatePage, sandbox.FaultSilence), kills: true},
		{name: "browser killed after the key", fault: portal("POST", generatePage, sandbox.FaultWorkThenSilence), kills: true, passes: true},
		{name: "browser killed at the popup", fault: portal("GET", popupPage, sandbox.FaultWorkThenSilence), kills: true, passes: true},
		{name: "browser killed before the write", fault: mystore("POST", credentialsPage, sandbox.FaultSilence), kills: true, passes: true},
		{name: "browser killed after the write", fault: mystore("POST", credentialsPage, sandbox.FaultWorkThenSilence), kills: true, passes: true},
		{name: "browser killed after the deletion", fault: portal("POST", deletePage, sandbox.FaultWorkThenSilence), kills: true, passes: true},
	}
}

// TestAccPageFaults spoils a page or the browser once while a shop is given a new key over the pages, in
// each way, and lets one clean run follow: I1 to I5 must hold.
func TestAccPageFaults(t *testing.T) {
	t.Parallel()
	pagesOnly(t)
	var tally faultTally
	for _, way := range []string{wayPair, wayConnection} {
		for _, fault := range pageFaults() {
			t.Run(way+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				tally.add(spoiledPages(t, way, fault))
			})
		}
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
	seed := loneShop()
	if f.lookalikes {
		seed = seed.WithLookalikes()
	}
	o := worldOptions{seed: &seed, way: waysPages, browser: f.browser, clock: clock.System{}}
	var kill func(*testing.T)
	if f.kills {
		o.browsers = ownBrowsers(t)
		o.browser, kill = killable(t)
	}
	w := newWorld(t, o)
	w.useExample(t, way, seed)
	armed := w.sandbox.Arm(f.fault)
	spoiled := w.start(t, "apply", "-auto-approve", "-input=false", "-no-color")
	if kill != nil {
		spoiled.await(t, func() bool { return armed.Fired() > 0 })
		kill(t)
	}
	first := spoiled.wait(t)
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
	if err := w.sandbox.Working("fjellsport"); err != nil {
		t.Errorf("I1: the shop stopped: %v\n%s", err, first.output)
	}
	w.signInAgain(t)
	w.write(t, "provider.tf", "provider \"kustom\" {\n  browser {}\n}\n")
	w.mustApply(t)
	w.mustBeEmpty(t)
	left := 0
	if way == wayConnection && strings.Contains(f.name, "session expired at the popup") {
		// Pages have no idempotency keys. What tells the key from others is kept beside the state, and Terraform does not
		// give that to the deletion of a tainted object that it replaces.
		left = 1
	}
	broken, orphans, violations = w.mustBeRight(t, seed, left)
	if t.Failed() {
		t.Logf("the spoiled run (exit code %d):\n%s", first.code, first.output)
	}
	return broken, orphans, violations
}

// signInAgain gives the provider new sessions.
func (w *world) signInAgain(t *testing.T) {
	t.Helper()
	for name, value := range w.server.PagesEnv() {
		w.vendors[name] = value
	}
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

// killable returns the configuration of a browser that tells its process, and what kills that.
func killable(t *testing.T) (config string, kill func(*testing.T)) {
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
	return fmt.Sprintf("executable = %q", script), func(t *testing.T) {
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

// TestAccPagesLeaveNothing switches twenty shops over pages, four tabs at once, by a provider in a process
// of its own: when Terraform has ended, there is no browser, no profile and no session's file left. The
// time is printed beside that of the APIs. It is not parallel, so that both have the machine to themselves.
func TestAccPagesLeaveNothing(t *testing.T) {
	pagesOnly(t)
	const shops = 20
	seed := sandbox.FleetSeed(shops)
	took := map[string]time.Duration{}
	for _, way := range []string{waysAPIs, waysPages} {
		w := newWorld(t, worldOptions{seed: &seed, external: true, way: way, browser: "max_tabs = 4"})
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
