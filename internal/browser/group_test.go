package browser_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
)

// ownGroup is a group for one test, with one process of a known ID and folder.
type ownGroup struct {
	*browser.Group
	*browser.Browser
	site    *site
	account *browser.Account
}

func newGroup(t *testing.T, o browser.Options) *ownGroup {
	t.Helper()
	browsertest.Need(t)
	g := &ownGroup{Group: new(browser.Group), site: serveOne(t, counting)}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	g.Browser, g.account = browser.New(g.Group, o), browser.NewAccount(g.site.Site, browser.Session{})
	return g
}

// process is the one that runs.
func (g *ownGroup) process(t *testing.T) (folder string, pid int) {
	t.Helper()
	all := g.Processes()
	if len(all) != 1 {
		t.Fatalf("%d browsers run, want 1", len(all))
	}
	for folder, pid = range all {
	}
	return folder, pid
}

// gone expects nothing to be left of a browser: no process, no folder.
func gone(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left := using(t, folder)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("there are processes of the browser: %v", left)
			return
		}
	}
}

// using returns the processes that were told of a folder. It knows how to find them on Linux.
func using(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		// One that has ended since has none.
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), folder) {
			all = append(all, filepath.Base(filepath.Dir(file)))
		}
	}
	return all
}

func TestGroup_CloseLeavesNothing(t *testing.T) {
	t.Parallel()
	g := newGroup(t, browser.Options{Timeout: long})
	tab := g.site.tab(t, g.Browser, g.account)
	load(t, tab, g.site, "/", "none")
	folder, _ := g.process(t)
	if len(using(t, folder)) == 0 {
		t.Error("no process is known to use the folder")
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	gone(t, folder)
	if _, err := g.Open(t.Context(), g.account); err == nil {
		t.Error("a closed group opens a tab")
	}
	_, err := find(t.Context(), tab, step(), action("Nothing"))
	fails(t, err, browser.Died)
}

func TestGroup_RestartsKilledBrowser(t *testing.T) {
	t.Parallel()
	g := newGroup(t, browser.Options{Timeout: long})
	tab := g.site.tab(t, g.Browser, g.account)
	load(t, tab, g.site, "/", "none")
	button := await(t, tab, action("One"))
	folder, pid := g.process(t)
	waiting := make(chan error, 1)
	go func() {
		_, err := find(t.Context(), tab, changing(), action("Nothing"))
		waiting <- err
	}()
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if failed := failure(t, <-waiting, browser.Died); !failed.Uncertain {
		t.Error("after a click that changes something, a dead browser leaves no doubt")
	}
	failed := failure(t, tab.Click(t.Context(), changing(), button), browser.Died)
	if !failed.DidNothing() {
		t.Error("a click in a dead browser may have worked")
	}
	fails(t, tab.Load(t.Context(), step(), g.site.Site.URL), browser.Died)

	next := g.site.tab(t, g.Browser, g.account)
	load(t, next, g.site, "/", "none")
	gone(t, folder)
	folder, pid = g.process(t)
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	gone(t, folder)
}

func TestGroup_KeepsBrowserFromInterrupts(t *testing.T) {
	t.Parallel()
	g := newGroup(t, browser.Options{})
	g.site.tab(t, g.Browser, g.account)
	_, pid := g.process(t)
	group, err := syscall.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	if own, err := syscall.Getpgid(0); err != nil || group == own {
		t.Errorf("Ctrl-C would reach the browser in group %d, %v", group, err)
	}
}

func TestGroup_PassesNoSecretOfTheEnvironment(t *testing.T) {
	t.Setenv("KUSTOM_PORTAL_SESSION", "a-session")
	t.Setenv("MYSTORE_LOGINS", "a-login")
	t.Setenv("TF_VAR_secret", "a-variable")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-key")
	g := newGroup(t, browser.Options{})
	g.site.tab(t, g.Browser, g.account)
	folder, pid := g.process(t)
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		t.Skip("the environment of a process can't be read here: ", err)
	}
	for _, name := range []string{"KUSTOM_", "MYSTORE_", "TF_", "AWS_"} {
		if strings.Contains("\x00"+string(data), "\x00"+name) {
			t.Errorf("the browser has a variable %s…", name)
		}
	}
	if !strings.Contains(string(data), "TMPDIR="+folder+"\x00") {
		t.Error("the browser puts its temporary files where nobody removes them")
	}
}

