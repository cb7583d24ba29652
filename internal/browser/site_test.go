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
	t.Cleanup(s.Server.Close)
	s.Site = &browser.Site{
		Name: "The site", URL: s.address(t, "/"), Secret: regexp.MustCompile(`kco_(live|test)_api_\S+`),
		SignIn: []browser.Want{{Role: "button", Words: []string{"Sign in"}}},
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
	tab := s.tab(t, browser.New(shared.Group(t), o), browser.NewVisitor(s.Site, browser.Session{}))
	if err := tab.Load(t.Context(), browser.Step{Page: "the first page", Do: "open it"}, s.Site.URL); err != nil {
		t.Fatal(err)
	}
	return tab
}

// tab opens an empty tab, which is closed after the test.
func (s *site) tab(t *testing.T, b *browser.Browser, v *browser.Visitor) *browser.Tab {
	t.Helper()
	tab, err := b.Open(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

// step looks for things.
func step(wants ...browser.Want) browser.Step {
	return browser.Step{Page: "the first page", Do: "do it", Wants: wants}
}

func want(role string, names ...string) browser.Want { return browser.Want{Role: role, Words: names} }

// await expects the things to be there, and returns them.
func await(t *testing.T, tab *browser.Tab, wants ...browser.Want) []*browser.Element {
	t.Helper()
	_, found, err := tab.Await(t.Context(), step(wants...))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// failure expects a failed step of a kind.
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
