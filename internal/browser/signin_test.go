package browser_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
)

// memberSite is a site whose people are known by a cookie and by what their browser has stored, and who
// sign in at another host.
type memberSite struct {
	*httptest.Server
	// signIn is where one signs in.
	signIn *httptest.Server
	// done is closed when the person says that they are in.
	done chan struct{}
	// elsewhere is told of other hosts that the window shows; it may be nil.
	elsewhere func(*url.URL)
}

const (
	memberCookie = "cookie-of-the-site"
	memberToken  = "stored-by-the-site"
)

// newMemberSite starts a site. Whoever comes to its sign-in page is in as soon as its script has run.
func newMemberSite(t *testing.T, script string) *memberSite {
	t.Helper()
	s := &memberSite{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("member"); err != nil || cookie.Value != memberCookie {
			http.Redirect(w, r, s.signIn.URL+"/?back="+url.QueryEscape(s.URL+"/arrive"), http.StatusSeeOther)
			return
		}
		show(w, `<h1>Members</h1><div></div><script>
			if (localStorage.getItem("token") === "`+memberToken+`")
				document.querySelector("div").innerHTML = "<button>Sign out</button>";
		</script>`)
	})
	mux.HandleFunc("/arrive", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "member", Value: memberCookie, Path: "/", HttpOnly: true, Expires: time.Now().Add(time.Hour)})
		show(w, `<h1>Welcome</h1><script>localStorage.setItem("token", "`+memberToken+`"); location.href = "/";</script>`)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	s.signIn = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// The sign-in has a button to sign out, too: on another host, that says nothing.
		show(w, `<h1>Who are you?</h1><button>Sign out</button><script>
			localStorage.setItem("elsewhere", "stored-by-another");
			const back = new URL(location.href).searchParams.get("back");
			`+script+`
		</script>`)
	}))
	t.Cleanup(s.signIn.Close)
	return s
}

func show(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>Site</title><body>` + body + `</body></html>`))
}

func (s *memberSite) site(t *testing.T) *browser.Site {
	t.Helper()
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &browser.Site{
		Name: "the site", URL: address, SignIn: []browser.Target{action("Let me in")}, Inside: []browser.Target{action("Sign out")},
	}
}

// signIn opens a window on a screen of its own.
func signIn(ctx context.Context, t *testing.T, s *memberSite) (browser.Session, error) {
	t.Helper()
	if _, err := browser.Find("", true); err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
	t.Setenv("DISPLAY", browsertest.Display(t))
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	site := s.site(t)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	entered, err := browser.SignIn(ctx, browser.Options{}, site, browser.SignInHooks{Done: s.done, Elsewhere: s.elsewhere})
	if left, globErr := filepath.Glob(filepath.Join(temp, "*")); globErr != nil || len(left) > 0 {
		t.Errorf("%q is left behind (%v)", left, globErr)
	}
	return entered.Session, err
}

// TestSignIn: whatever ways people take to sign in, they are seen to be in, and what is kept of it lets
// somebody else in who comes later.
func TestSignIn(t *testing.T) {
	for name, script := range map[string]string{
		"in the window":     `setTimeout(() => location.href = back, 300);`,
		"in another tab":    `setTimeout(() => window.open(back, "_blank", "noopener"), 300);`,
		"with a long think": `setTimeout(() => location.href = back, 3000);`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemberSite(t, script)
			var elsewhere []string
			s.elsewhere = func(address *url.URL) { elsewhere = append(elsewhere, "http://"+address.Host) }
			session, err := signIn(t.Context(), t, s)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(elsewhere, []string{s.signIn.URL}) {
				t.Errorf("it tells of %q", elsewhere)
			}
			site := s.site(t)
			if session.Host != site.URL.Host || len(session.Cookies) != 1 || session.Cookies[0].Value != memberCookie ||
				!session.Cookies[0].HTTPOnly || session.Cookies[0].Expires == 0 {
				t.Errorf("the session is of %s and has %d cookies", session.Host, len(session.Cookies))
			}
			if len(session.Storage) != 1 || session.Storage["token"] != memberToken {
				t.Errorf("%d items are stored", len(session.Storage))
			}
			s.visit(t, session)
		})
	}
}

// visit comes to the site with a session that was written down meanwhile, and has to be known there.
func (s *memberSite) visit(t *testing.T, session browser.Session) {
	t.Helper()
	line, err := session.Line()
	if err != nil {
		t.Fatal(err)
	}
	read, err := browser.ParseSession(line)
	if err != nil {
		t.Fatal(err)
	}
	site := s.site(t)
	var group browser.Group
	defer func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	}()
	tab, err := browser.New(&group, browser.Options{}).Open(t.Context(), browser.NewAccount(site, read))
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	if err := tab.Load(t.Context(), step(), site.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := find(t.Context(), tab, step(), action("Sign out")); err != nil {
		t.Errorf("the session does not let anybody in: %v", err)
	}
}

func TestSignIn_Ends(t *testing.T) {
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := signIn(ctx, t, newMemberSite(t, ``))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("at a dead site", func(t *testing.T) {
		s := newMemberSite(t, ``)
		s.Close()
		if _, err := signIn(t.Context(), t, s); !browser.IsKind(err, browser.NoPage) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestSignIn_NeedsDisplay(t *testing.T) {
	if _, err := browser.Find("", true); err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	site := newMemberSite(t, "").site(t)
	if _, err := browser.SignIn(t.Context(), browser.Options{}, site, browser.SignInHooks{}); !errors.Is(err, browser.ErrNoDisplay) {
		t.Errorf("the error is %v", err)
	}
}

func TestSessionStore_RemovesEverySession(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "[folder]", "of the user")}
	if n, err := keep.Remove(); n != 0 || err != nil {
		t.Errorf("%d sessions were removed where there are none (%v)", n, err)
	}
	for _, account := range []string{"", "fjellsport", "kaffebonna"} {
		if _, _, err := keep.Save(account, browser.Session{Host: "127.0.0.1:9000"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"new-123", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(keep.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const host = "127.0.0.1:9000"
	want := []browser.StoredSession{{Host: host}, {Host: host, Account: "fjellsport"}, {Host: host, Account: "kaffebonna"}}
	if all, err := keep.All(); err != nil || !slices.Equal(all, want) {
		t.Errorf("kept are %v (%v)", all, err)
	}
	if n, err := keep.Remove(); n != 3 || err != nil {
		t.Errorf("%d sessions were removed (%v)", n, err)
	}
	left, err := os.ReadDir(keep.Dir)
	if err != nil || len(left) != 1 || left[0].Name() != "notes.txt" {
		t.Errorf("left are %v (%v)", left, err)
	}
	if err := os.Remove(filepath.Join(keep.Dir, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := keep.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(keep.Dir); !os.IsNotExist(err) {
		t.Errorf("the empty folder is still there (%v)", err)
	}
}

func TestSessionStore_SavesForOwnerOnly(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions")}
	if err := os.Mkdir(keep.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file, _, err := keep.Save("", browser.Session{Host: "portal.example", Storage: map[string]string{"a": strings.Repeat("x", 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{keep.Dir: 0o700 | os.ModeDir, file: 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode(), want, err)
		}
	}
}
