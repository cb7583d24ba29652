package browser_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// elsewhere is a site's address by another host.
func elsewhere(s *site) string {
	return strings.Replace(s.Server.URL, "127.0.0.1", "localhost", 1)
}

// TestTab_AsksNoOtherOrigin: a page can't send what it shows to anybody else, and gets no other port of its host, to
// which the browser would send the session's cookies.
func TestTab_AsksNoOtherOrigin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		// private says that the page may show a secret.
		private bool
		// leaves says that the page itself tries to go there.
		leaves bool
	}{
		"fetch":                     {script: `fetch("URL/x").catch(() => {})`},
		"a form":                    {script: `const f = document.createElement("form"); f.method = "post"; f.action = "URL/x"; document.body.append(f); f.submit()`, leaves: true},
		"an image":                  {script: `new Image().src = "URL/x"`},
		"a beacon":                  {script: `navigator.sendBeacon("URL/x", "a")`},
		"a frame":                   {script: `const f = document.createElement("iframe"); f.src = "URL/x"; document.body.append(f)`},
		"a script beside a secret":  {script: `const s = document.createElement("script"); s.src = "URL/x"; document.body.append(s)`, private: true},
		"leaving beside a secret":   {script: `location.href = "URL/x"`, private: true, leaves: true},
		"another port of the host":  {script: `location.href = "PORT/x"`, leaves: true},
		"a script of another port":  {script: `const s = document.createElement("script"); s.src = "PORT/x"; document.body.append(s)`},
		"by way of the site itself": {script: `fetch("/away").catch(() => {})`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := serve(t, map[string]http.HandlerFunc{"/x": func(http.ResponseWriter, *http.Request) {}})
			script := strings.NewReplacer("URL", elsewhere(other), "PORT", other.Server.URL).Replace(test.script)
			s := serve(t, map[string]http.HandlerFunc{
				"/": html(`<button onclick='` + script + `; document.querySelector("p").textContent = "sent"'>Send</button><p role="status">none</p>`),
				"/away": func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, elsewhere(other)+"/x", http.StatusSeeOther)
				},
			})
			tab := s.open(t, browser.Options{Timeout: 3 * short})
			tab.Private(test.private)
			if err := tab.Click(t.Context(), step(), await(t, tab, action("Send"))); err != nil {
				t.Fatal(err)
			}
			says(t, tab, "status", "sent")
			// What is asked for is asked for after a moment.
			quiet := step()
			quiet.Quiet = time.Second
			_, err := find(t.Context(), tab, quiet, action("Nothing"))
			kind := browser.NotFound
			if test.leaves {
				kind = browser.Elsewhere
			}
			failed := failure(t, err, kind)
			if test.leaves && !strings.HasSuffix(failed.Message, failed.Blocked[0]) {
				t.Errorf("it says that the page leads to %q", failed.Message)
			}
			if len(failed.Blocked) != 1 {
				t.Errorf("the error says that the hosts %q were kept from being asked", failed.Blocked)
			}
			if n := other.asked("/x"); n > 0 {
				t.Errorf("the other origin was asked %d times", n)
			}
		})
	}
}

// TestTab_EndedSessionIsSeenAtOnce: an app that is refused leads to the sign-in on another origin, by the site's own
// page. What the page that is left had asked for keeps nobody waiting.
func TestTab_EndedSessionIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	other := serve(t, map[string]http.HandlerFunc{"/choose": html(`<button>Sign in</button>`)})
	s := serve(t, map[string]http.HandlerFunc{
		"/": html(`<button onclick='fetch("/never"); fetch("/data").then((r) => { if (r.status === 401) location.href = "/sign-in" })'>Open</button>`),
		"/data": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		},
		"/never": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"/sign-in": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere(other)+"/choose", http.StatusSeeOther)
		},
	})
	tab := s.open(t, browser.Options{Timeout: long})
	if err := tab.Click(t.Context(), step(), await(t, tab, action("Open"))); err != nil {
		t.Fatal(err)
	}
	err := within(t, long/3, func(ctx context.Context) error {
		_, err := find(ctx, tab, step(), action("Nothing"))
		return err
	})
	fails(t, err, browser.SignedOut)
}

// TestTab_LoadsWhatPagesAreMadeOf: scripts and styles may come from elsewhere, and so may the page where one signs in.
func TestTab_LoadsWhatPagesAreMadeOf(t *testing.T) {
	t.Parallel()
	other := serve(t, map[string]http.HandlerFunc{
		"/script.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(`document.querySelector("p").textContent = "run"`))
		},
		"/sign-in": html(`<button>Sign in</button>`),
	})
	s := serveOne(t, `<p role="status">none</p><a href="`+elsewhere(other)+`/sign-in">Leave</a><script src="`+elsewhere(other)+`/script.js"></script>`)
	tab := s.open(t, browser.Options{Timeout: 3 * short})
	says(t, tab, "status", "run")
	if err := tab.Click(t.Context(), step(), await(t, tab, action("Leave"))); err != nil {
		t.Fatal(err)
	}
	_, err := find(t.Context(), tab, step(), action("Nothing"))
	fails(t, err, browser.SignedOut)
}
