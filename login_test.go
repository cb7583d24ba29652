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
		t.Errorf("it ends with %v and prints %q", err, &stdout)
	}
	for _, want := range []string{"kustom", "  login ", "  logout "} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("it does not say %q: %s", want, &stderr)
		}
	}
}

// house is where a person sits: a screen, the binary, and a sandbox of the vendors.
type house struct {
	t      *testing.T
	binary string
	// temp is the folder for temporary files, and config the one for what is kept.
	temp, config string
	env          []string
	sandbox      *sandbox.Sandbox
	box          *sandbox.Server
}

// newHouse needs a browser that can show a window, and a screen.
func newHouse(t *testing.T) *house {
	t.Helper()
	chromium, err := browser.Find("", true)
	if err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
	display := browsertest.Display(t)
	s, box := sandboxtest.Start(t, sandbox.ThreeShops(), sandbox.Options{})
	h := &house{t: t, binary: release(t), temp: t.TempDir(), config: t.TempDir(), box: box, sandbox: s}
	// The person's hands are a second client of the same browser, which therefore needs a port.
	bin := t.TempDir()
	script := "#!/bin/sh\nexec " + chromium + ` --remote-debugging-port=0 "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(bin, "chromium"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	h.env = append(os.Environ(), "DISPLAY="+display, "TMPDIR="+h.temp, "XDG_CONFIG_HOME="+h.config, "PATH="+bin+":"+os.Getenv("PATH"),
		"KUSTOM_PORTAL_PAGES_URL="+box.PortalPagesURL(), `MYSTORE_ADMIN_URLS={"fjellsport": "`+box.MystoreAdminURL("fjellsport")+`"}`)
	return h
}

// call is a command that runs.
type call struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func (h *house) start(args ...string) *call {
	h.t.Helper()
	c := &call{Cmd: exec.CommandContext(h.t.Context(), h.binary, args...)}
	c.Env, c.Stdout, c.Stderr = h.env, &c.stdout, &c.stderr
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// end waits for a command, and returns its exit code.
func (h *house) end(c *call) int {
	h.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	h.isTidy()
	return c.ProcessState.ExitCode()
}

// isTidy checks that no process and no folder of a window is left.
func (h *house) isTidy() {
	h.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, file := range files {
		// One that has ended meanwhile is no harm.
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(h.temp)) {
			h.t.Errorf("%s is left: %s", file, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
	if left, err := os.ReadDir(h.temp); err != nil || len(left) > 0 {
		h.t.Errorf("%v is left (%v)", left, err)
	}
}

// patience is how long a person waits for a window.
const patience = time.Minute

// window returns the address of the browser and the ID of the page that shows an address, when there is one.
func (h *house) window(of string) (browserAddress, id string) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
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

// page returns the ID of the page that shows an address, and nothing where none does.
func (h *house) page(browserAddress, of string) string {
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

// at does what a person does in a window.
func (h *house) at(of string, steps ...chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	address, id := h.window(of)
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
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

// signInPage is where the portal sends people who are not signed in: another origin.
func (h *house) signInPage() string {
	return strings.Replace(h.box.URL(), "127.0.0.1", "localhost", 1) + "/pages/sign-in/"
}

// signInToPortal opens the link that comes in the mail to somebody who has asked for one.
func (h *house) signInToPortal() {
	h.t.Helper()
	link, err := h.sandbox.PortalLink("ops@agency.example", "/")
	if err != nil {
		h.t.Fatal(err)
	}
	// The window may be gone before it says that it has the page.
	h.at(h.signInPage(), chromedp.Evaluate[chromedp.Void](`void setTimeout(() => location.href = "`+h.box.URL()+link+`", 200)`))
}

// signInToShop types what the shop's owner knows.
func (h *house) signInToShop(shop string) {
	h.t.Helper()
	h.at(h.box.MystoreAdminURL(shop)+"/login", chromedp.SendKeys("#login-email", "owner@"+shop+".example"),
		chromedp.SendKeys("#login-password", "fake-mystore-password-"+shop), chromedp.Evaluate[chromedp.Void](`void setTimeout(() => document.querySelector("form button").click(), 200)`))
}

// goTo leads the window from a page to another address.
func (h *house) goTo(from, to string) {
	h.t.Helper()
	h.at(from, chromedp.Evaluate[chromedp.Void](`void setTimeout(() => location.href = "`+to+`", 200)`))
}

// TestLogin_KeepsSessions signs in as a person does, in a window, to the shops of a list, and looks at the vendors with what is kept of
// it. On the way, the person comes to another shop's control panel.
func TestLogin_KeepsSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	list := filepath.Join(t.TempDir(), "shops.csv")
	if err := os.WriteFile(list, []byte("shop,merchant_id\nfjellsport,M00412871\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := h.start("login", "--shops", list)
	h.signInToPortal()
	const other = "kaffebonna"
	h.goTo(h.box.MystoreAdminURL("fjellsport")+"/login", h.box.MystoreAdminURL(other))
	h.goTo(h.box.MystoreAdminURL(other)+"/login", h.box.MystoreAdminURL("fjellsport"))
	h.signInToShop("fjellsport")
	if code := h.end(c); code != 0 || c.stdout.Len() > 0 {
		t.Fatalf("it ends with %d and prints %q: %s", code, &c.stdout, &c.stderr)
	}
	for _, want := range []string{
		"You are signed in to Kustom Portal as ops@agency.example.",
		"This is the control panel at kaffebonna.localhost:", "but the one of shop fjellsport is at",
		"You are signed in to shop fjellsport at Mystore as owner@fjellsport.example.",
	} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &c.stderr)
		}
	}
	keep := browser.SessionStore{Dir: filepath.Join(h.config, "terraform-provider-kustom")}
	h.use(keep)
	if code := h.end(h.start("logout")); code != 0 {
		t.Errorf("logout ends with %d", code)
	}
	if left, err := os.ReadDir(h.config); err != nil || len(left) > 0 {
		t.Errorf("after logout there is %v (%v)", left, err)
	}
}

// TestLogin_PrintsSessions prints the same for CI, and keeps nothing.
func TestLogin_PrintsSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.start("login", "--print", "--mystore", "fjellsport")
	h.signInToPortal()
	h.signInToShop("fjellsport")
	if code := h.end(c); code != 0 {
		t.Fatalf("it ends with %d: %s", code, &c.stderr)
	}
	portal, shops, _ := strings.Cut(c.stdout.String(), "\n")
	portal, isPortal := strings.CutPrefix(portal, "KUSTOM_PORTAL_SESSION=")
	shops, isShops := strings.CutPrefix(shops, "MYSTORE_SESSIONS=")
	lines := map[string]string{}
	if err := json.Unmarshal([]byte(shops), &lines); err != nil || !isPortal || !isShops || len(lines) != 1 {
		t.Fatal("it prints something else than the two variables")
	}
	if left, err := os.ReadDir(h.config); err != nil || len(left) > 0 {
		t.Errorf("it keeps %v (%v)", left, err)
	}
	keep := browser.SessionStore{Dir: t.TempDir()}
	for account, line := range map[string]string{"": portal, "fjellsport": lines["fjellsport"]} {
		session, err := browser.ParseSession(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := keep.Save(account, session); err != nil {
			t.Fatal(err)
		}
	}
	h.use(keep)
}

// use looks at the store's keys and at the shop's credentials with kept sessions.
func (h *house) use(keep browser.SessionStore) {
	h.t.Helper()
	var group browser.Group
	defer func() {
		if err := group.Close(); err != nil {
			h.t.Error(err)
		}
	}()
	b := browser.New(&group, browser.Options{})
	load := func(address, account string) (*url.URL, browser.Session) {
		where, err := url.Parse(address)
		if err != nil {
			h.t.Fatal(err)
		}
		session, ok, err := keep.Load(where.Host, account)
		if err != nil || !ok {
			h.t.Fatalf("nothing is kept for %q at %s (%v)", account, where.Host, err)
		}
		return where, session
	}
	where, session := load(h.box.PortalPagesURL(), "")
	portal := portalpages.New(portalpages.Options{
		Browser: b, URL: where, Clock: clock.System{}, Session: func() (browser.Session, error) { return session, nil },
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
	where, session = load(h.box.MystoreAdminURL("fjellsport"), "fjellsport")
	shops := mystorepages.New(mystorepages.Options{
		Browser: b, Clock: clock.System{}, Address: func(string) (*url.URL, error) { return where, nil },
		Access: func(string) (mystorepages.Access, error) { return mystorepages.Access{Session: &session}, nil },
	})
	if credentials, err := shops.Credentials(h.t.Context(), "fjellsport"); err != nil || credentials.KustomID == "" {
		h.t.Errorf("the shop shows no Kustom ID (%v)", err)
	}
}

// A closed window and Ctrl-C leave nothing behind, and have different messages.
func TestLogin_EndsWhenStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	nothingKept := func() {
		t.Helper()
		if left, err := os.ReadDir(h.config); err != nil || len(left) > 0 {
			t.Errorf("it keeps %v (%v)", left, err)
		}
	}

	c := h.start("login")
	address, id := h.window(h.signInPage())
	resp, err := http.Get(address + "/json/close/" + id)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if code := h.end(c); code != 1 || !strings.Contains(c.stderr.String(), "the window was closed before you signed in to Kustom Portal") {
		t.Errorf("it ends with %d: %s", code, &c.stderr)
	}
	nothingKept()

	c = h.start("login")
	h.window(h.signInPage())
	began := time.Now()
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	code := h.end(c)
	if took := time.Since(began); code != 130 || !strings.Contains(c.stderr.String(), "stopped") || took > 10*time.Second {
		t.Errorf("it ends with %d after %v: %s", code, took, &c.stderr)
	}
	nothingKept()

	c = h.start("login", "--timeout", "4s")
	if code := h.end(c); code != 1 || !strings.Contains(c.stderr.String(), "you did not sign in to Kustom Portal within 4s") {
		t.Errorf("it ends with %d: %s", code, &c.stderr)
	}
	nothingKept()
}