func TestEnvironment_PassesWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	got := browser.Environment([]string{"PATH=/bin", "KUSTOM_PORTAL_TOKEN=x", "MYSTORE_TOKENS=x", "TF_LOG=x", "HOME=/root", "MY_TF_=1", "AWS_SECRET_ACCESS_KEY=x", "GITHUB_TOKEN=x", "LC_ALL=C", "https_proxy=http://proxy"}, "/tmp/a")
	if want := "PATH=/bin HOME=/root LC_ALL=C https_proxy=http://proxy BREAKPAD_DUMP_LOCATION=/tmp/a TMPDIR=/tmp/a"; strings.Join(got, " ") != want {
		t.Errorf("the environment is %q, want %q", got, want)
	}
	if got := browser.Environment(nil, "/tmp/"+strings.Repeat("a", 60)); len(got) != 1 {
		t.Errorf("a folder whose name is too long for sockets is used: %q", got)
	}
}

// TestSweep_RemovesFoldersOfDeadProcesses: those whose lock nobody holds. In another container the same process ID is
// another process, and its folder is in use.
func TestSweep_RemovesFoldersOfDeadProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const prefix = "terraform-provider-kustom-browser-"
	left := map[string]bool{prefix + "dead": false, prefix + "alive": true, prefix + "without-lock": true, "something else": true}
	for name := range left {
		if err := os.MkdirAll(filepath.Join(dir, name, "Default"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, prefix+"dead.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := lockfile.Take(t.Context(), filepath.Join(dir, prefix+"alive.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Unlock()
	browser.Sweep(dir)
	for name, want := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is left: %t, want %t", name, err == nil, want)
		}
	}
	if locks, err := filepath.Glob(filepath.Join(dir, "*.lock")); err != nil || len(locks) != 1 {
		t.Errorf("the locks %q are left, %v", locks, err)
	}
}

func TestOpen_RespectsMaxTabs(t *testing.T) {
	t.Parallel()
	const most = 2
	g := newGroup(t, browser.Options{Timeout: long, MaxTabs: most})
	if g.MaxTabs() != most {
		t.Errorf("MaxTabs is %d", g.MaxTabs())
	}
	var open atomic.Int64
	full := make(chan struct{})
	isFull := sync.OnceFunc(func() { close(full) })
	var group sync.WaitGroup
	for range 3 * most {
		group.Go(func() {
			tab, err := g.Open(t.Context(), g.account)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { open.Add(-1); tab.Close() }()
			if open.Add(1) == most {
				isFull()
			}
			select {
			case <-full:
			case <-time.After(long):
				t.Errorf("%d tabs never were open at once", most)
			}
			if err := tab.Load(t.Context(), step(), g.site.Site.URL); err != nil {
				t.Error(err)
			}
			if tabs, err := g.OpenTabs(); tabs > most || err != nil {
				t.Errorf("%d tabs are open, %v", tabs, err)
			}
		})
	}
	group.Wait()
	if tabs, err := g.OpenTabs(); tabs != 0 || err != nil {
		t.Errorf("%d tabs are open in the end, %v", tabs, err)
	}
}

func TestOpen_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	g := newGroup(t, browser.Options{MaxTabs: 1})
	g.site.tab(t, g.Browser, g.account)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.Open(ctx, g.account); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func TestOpen_GivesUpBrowserThatNeverStarts(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	script := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	g := newGroup(t, browser.Options{Executable: script})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err := within(t, 10*time.Second, func(context.Context) error {
		_, err := g.Open(ctx, g.account)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); len(left) > 0 || err != nil {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestOpen_NamesMissingBrowser(t *testing.T) {
	t.Parallel()
	var missing *browser.MissingError
	g := new(browser.Group)
	b := browser.New(g, browser.Options{Executable: "/no/such/browser"})
	if _, err := b.Open(t.Context(), browser.NewAccount(serveOne(t, "").Site, browser.Session{})); !errors.As(err, &missing) {
		t.Fatalf("the error is %v", err)
	}
	if !strings.Contains(missing.Error(), "/no/such/browser") || !errors.Is(missing, os.ErrNotExist) {
		t.Errorf("the error is %v", missing)
	}
}

func TestFind_NeedsBrowserInPath(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var missing *browser.MissingError
	if _, err := browser.Find("", false); !errors.As(err, &missing) || missing.Executable != "" {
		t.Errorf("the error is %v", err)
	}
	name := filepath.Join(os.Getenv("PATH"), "google-chrome")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := browser.Find("", false); got != name || err != nil {
		t.Errorf("found is %q, %v", got, err)
	}
}
