package browser_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// byOtherHost returns a site's address with another host, which leads to the same server.
func byOtherHost(s *site) string {
	return strings.Replace(s.Server.URL, "127.0.0.1", "localhost", 1)
}

// A page can't send its content to another host. It can't reach another port of its own host either, because the
// browser would send the session's cookies there.
func TestTab_BlocksRequestsToOtherOrigins(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		// private reports that the page may show a secret.
		private bool
		// leaves reports that the page itself tries to navigate there.
		leaves bool
	}{
		"fetch":                    {script: `fetch("URL/x").catch(() => {})`},
		"a form":                   {script: `const f = document.createElement("form"); f.method = "post"; f.action = "URL/x"; document.body.append(f); f.submit()`, leaves: true},
		"an image":                 {script: `new Image().src = "URL/x"`},
		"a beacon":                 {script: `navigator.sendBeacon("URL/x", "a")`},
		"a frame":                  {script: `const f = document.createElement("iframe"); f.src = "URL/x"; document.body.append(f)`},
		"a script beside a secret": {script: `const s = document.createElement("script"); s.src = "URL/x"; document.body.append(s)`, private: true},
		"leaving beside a secret":  {script: `location.href = "URL/x"`, private: true, leaves: true},
		"another port of the host": {script: `location.href = "PORT/x"`, leaves: true},
		"a script of another port": {script: `const s = document.createElement("script"); s.src = "PORT/x"; document.body.append(s)`},
		"a redirect of the site":   {script: `fetch("/away").catch(() => {})`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := serve(t, map[string]http.HandlerFunc{"/x": func(http.ResponseWriter, *http.Request) {}})
			script := strings.NewReplacer("URL", byOtherHost(other), "PORT", other.Server.URL).Replace(test.script)
			s := serve(t, map[string]http.HandlerFunc{
				"/": html(`<button onclick='` + script + `; document.querySelector("p").textContent = "sent"'>Send</button><p role="status">none</p>`),
				"/away": func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, byOtherHost(other)+"/x", http.StatusSeeOther)
				},
			})
			b := browser.New(shared.Group(t), browser.Options{Timeout: long})
			tab := s.tab(t, b, browser.NewAccount(s.Site, browser.Session{}))
			if err := tab.Load(t.Context(), step(), s.Site.URL); err != nil {
				t.Fatal(err)
			}
			tab.Private(test.private)
			mustClick(t, tab, "Send")
			wantText(t, tab, "status", "sent")
			eventually(t, "the request is blocked", func() bool { return len(tab.Blocked()) > 0 })
			b.SetTimeout(short)
			_, err := find(t.Context(), tab, step(), action("Nothing"))
			kind := browser.NotFound
			if test.leaves {
				kind = browser.Elsewhere
			}
			failed := wantStepError(t, err, kind)
			if test.leaves && !strings.HasSuffix(failed.Message, failed.Blocked[0]) {
				t.Errorf("the error says %q", failed.Message)
			}
			if len(failed.Blocked) != 1 {
				t.Errorf("the error names the blocked hosts %q, want one", failed.Blocked)
			}
			if n := other.requests("/x"); n > 0 {
				t.Errorf("the other origin gets %d requests", n)
			}
		})
	}
}

// After a 401, the app leads to a sign-in page on another origin. The provider does not wait for open requests of the
// page before.
func TestTab_ReportsEndedSessionQuickly(t *testing.T) {
	t.Parallel()
	other := serve(t, map[string]http.HandlerFunc{"/choose": html(`<button>Sign in</button>`)})
	s := serve(t, map[string]http.HandlerFunc{
		"/": html(`<button onclick='fetch("/never"); fetch("/data").then((r) => { if (r.status === 401) location.href = "/sign-in" })'>Open</button>`),
		"/data": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		},
		"/never": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"/sign-in": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, byOtherHost(other)+"/choose", http.StatusSeeOther)
		},
	})
	tab := s.open(t, browser.Options{Timeout: long})
	mustClick(t, tab, "Open")
	err := within(t, long/3, func(ctx context.Context) error {
		_, err := find(ctx, tab, step(), action("Nothing"))
		return err
	})
	wantKind(t, err, browser.SignedOut)
}

func TestTab_AllowsScriptsAndSignInOfOtherOrigins(t *testing.T) {
	t.Parallel()
	other := serve(t, map[string]http.HandlerFunc{
		"/script.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(`document.querySelector("p").textContent = "run"`))
		},
		"/sign-in": html(`<button>Sign in</button>`),
	})
	s := servePage(t, `<p role="status">none</p><a href="`+byOtherHost(other)+`/sign-in">Leave</a><script src="`+byOtherHost(other)+`/script.js"></script>`)
	tab := s.open(t, browser.Options{Timeout: long})
	wantText(t, tab, "status", "run")
	mustClick(t, tab, "Leave")
	_, err := find(t.Context(), tab, step(), action("Nothing"))
	wantKind(t, err, browser.SignedOut)
}
