package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
)

// cookie is what no message may hold.
const cookie = "s3cret-cookie"

// desk is a machine whose windows are not real.
type desk struct {
	env map[string]string
	dir string
	// fail is what becomes of the window on the site of that name.
	fail map[string]error
	// windows are the addresses that were opened, with what was looked for on them.
	windows []string
	// shown is what the windows show of other hosts, and user who signs in there.
	shown, user string
	// typed is what the person types, and enter says that windows wait for that.
	typed string
	enter bool
	// left is how much time there was for the last one.
	left           time.Duration
	options        browser.Options
	stdout, stderr bytes.Buffer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{dir: filepath.Join(t.TempDir(), "config", "terraform-provider-kustom"), env: map[string]string{}, fail: map[string]error{}}
}

func (d *desk) run(ctx context.Context, args ...string) int {
	d.stdout.Reset()
	d.stderr.Reset()
	return cli.Run(ctx, args, cli.Deps{
		Version: "0.0.1",
		Getenv:  func(name string) string { return d.env[name] }, Sessions: browser.SessionStore{Dir: d.dir},
		Stdin: strings.NewReader(d.typed), Stdout: &d.stdout, Stderr: &d.stderr, SignIn: d.signIn,
	})
}

// mustRun runs a command, and fails the test if it does not succeed.
func (d *desk) mustRun(t *testing.T, args ...string) {
	t.Helper()
	if code := d.run(t.Context(), args...); code != 0 {
		t.Fatalf("%q ends with %d: %s", args, code, &d.stderr)
	}
}

func (d *desk) signIn(ctx context.Context, o browser.Options, site *browser.Site, hooks browser.SignInHooks) (browser.SignedIn, error) {
	d.windows = append(d.windows, site.URL.String())
	if d.shown != "" {
		address, err := url.Parse(d.shown)
		if err != nil {
			return browser.SignedIn{}, err
		}
		hooks.Elsewhere(address)
	}
	if d.enter {
		<-hooks.Done
	}
	d.options = o
	deadline, _ := ctx.Deadline()
	d.left = time.Until(deadline)
	if err := ctx.Err(); err != nil {
		return browser.SignedIn{}, err
	}
	if err := d.fail[site.Name]; err != nil {
		return browser.SignedIn{}, err
	}
	return browser.SignedIn{Session: browser.Session{Host: site.URL.Host, Cookies: []browser.Cookie{{Name: "id", Value: cookie}}}, User: d.user}, nil
}

// kept are the names of the files that there are.
func (d *desk) kept(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	return names
}

func TestRun_PrintsHelpWithoutCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, wants []string }{
		{nil, []string{"The kustom provider for Terraform", "\n  login ", "\n  logout ", "--version"}},
		{[]string{"apply"}, []string{`there is no command "apply"`, "terraform-provider-kustom --help lists the commands"}},
		{[]string{"logn"}, []string{"did you mean login?"}},
		{[]string{"login", "-mystore", "a"}, []string{"flags begin with two hyphens", "see terraform-provider-kustom login --help"}},
	} {
		d := newDesk(t)
		if code := d.run(t.Context(), test.args...); code != 2 {
			t.Errorf("%q ends with %d", test.args, code)
		}
		wantAll(t, d.stderr.String(), test.wants...)
		if d.stdout.Len() > 0 || len(d.windows) > 0 {
			t.Errorf("%q prints %q and opens %q", test.args, &d.stdout, d.windows)
		}
	}
}

func TestCompletion_HasEachShell(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		d := newDesk(t)
		if code := d.run(t.Context(), "completion", shell); code != 0 || !strings.Contains(d.stdout.String(), "terraform-provider-kustom") {
			t.Errorf("completion for %s ends with %d: %s", shell, code, &d.stderr)
		}
	}
	d := newDesk(t)
	if d.run(t.Context(), "__complete", "login", "--my"); !strings.Contains(d.stdout.String(), "--mystore") {
		t.Errorf("--my is completed to %q", &d.stdout)
	}
}

// The example in login --help is a valid command line.
func TestHelp_NamesLabelsThatExist(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRun(t, "login", "--help")
	examples := regexp.MustCompile(`(?:portal|mystore)\.[a-z_0-9]+=\w+`).FindAllString(d.stdout.String(), -1)
	if len(examples) == 0 {
		t.Errorf("it shows no label: %s", &d.stdout)
	}
	for _, example := range examples {
		other := newDesk(t)
		other.mustRun(t, "login", "--label", example)
	}
}

