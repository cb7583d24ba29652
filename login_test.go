package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	cdptarget "github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

func TestRun_PrintsHelpWithoutCommand(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), release(t))
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, magicCookie) })
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 || stdout.Len() > 0 {
		t.Errorf("the exit status is %v, and stdout has %q", err, &stdout)
	}
	for _, want := range []string{"kustom", "  login ", "  logout "} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in %s", want, &stderr)
		}
	}
}

// loginEnv is a screen, the provider's binary, and a sandbox.
type loginEnv struct {
	t      *testing.T
	binary string
	// temp is the folder for temporary files, and config the one for saved sessions.
	temp, config string
	env          []string
	sandbox      *sandbox.Sandbox
	server       *sandbox.Server
}

// newLoginEnv skips the test without a browser that can show a window.
func newLoginEnv(t *testing.T) *loginEnv {
	t.Helper()
	chromium, err := browser.Find("", true)
	if err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
	display := browsertest.Display(t)
	s, server := sandboxtest.Start(t, sandbox.ThreeShops(), sandbox.Options{})
	h := &loginEnv{t: t, binary: release(t), temp: t.TempDir(), config: t.TempDir(), server: server, sandbox: s}
	// The test clicks and types as a second client of the same browser. So the browser needs a port.
	bin := t.TempDir()
	script := "#!/bin/sh\nexec " + chromium + ` --remote-debugging-port=0 "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(bin, "chromium"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	h.env = append(os.Environ(), "DISPLAY="+display, "TMPDIR="+h.temp, "XDG_CONFIG_HOME="+h.config, "PATH="+bin+":"+os.Getenv("PATH"),
		"KUSTOM_PORTAL_PAGES_URL="+server.PortalPagesURL(), `MYSTORE_ADMIN_URLS={"fjellsport": "`+server.MystoreAdminURL("fjellsport")+`"}`)
	return h
}

// runningCommand is a command with its output.
type runningCommand struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func (h *loginEnv) start(args ...string) *runningCommand {
	h.t.Helper()
	c := &runningCommand{Cmd: exec.CommandContext(h.t.Context(), h.binary, args...)}
	c.Env, c.Stdout, c.Stderr = h.env, &c.stdout, &c.stderr
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// end waits for a command and returns its exit code.
func (h *loginEnv) end(c *runningCommand) int {
	h.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	h.mustLeaveNothing()
	return c.ProcessState.ExitCode()
}

// mustLeaveNothing expects that the browser has ended and its temporary folder is removed.
func (h *loginEnv) mustLeaveNothing() {
	h.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, file := range files {
		// A process may end before its file is read.
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(h.temp)) {
			h.t.Errorf("%s is left: %s", file, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
	if left, err := os.ReadDir(h.temp); err != nil || len(left) > 0 {
		h.t.Errorf("%v is left (%v)", left, err)
	}
}

// mustSaveNothing expects that no session is saved.
func (h *loginEnv) mustSaveNothing() {
	h.t.Helper()
	if left, err := os.ReadDir(h.config); err != nil || len(left) > 0 {
		h.t.Errorf("%v is saved (%v)", left, err)
	}
}

const windowTimeout = time.Minute

// window waits for a page at an address. It returns the address of the browser and the ID of the page.
func (h *loginEnv) window(of string) (browserAddress, id string) {
	h.t.Helper()
	for deadline := time.Now().Add(windowTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ports, err := filepath.Glob(filepath.Join(h.temp, "*", "DevToolsActivePort"))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, file := range ports {
			data, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			port, _, _ := strings.Cut(string(data), "\n")
			browserAddress = "http://127.0.0.1:" + port
			if id := h.page(browserAddress, of); id != "" {
				return browserAddress, id
			}
		}
	}
	h.t.Fatalf("there is no window on %s", of)
	return "", ""
}

// page returns the ID of the page at an address; empty if there is none.
func (h *loginEnv) page(browserAddress, of string) string {
	resp, err := http.Get(browserAddress + "/json/list")
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	var pages []struct{ ID, Type, URL string }
	if err := json.NewDecoder(resp.Body).Decode(&pages); err != nil {
		return ""
	}
	for _, page := range pages {
		if page.Type == "page" && strings.HasPrefix(page.URL, of) {
			return page.ID
		}
	}
	return ""
}

// at performs steps in the page at an address.
func (h *loginEnv) at(of string, steps ...chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	address, id := h.window(of)
	ctx, cancel := context.WithTimeout(h.t.Context(), windowTimeout)
	defer cancel()
	allocator, stop := remote.NewAllocator(ctx, address)
	defer stop()
	silent := func(string, ...any) {}
	inPage, leave := chromedp.NewContext(allocator, chromedp.WithTargetID(cdptarget.ID(id)), chromedp.WithDetachOnCancel(),
		chromedp.WithLogf(silent), chromedp.WithErrorf(silent))
	defer leave()
	if err := chromedp.Do(inPage, steps...); err != nil {
		h.t.Fatalf("at %s: %v", of, err)
	}
}

// signInPage is the portal's sign-in page. It has another origin than the portal.
func (h *loginEnv) signInPage() string {
	return strings.Replace(h.server.URL(), "127.0.0.1", "localhost", 1) + "/pages/sign-in/"
}

// signInToPortal opens the link of the portal's sign-in email.
func (h *loginEnv) signInToPortal() {
	h.t.Helper()
	link, err := h.sandbox.PortalLink("ops@agency.example", "/")
	if err != nil {
		h.t.Fatal(err)
	}
	// The delay lets the step end before the command closes the window.
	h.goTo(h.signInPage(), h.server.URL()+link)
}

// signInToShop signs in as the shop's owner.
func (h *loginEnv) signInToShop(shop string) {
	h.t.Helper()
	h.at(h.server.MystoreAdminURL(shop)+"/login", chromedp.SendKeys("#login-email", "owner@"+shop+".example"),
		chromedp.SendKeys("#login-password", "fake-mystore-password-"+shop), chromedp.Evaluate[chromedp.Void](`void setTimeout(() => document.querySelector("form button").click(), 200)`))
}

// goTo opens another address in the window of a page.
func (h *loginEnv) goTo(from, to string) {
	h.t.Helper()
	h.at(from, chromedp.Evaluate[chromedp.Void](`void setTimeout(() => location.href = "`+to+`", 200)`))
}

// TestLogin_SavesSessions signs in, in a window, to the portal and to the shops of a list, and reads from the vendors with
// the saved sessions. In between, the window shows the control panel of another shop.
func TestLogin_SavesSessions(t *testing.T) {
	t.Parallel()
	h := newLoginEnv(t)
	list := filepath.Join(t.TempDir(), "shops.csv")
	if err := os.WriteFile(list, []byte("shop,merchant_id\nfjellsport,M00412871\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := h.start("login", "--shops", list)
	h.signInToPortal()
	const other = "kaffebonna"
	h.goTo(h.server.MystoreAdminURL("fjellsport")+"/login", h.server.MystoreAdminURL(other))
	h.goTo(h.server.MystoreAdminURL(other)+"/login", h.server.MystoreAdminURL("fjellsport"))
	h.signInToShop("fjellsport")
	if code := h.end(c); code != 0 || c.stdout.Len() > 0 {
		t.Fatalf("exit code %d, stdout %q: %s", code, &c.stdout, &c.stderr)
	}
	for _, want := range []string{
		"You are signed in to Kustom Portal as ops@agency.example.",
		"This is the control panel at kaffebonna.localhost:", "but the one of shop fjellsport is at",
		"You are signed in to shop fjellsport at Mystore as owner@fjellsport.example.",
	} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, &c.stderr)
		}
	}
	h.readWith(browser.SessionStore{Dir: filepath.Join(h.config, "terraform-provider-kustom")})
	if code := h.end(h.start("logout")); code != 0 {
		t.Errorf("logout: exit code %d", code)
	}
	h.mustSaveNothing()
}

// TestLogin_PrintsSessions prints the sessions for CI, and saves none.
func TestLogin_PrintsSessions(t *testing.T) {
	t.Parallel()
	h := newLoginEnv(t)
	c := h.start("login", "--print", "--mystore", "fjellsport")
	h.signInToPortal()
	h.signInToShop("fjellsport")
	if code := h.end(c); code != 0 {
		t.Fatalf("exit code %d: %s", code, &c.stderr)
	}
	portal, shops, _ := strings.Cut(c.stdout.String(), "\n")
	portal, isPortal := strings.CutPrefix(portal, "KUSTOM_PORTAL_SESSION=")
	shops, isShops := strings.CutPrefix(shops, "MYSTORE_SESSIONS=")
	lines := map[string]string{}
	if err := json.Unmarshal([]byte(shops), &lines); err != nil || !isPortal || !isShops || len(lines) != 1 {
		t.Fatal("stdout has something else than the two variables")
	}
	h.mustSaveNothing()
	saved := browser.SessionStore{Dir: t.TempDir()}
	for account, line := range map[string]string{"": portal, "fjellsport": lines["fjellsport"]} {
		session, err := browser.ParseSession(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := saved.Save(account, session); err != nil {
			t.Fatal(err)
		}
	}
	h.readWith(saved)
}

// readWith reads the store's keys and the shop's credentials with saved sessions.
func (h *loginEnv) readWith(saved browser.SessionStore) {
	h.t.Helper()
	var group browser.Group
	defer func() {
		if err := group.Close(); err != nil {
			h.t.Error(err)
		}
	}()
	b := browser.New(&group, browser.Options{})
	load := func(address, account string) (*url.URL, browser.Session) {
		at, err := url.Parse(address)
		if err != nil {
			h.t.Fatal(err)
		}
		session, ok, err := saved.Load(at.Host, account)
		if err != nil || !ok {
			h.t.Fatalf("no session is saved for %q at %s (%v)", account, at.Host, err)
		}
		return at, session
	}
	address, session := load(h.server.PortalPagesURL(), "")
	portal := portalpages.New(portalpages.Options{
		Browser: b, URL: address, Clock: clock.System{}, Session: func() (browser.Session, error) { return session, nil },
	})
	keys := 0
	for key, err := range portal.Keys(h.t.Context(), "M00412871") {
		if err != nil {
			h.t.Fatal(err)
		}
		if key.MerchantID == "M00412871" {
			keys++
		}
	}
	if keys == 0 {
		h.t.Error("the portal shows no keys of the store")
	}
	address, session = load(h.server.MystoreAdminURL("fjellsport"), "fjellsport")
	shops := mystorepages.New(mystorepages.Options{
		Browser: b, Clock: clock.System{}, Address: func(string) (*url.URL, error) { return address, nil },
		Access: func(string) (mystorepages.Access, error) { return mystorepages.Access{Session: &session}, nil },
	})
	if credentials, err := shops.Credentials(h.t.Context(), "fjellsport"); err != nil || credentials.KustomID == "" {
		h.t.Errorf("the shop shows no Kustom ID (%v)", err)
	}
}

// TestLogin_EndsWhenStopped closes the window, presses Ctrl-C and lets the time run out. Each has its own message, and no
// session is saved.
func TestLogin_EndsWhenStopped(t *testing.T) {
	t.Parallel()
	h := newLoginEnv(t)
	mustEnd := func(c *runningCommand, code int, says string) {
		t.Helper()
		if got := h.end(c); got != code || !strings.Contains(c.stderr.String(), says) {
			t.Errorf("exit code %d, want %d and %q: %s", got, code, says, &c.stderr)
		}
		h.mustSaveNothing()
	}

	c := h.start("login")
	address, id := h.window(h.signInPage())
	resp, err := http.Get(address + "/json/close/" + id)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	mustEnd(c, 1, "the window was closed before you signed in to Kustom Portal")

	c = h.start("login")
	h.window(h.signInPage())
	began := time.Now()
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	mustEnd(c, 130, "stopped")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("login ended %v after Ctrl-C", took)
	}

	mustEnd(h.start("login", "--timeout", "4s"), 1, "you did not sign in to Kustom Portal within 4s")
}
