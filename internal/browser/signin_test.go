package browser_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// memberSite is a site that knows its users by a cookie and by the browser's storage. They sign in on another host.
type memberSite struct {
	*httptest.Server
	// signIn is the other host.
	signIn *httptest.Server
	// elsewhere is [browser.SignInHooks.Elsewhere].
	elsewhere func(*url.URL)
}

const (
	memberCookie = "cookie-of-the-site"
	memberToken  = "stored-by-the-site"
)

// newMemberSite starts a site. The script on its sign-in page signs in the user.
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
		// A button to sign out means nothing on another host.
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

// signIn opens a window on the shared screen.
func signIn(ctx context.Context, t *testing.T, s *memberSite) (browser.Session, error) {
	t.Helper()
	shared.Window(t)
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	entered, err := browser.SignIn(ctx, browser.Options{}, s.site(t), browser.SignInHooks{Elsewhere: s.elsewhere})
	return entered.Session, err
}

func TestSignIn_ReturnsSession(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"in the window":  `setTimeout(() => location.href = back, 3000);`,
		"in another tab": `setTimeout(() => window.open(back, "_blank", "noopener"), 300);`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMemberSite(t, script)
			var elsewhere []string
			s.elsewhere = func(address *url.URL) { elsewhere = append(elsewhere, "http://"+address.Host) }
			session, err := signIn(t.Context(), t, s)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(elsewhere, []string{s.signIn.URL}) {
				t.Errorf("Elsewhere is called with %q", elsewhere)
			}
			if session.Host != s.site(t).URL.Host || len(session.Cookies) != 1 || session.Cookies[0].Value != memberCookie ||
				!session.Cookies[0].HTTPOnly || session.Cookies[0].Expires == 0 {
				t.Errorf("the session is of %s and has %d cookies", session.Host, len(session.Cookies))
			}
			if len(session.Storage) != 1 || session.Storage["token"] != memberToken {
				t.Errorf("the session has %d stored items", len(session.Storage))
			}
			s.visit(t, session)
		})
	}
}

// visit expects a session to sign in another browser, once it was encoded and decoded.
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
	tab, err := browser.New(shared.Group(t), browser.Options{}).Open(t.Context(), browser.NewAccount(site, read))
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	if err := tab.Load(t.Context(), step(), site.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := find(t.Context(), tab, step(), action("Sign out")); err != nil {
		t.Errorf("the session does not sign in: %v", err)
	}
}

func TestSignIn_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newMemberSite(t, ``)
	s.elsewhere = func(*url.URL) { cancel() }
	if _, err := signIn(ctx, t, s); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestSignIn_ReportsDeadSite(t *testing.T) {
	t.Parallel()
	s := newMemberSite(t, ``)
	s.Close()
	if _, err := signIn(t.Context(), t, s); !browser.IsKind(err, browser.NoPage) {
		t.Errorf("the error is %v", err)
	}
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