func TestLogin_OpensWindowForEachSite(t *testing.T) {
	t.Parallel()
	const portal, playground = "https://portal.kustom.co", "https://portal.playground.kustom.co"
	shop := func(name string) string { return "https://www." + name + ".mystore4.no/kontrollpanel" }
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want []string
	}{
		"the portal":                   {want: []string{portal}},
		"the playground":               {args: []string{"--environment", "playground"}, want: []string{playground}},
		"the variable":                 {env: map[string]string{"KUSTOM_ENVIRONMENT": "playground"}, want: []string{playground}},
		"the flag before the variable": {args: []string{"--environment", "production"}, env: map[string]string{"KUSTOM_ENVIRONMENT": "playground"}, want: []string{portal}},
		"a shop, too":                  {args: []string{"--mystore", "fjellsport"}, want: []string{portal, shop("fjellsport")}},
		"shops alone, each once":       {args: []string{"--portal=false", "--mystore", "b", "--mystore", "a", "--mystore", "b"}, want: []string{shop("b"), shop("a")}},
		"a shop with a domain":         {args: []string{"--portal=false", "--mystore", "a=https://www.a.example/kontrollpanel"}, want: []string{"https://www.a.example/kontrollpanel"}},
		"addresses of the environment": {args: []string{"--mystore", "a", "--mystore", "b"}, env: map[string]string{"KUSTOM_PORTAL_PAGES_URL": "http://127.0.0.1:9/p", "MYSTORE_ADMIN_URLS": `{"a": "https://m.example/m"}`}, want: []string{"http://127.0.0.1:9/p", "https://m.example/m", shop("b")}},
		"a changed word":               {args: []string{"--label", "portal.signed_in=Leave = go"}, want: []string{portal}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.env = test.env
			d.mustRun(t, append([]string{"login"}, test.args...)...)
			if !slices.Equal(d.windows, test.want) {
				t.Errorf("it opens\n%s\nwant\n%s", strings.Join(d.windows, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestLogin_EnterEndsWait holds for a page that does not look like one of somebody who is signed in.
func TestLogin_EnterEndsWait(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.typed, d.enter = "\n\n", true
	if code := d.run(t.Context(), "login", "--mystore", "a"); code != 0 || len(d.windows) != 2 {
		t.Errorf("it ends with %d after %q: %s", code, d.windows, &d.stderr)
	}
}

// writeList writes a list of shops, and returns where it is.
func writeList(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shops.csv")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLogin_ReadsShopsFromList signs in to each shop of a list, in its order, and says who is signed in to what.
func TestLogin_ReadsShopsFromList(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.user = "owner@shops.example"
	d.env["MYSTORE_ADMIN_URLS"] = `{"b": "https://www.b.example/kontrollpanel"}`
	list := writeList(t, "shop;merchant_id\nb;M00412871\na;\nc;M00412871\n")
	d.mustRun(t, "login", "--portal=false", "--shops", list, "--mystore", "c=https://www.c.example/admin")
	want := []string{"https://www.c.example/admin", "https://www.b.example/kontrollpanel", "https://www.a.mystore4.no/kontrollpanel"}
	if !slices.Equal(d.windows, want) {
		t.Errorf("it opens %q, want %q", d.windows, want)
	}
	wantAll(t, d.stderr.String(), "1 of 3:", "3 of 3:", "You are signed in to shop c at Mystore as owner@shops.example. The session is kept",
		"You are signed in to shop a at Mystore as owner@shops.example. The session is kept")
	if kept := d.kept(t); len(kept) != 3 {
		t.Errorf("it keeps %q", kept)
	}
	d.user = ""
	if d.run(t.Context(), "login", "--print", "--portal=false", "--shops", list); !strings.Contains(d.stderr.String(), "You are signed in to shop a at Mystore. The page does not show as whom.") {
		t.Errorf("it says %s", &d.stderr)
	}
}

// TestLogin_NamesControlPanelOfAnotherShop is said while the window is open; of a host where people sign in, nothing is.
func TestLogin_NamesControlPanelOfAnotherShop(t *testing.T) {
	t.Parallel()
	const wrong = "This is the control panel"
	for shown, want := range map[string]string{
		"https://www.b.mystore4.no/kontrollpanel/login": "This is the control panel of shop b, not of shop a. Go to " +
			"https://www.a.mystore4.no/kontrollpanel",
		"https://www.new.example/kontrollpanel":   "run login with --mystore a=https://www.new.example/kontrollpanel.",
		"https://auth.example/login":              "",
		"https://www.new.example/kontrollpanelet": "",
	} {
		d := newDesk(t)
		d.shown = shown
		d.mustRun(t, "login", "--mystore", "a", "--mystore", "b")
		said := d.stderr.String()
		_, ofFirst, _ := strings.Cut(said, "2 of 3:")
		ofFirst, _, _ = strings.Cut(ofFirst, "3 of 3:")
		if !strings.Contains(ofFirst, want) || want == "" && strings.Contains(ofFirst, wrong) {
			t.Errorf("of %s it says %s, want %q", shown, ofFirst, want)
		}
	}
}

func TestLogin_RefusesInvalidList(t *testing.T) {
	t.Parallel()
	for want, file := range map[string]string{
		"no such file": filepath.Join(t.TempDir(), "none.csv"),
		"shops.csv: ":  writeList(t, "name\na\n"),
	} {
		d := newDesk(t)
		if code := d.run(t.Context(), "login", "--shops", file); code != 1 || len(d.windows) > 0 || !strings.Contains(d.stderr.String(), want) {
			t.Errorf("it ends with %d, opens %q and says %q, want %q", code, d.windows, &d.stderr, want)
		}
	}
}

func TestLogin_PassesOptionsToBrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRun(t, "login", "--executable", "/opt/chrome", "--timeout", "1h")
	if d.options.Executable != "/opt/chrome" || d.left < 59*time.Minute {
		t.Errorf("it opens %q for %v", d.options.Executable, d.left)
	}
	d.run(t.Context(), "login")
	if d.left < 9*time.Minute || d.left > 10*time.Minute {
		t.Errorf("there are %v without --timeout", d.left)
	}
}

func TestRun_ExplainsMisuse(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"--portal=false needs --mystore or --shops":       {"login", "--portal=false"},
		"must be positive":                                {"login", "--timeout", "0"},
		`"test" is neither "production" nor "playground"`: {"login", "--environment", "test"},
		"login takes only flags":                          {"login", "fjellsport"},
		"it is not the name of a shop":                    {"login", "--mystore", "a/b"},
		"there is no such label":                          {"login", "--label", "portal.nothing=x"},
		"the word must not be empty":                      {"login", "--label", "portal.signed_in"},
		"the address of shop a must be an https address":  {"login", "--mystore", "a=http://a.example"},
		"unknown flag: --all":                             {"logout", "--all"},
	} {
		d := newDesk(t)
		if code := d.run(t.Context(), args...); code == 0 || len(d.windows) > 0 || !strings.Contains(d.stderr.String(), want) {
			t.Errorf("%q ends with %d and says %q, want %q", args, code, &d.stderr, want)
		}
	}
	for _, address := range []string{"http://portal.example", "https://user:s3cret@portal.example", "portal.example", "https://portal.example?token=s3cret", "%"} {
		d := newDesk(t)
		d.env["KUSTOM_PORTAL_PAGES_URL"] = address
		if code := d.run(t.Context(), "login"); code != 1 || len(d.windows) > 0 || !strings.Contains(d.stderr.String(), "KUSTOM_PORTAL_PAGES_URL must be an https address") ||
			strings.Contains(d.stderr.String(), "s3cret") {
			t.Errorf("%s: it ends with %d and says %q", address, code, &d.stderr)
		}
	}
}

func TestHelp_DescribesCommands(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"login", "logout"} {
		d := newDesk(t)
		if code := d.run(t.Context(), command, "--help"); code != 0 || !strings.Contains(d.stdout.String(), "Usage:\n  terraform-provider-kustom "+command) || d.stderr.Len() > 0 {
			t.Errorf("it ends with %d and says %q, and %q", code, &d.stdout, &d.stderr)
		}
	}
}

func TestLogin_KeepsSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if code := d.run(t.Context(), "login", "--mystore", "fjellsport"); code != 0 || d.stdout.Len() > 0 {
		t.Fatalf("it ends with %d and prints %q: %s", code, &d.stdout, &d.stderr)
	}
	if strings.Contains(d.stderr.String(), cookie) || !strings.Contains(d.stderr.String(), filepath.Join(d.dir, "portal.kustom.co.session")) {
		t.Errorf("it says %s", &d.stderr)
	}
	keep := browser.SessionStore{Dir: d.dir}
	for host, account := range map[string]string{"portal.kustom.co": "", "www.fjellsport.mystore4.no": "fjellsport"} {
		session, ok, err := keep.Load(host, account)
		if err != nil || !ok || session.Host != host || session.Cookies[0].Value != cookie {
			t.Errorf("of %s there is kept: %v (%v)", host, ok, err)
		}
	}
	if info, err := os.Stat(filepath.Join(d.dir, "portal.kustom.co.session")); err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode is %v (%v)", info.Mode(), err)
	}
	if info, err := os.Stat(d.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v (%v)", info.Mode(), err)
	}
	if code := d.run(t.Context(), "logout"); code != 0 || !strings.Contains(d.stderr.String(), "Removed 2 sessions") ||
		!strings.Contains(d.stderr.String(), "does not sign you out at the vendors") {
		t.Errorf("it ends with %d: %s", code, &d.stderr)
	}
	if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
		t.Errorf("%q is left (%v)", d.kept(t), err)
	}
}

