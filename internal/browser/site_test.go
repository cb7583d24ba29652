package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// short is the timeout of tests that wait for it; long that of those that must not.
const (
	short = 2 * time.Second
	long  = 60 * time.Second
)

// site is a web server whose pages are given by their paths.
type site struct {
	*httptest.Server
	*browser.Site

	mu   sync.Mutex
	asks map[string]int
}

// serve serves pages.
func serve(t *testing.T, pages map[string]http.HandlerFunc) *site {
	t.Helper()
	s := &site{asks: map[string]int{}}
	mux := http.NewServeMux()
	for path, page := range pages {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			s.asks[r.URL.Path]++
			s.mu.Unlock()
			page(w, r)
		})
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	s.Site = &browser.Site{
		Name: "The site", URL: s.address(t, "/"), Secret: regexp.MustCompile(`kco_(live|test)_api_\S+`),
		SignIn: []browser.Target{action("Sign in")}, Never: []string{"Switch to production"},
	}
	return s
}

// serveOne serves one page.
func serveOne(t *testing.T, body string) *site {
	t.Helper()
	return serve(t, map[string]http.HandlerFunc{"/": html(body)})
}

func (s *site) address(t *testing.T, path string) *url.URL {
	t.Helper()
	address, err := url.Parse(s.Server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// asked is how often a path was asked for.
func (s *site) asked(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asks[path]
}

// html is a page with that in its body.
func html(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,"><body>%s</body></html>`, body)
	}
}

// open opens a tab of the shared browser at the beginning of the site.
func (s *site) open(t *testing.T, o browser.Options) *browser.Tab {
	t.Helper()
	tab := s.tab(t, browser.New(shared.Group(t), o), browser.NewAccount(s.Site, browser.Session{}))
	if err := tab.Load(t.Context(), browser.Step{Page: "the first page", Do: "open it"}, s.Site.URL); err != nil {
		t.Fatal(err)
	}
	return tab
}

// tab opens an empty tab, which is closed after the test.
func (s *site) tab(t *testing.T, b *browser.Browser, v *browser.Account) *browser.Tab {
	t.Helper()
	tab, err := b.Open(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

// step is some step.
func step() browser.Step { return browser.Step{Page: "the first page", Do: "do it"} }

// changing is a step that changes something.
func changing() browser.Step {
	s := step()
	s.Changing = true
	return s
}

func action(names ...string) browser.Target {
	return browser.Target{Kind: browser.Action, Words: names}
}

func field(names ...string) browser.Target {
	return browser.Target{Kind: browser.Field, Words: names}
}

// find waits for the one target.
func find(ctx context.Context, tab *browser.Tab, s browser.Step, target browser.Target) (*browser.Element, error) {
	return browser.Await(ctx, tab, s, func(p *browser.Page) (*browser.Element, error) { return p.One(target) })
}

// await expects the target to be there, and returns it.
func await(t *testing.T, tab *browser.Tab, target browser.Target) *browser.Element {
	t.Helper()
	found, err := find(t.Context(), tab, step(), target)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// said is what the page says in its first element of a role.
func said(p *browser.Page, role string) string {
	for e := range p.All() {
		if e.Role == role {
			return e.Text()
		}
	}
	return ""
}

// says expects the page to say something in its first element of a role, and to stay with it.
func says(t *testing.T, tab *browser.Tab, role, text string) {
	t.Helper()
	_, err := browser.Await(t.Context(), tab, step(), func(p *browser.Page) (string, error) {
		if got := said(p, role); got != text {
			return "", browser.Absent("the %s says %q, not %q", role, got, text)
		}
		return text, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// see returns the page as it is when it has come to rest.
func see(t *testing.T, tab *browser.Tab) *browser.Page {
	t.Helper()
	var page *browser.Page
	_, err := browser.Await(t.Context(), tab, step(), func(p *browser.Page) (string, error) {
		page = p
		return p.Text(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// fails expects a failed step of a kind.
func fails(t *testing.T, err error, kind browser.Kind) {
	t.Helper()
	if !browser.IsKind(err, kind) {
		t.Errorf("the error is %v, want a step that failed: %s", err, kind)
	}
}

// failure is fails, and returns what failed.
func failure(t *testing.T, err error, kind browser.Kind) *browser.StepError {
	t.Helper()
	var failed *browser.StepError
	if !errors.As(err, &failed) || failed.Kind != kind {
		t.Fatalf("the error is %v, want a step that failed: %s", err, kind)
	}
	return failed
}

// within expects something to be over long before a context of its own ends.
func within(t *testing.T, d time.Duration, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	if took := time.Since(start); took > d || ctx.Err() != nil {
		t.Errorf("it took %v, want at most %v", took, d)
	}
	return err
}
