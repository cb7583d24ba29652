package browser_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// ownGroup is a browser of its own for one test, with a site to visit.
type ownGroup struct {
	*browser.Group
	*browser.Browser
	site    *site
	account *browser.Account
}

func newOwnGroup(t *testing.T, o browser.Options) *ownGroup {
	t.Helper()
	browsertest.Need(t)
	g := &ownGroup{Group: new(browser.Group), site: servePage(t, twoButtons)}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	g.Browser, g.account = browser.New(g.Group, o), browser.NewAccount(g.site.Site, browser.Session{})
	return g
}

// process returns the folder and the process ID of the only browser that runs.
func (g *ownGroup) process(t *testing.T) (folder string, pid int) {
	t.Helper()
	all := g.Processes()
	if len(all) != 1 {
		t.Fatalf("%d browsers run, want 1", len(all))
	}
	folder = slices.Collect(maps.Keys(all))[0]
	return folder, all[folder]
}

// wantGone expects that neither a process nor the folder of a browser is left.
func wantGone(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
	eventually(t, "all processes of the browser end", func() bool { return len(processesOf(t, folder)) == 0 })
}

// processesOf returns the processes with a folder in their arguments. It finds them only on Linux.
func processesOf(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		// The process may have ended meanwhile.
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), folder) {
			all = append(all, filepath.Base(filepath.Dir(file)))
		}
	}
	return all
}

func TestGroup_CloseLeavesNothing(t *testing.T) {
	t.Parallel()
	g := newOwnGroup(t, browser.Options{Timeout: long})
	tab := g.site.tab(t, g.Browser, g.account)
	mustLoad(t, tab, g.site, "/", "none")
	folder, _ := g.process(t)
	if len(processesOf(t, folder)) == 0 {
		t.Error("no process has the folder in its arguments")
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	wantGone(t, folder)
	if _, err := g.Open(t.Context(), g.account); err == nil {
		t.Error("a closed group opens a tab")
	}
	_, err := find(t.Context(), tab, step(), action("Nothing"))
	wantKind(t, err, browser.Died)
}

func TestGroup_RestartsKilledBrowser(t *testing.T) {
	t.Parallel()
	g := newOwnGroup(t, browser.Options{Timeout: long})
	tab := g.site.tab(t, g.Browser, g.account)
	mustLoad(t, tab, g.site, "/", "none")
	button := mustFind(t, tab, action("One"))
	folder, pid := g.process(t)
	waiting := make(chan error, 1)
	go func() {
		_, err := find(t.Context(), tab, changingStep(), action("Nothing"))
		waiting <- err
	}()
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if failed := wantStepError(t, <-waiting, browser.Died); !failed.Uncertain {
		t.Error("the failure after a changing click is not uncertain")
	}
	failed := wantStepError(t, tab.Click(t.Context(), changingStep(), button), browser.Died)
	if !failed.DidNothing() {
		t.Error("the error does not say that the click did nothing")
	}
	wantKind(t, tab.Load(t.Context(), step(), g.site.Site.URL), browser.Died)

	next := g.site.tab(t, g.Browser, g.account)
	mustLoad(t, next, g.site, "/", "none")
	wantGone(t, folder)
	folder, pid = g.process(t)
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	wantGone(t, folder)
}

// Ctrl-C in a terminal reaches all processes of the group.
func TestGroup_RunsBrowserInOwnProcessGroup(t *testing.T) {
	t.Parallel()
	servePage(t, twoButtons).open(t, browser.Options{})
	own, err := syscall.Getpgid(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range shared.Group(t).Processes() {
		if group, err := syscall.Getpgid(pid); err != nil || group == own {
			t.Errorf("the browser is in process group %d, as this process is (%v)", group, err)
		}
	}
}

func TestGroup_HidesEnvironmentSecrets(t *testing.T) {
	t.Setenv("KUSTOM_PORTAL_SESSION", "a-session")
	t.Setenv("MYSTORE_LOGINS", "a-login")
	t.Setenv("TF_VAR_secret", "a-variable")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-key")
	g := newOwnGroup(t, browser.Options{})
	g.site.tab(t, g.Browser, g.account)
	folder, pid := g.process(t)
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		t.Skip("this system does not show the environment of a process: ", err)
	}
	for _, name := range []string{"KUSTOM_", "MYSTORE_", "TF_", "AWS_"} {
		if strings.Contains("\x00"+string(data), "\x00"+name) {
			t.Errorf("the browser gets a variable %s…", name)
		}
	}
	if !strings.Contains(string(data), "TMPDIR="+folder+"\x00") {
		t.Error("the browser's temporary files are not in its folder")
	}
}

func TestEnvironment_PassesOnlyNeededVariables(t *testing.T) {
	t.Parallel()
	got := browser.Environment([]string{"PATH=/bin", "KUSTOM_PORTAL_TOKEN=x", "MYSTORE_TOKENS=x", "TF_LOG=x", "HOME=/root", "MY_TF_=1", "AWS_SECRET_ACCESS_KEY=x", "GITHUB_TOKEN=x", "LC_ALL=C", "https_proxy=http://proxy"}, "/tmp/a")
	if want := "PATH=/bin HOME=/root LC_ALL=C https_proxy=http://proxy BREAKPAD_DUMP_LOCATION=/tmp/a TMPDIR=/tmp/a"; strings.Join(got, " ") != want {
		t.Errorf("the environment is %q, want %q", got, want)
	}
	if got := browser.Environment(nil, "/tmp/"+strings.Repeat("a", 60)); len(got) != 1 {
		t.Errorf("with a path too long for sockets, the environment is %q", got)
	}
}

// A folder whose lock is held is in use, perhaps by a process in another container.
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
	s, browsers := servePage(t, twoButtons), shared.Group(t)
	b, account := browser.New(browsers, browser.Options{Timeout: long, MaxTabs: most}), browser.NewAccount(s.Site, browser.Session{})
	if b.MaxTabs() != most {
		t.Errorf("MaxTabs is %d", b.MaxTabs())
	}
	var open atomic.Int64
	full := make(chan struct{})
	isFull := sync.OnceFunc(func() { close(full) })
	var group sync.WaitGroup
	for range 3 * most {
		group.Go(func() {
			tab, err := b.Open(t.Context(), account)
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
				t.Errorf("%d tabs are never open at once", most)
			}
			if err := tab.Load(t.Context(), step(), s.Site.URL); err != nil {
				t.Error(err)
			}
			if tabs, err := browsers.OpenTabs(account); tabs > most || err != nil {
				t.Errorf("%d tabs are open, %v", tabs, err)
			}
		})
	}
	group.Wait()
	if tabs, err := browsers.OpenTabs(account); tabs != 0 || err != nil {
		t.Errorf("%d tabs are still open, %v", tabs, err)
	}
}