// TestLogout_RemovesOneShop leaves the other sessions.
func TestLogout_RemovesOneShop(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRun(t, "login", "--mystore", "fjellsport", "--mystore", "kaffebonna")
	for _, want := range []string{"Removed 1 session ", "Removed 0 sessions "} {
		if code := d.run(t.Context(), "logout", "--mystore", "fjellsport"); code != 0 || !strings.Contains(d.stderr.String(), want) {
			t.Errorf("it ends with %d: %s", code, &d.stderr)
		}
		d.stderr.Reset()
	}
	if kept := d.kept(t); !slices.Equal(kept, []string{"portal.kustom.co.session", "www.kaffebonna.mystore4.no@kaffebonna.session"}) {
		t.Errorf("what is left is %q", kept)
	}
}

func TestLogin_PrintsSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRun(t, "login", "--print", "--mystore", "fjellsport", "--mystore", "kaffebonna")
	line := func(host string) string {
		text, err := browser.Session{Host: host, Cookies: []browser.Cookie{{Name: "id", Value: cookie}}}.Line()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	shop := line("www.fjellsport.mystore4.no")
	want := "KUSTOM_PORTAL_SESSION=" + line("portal.kustom.co") + "\n" + `MYSTORE_SESSIONS={"fjellsport":"` + shop + `","kaffebonna":"` +
		line("www.kaffebonna.mystore4.no") + "\"}\n"
	if d.stdout.String() != want {
		t.Error("it prints something else than the two variables, a line each")
	}
	if !strings.Contains(d.stderr.String(), "Warning: anyone who has these lines can act as you") || strings.Contains(d.stderr.String(), shop) {
		t.Error("there is no warning, or a session in it")
	}
	if kept := d.kept(t); len(kept) > 0 {
		t.Errorf("it keeps %q", kept)
	}
	if code := d.run(t.Context(), "login", "--print", "--portal=false", "--mystore", "fjellsport"); code != 0 || strings.Contains(d.stdout.String(), "KUSTOM_PORTAL_SESSION") {
		t.Errorf("it ends with %d, and prints a session of the portal", code)
	}
}

// After a failure, nothing is kept or printed, and the person is told what to do.
func TestLogin_ExplainsFailures(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"there is no display":            fmt.Errorf("starting: %w", browser.ErrNoDisplay),
		"Install Chromium or Chrome":     &browser.MissingError{Cause: exec.ErrNotFound},
		"the window was closed":          browser.ErrWindowClosed,
		`you did not sign in to Kustom`:  context.DeadlineExceeded,
		"press Enter here next time":     context.DeadlineExceeded,
		"sign in to Kustom Portal: fire": errors.New("fire"),
	} {
		for _, args := range [][]string{{"login"}, {"login", "--print"}} {
			d := newDesk(t)
			d.fail["Kustom Portal"] = err
			code := d.run(t.Context(), args...)
			if code != 1 || !strings.Contains(d.stderr.String(), want) || d.stdout.Len() > 0 || len(d.kept(t)) > 0 {
				t.Errorf("%q ends with %d, keeps %q and says %q, want %q", args, code, d.kept(t), &d.stderr, want)
			}
		}
	}
}

// The first session stays, and nothing is printed.
func TestLogin_KeepsFirstSessionWhenSecondFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fail["Mystore"] = browser.ErrWindowClosed
	if code := d.run(t.Context(), "login", "--print", "--mystore", "fjellsport"); code != 1 || d.stdout.Len() > 0 {
		t.Errorf("it ends with %d, and prints something", code)
	}
	if code := d.run(t.Context(), "login", "--mystore", "fjellsport"); code != 1 || !slices.Equal(d.kept(t), []string{"portal.kustom.co.session"}) {
		t.Errorf("it ends with %d, and keeps %q", code, d.kept(t))
	}
}

func TestLogin_StopsOnInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := newDesk(t)
	if code := d.run(ctx, "login"); code != 130 || !strings.Contains(d.stderr.String(), "stopped") || len(d.kept(t)) > 0 {
		t.Errorf("it ends with %d, keeps %q and says %q", code, d.kept(t), &d.stderr)
	}
}

func TestLogin_NeedsFolderForSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.dir = ""
	if code := d.run(t.Context(), "login"); code != 1 || len(d.windows) > 0 || !strings.Contains(d.stderr.String(), "use --print") {
		t.Errorf("it ends with %d, opens %q and says %q", code, d.windows, &d.stderr)
	}
	d.mustRun(t, "login", "--print")
	d.mustRun(t, "logout")
}