func TestOpen_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, b := servePage(t, twoButtons), browser.New(shared.Group(t), browser.Options{MaxTabs: 1})
	account := browser.NewAccount(s.Site, browser.Session{})
	s.tab(t, b, account)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Open(ctx, account); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func TestOpen_SaysThatTimeIsUp(t *testing.T) {
	t.Parallel()
	g := newOwnGroup(t, browser.Options{Timeout: long})
	// The browser runs already, so that the timeout ends the tab's opening.
	g.site.tab(t, g.Browser, g.account)
	for _, timeout := range []time.Duration{time.Microsecond, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		tab, err := g.Open(ctx, browser.NewAccount(g.site.Site, browser.Session{}))
		if err == nil {
			tab.Close()
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v, the error is %v", timeout, err)
		}
		cancel()
	}
}

// Neither the browser nor a process that it has started is left. That no folder is left is checked when all tests have run.
func TestOpen_GivesUpBrowserThatNeverStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script, alive := filepath.Join(dir, "browser"), filepath.Join(dir, "alive")
	if out, err := exec.Command("mkfifo", alive).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	// The child has the pipe open for as long as it lives.
	child := fmt.Sprintf("#!/bin/sh\n(exec 3>'%s'; exec sleep 600) &\nwait\n", alive)
	if err := os.WriteFile(script, []byte(child), 0o700); err != nil {
		t.Fatal(err)
	}
	g := newOwnGroup(t, browser.Options{Executable: script})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		pipe, err := os.Open(alive)
		cancel()
		if err == nil {
			_, err = io.Copy(io.Discard, pipe)
			err = errors.Join(err, pipe.Close())
		}
		ended <- err
	}()
	err := within(t, 10*time.Second, func(context.Context) error {
		_, err := g.Open(ctx, g.account)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a child of the browser is left")
	}
}

func TestOpen_NamesMissingBrowser(t *testing.T) {
	t.Parallel()
	var missing *browser.MissingError
	g := new(browser.Group)
	b := browser.New(g, browser.Options{Executable: "/no/such/browser"})
	if _, err := b.Open(t.Context(), browser.NewAccount(servePage(t, "").Site, browser.Session{})); !errors.As(err, &missing) {
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
		t.Errorf("Find returns %q, %v", got, err)
	}
}
