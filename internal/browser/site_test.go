package browser_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// short is the timeout of steps that a test expects to fail, and long that of all others.
const (
	short = 3 * time.Second
	long  = 60 * time.Second
)

// site is a web server, and the site that it serves.
type site struct {
	*httptest.Server
	*browser.Site

	mu sync.Mutex
	// counts has the number of requests of each path.
	counts map[string]int
}

// serve serves a page at each path.
func serve(t *testing.T, pages map[string]http.HandlerFunc) *site {
	t.Helper()
	s := &site{counts: map[string]int{}}
	mux := http.NewServeMux()
	for path, page := range pages {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			s.counts[r.URL.Path]++
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
func servePage(t *testing.T, body string) *site {
	t.Helper()
	return serve(t, map[string]http.HandlerFunc{"/": html(body)})
}

// forEachPage runs a subtest for each page. The pages share one tab, because each new tab takes the browser a new process.
// They can fetch "2 keys" from /slow, after 1.5 seconds.
func forEachPage(t *testing.T, o browser.Options, pages map[string]string, test func(t *testing.T, name string, tab *browser.Tab)) {
	t.Helper()
	names := slices.Sorted(maps.Keys(pages))
	s := serve(t, map[string]http.HandlerFunc{
		"/{n}": func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.PathValue("n"))
			html(pages[names[n]])(w, r)
		},
		"/slow": func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(1500 * time.Millisecond)
			fmt.Fprint(w, "2 keys")
		},
	})
	tab := s.tab(t, browser.New(shared.Group(t), o), browser.NewAccount(s.Site, browser.Session{}))
	for n, name := range names {
		t.Run(name, func(t *testing.T) {
			if err := tab.Load(t.Context(), step(), s.address(t, "/"+strconv.Itoa(n))); err != nil {
				t.Fatal(err)
			}
			test(t, name, tab)
		})
	}
}

func (s *site) address(t *testing.T, path string) *url.URL {
	t.Helper()
	address, err := url.Parse(s.Server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// requests returns the number of requests of a path.
func (s *site) requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[path]
}

// html returns a page with this body.
func html(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,"><body>%s</body></html>`, body)
	}
}

// open opens the first page of the site in a new tab of the shared browser.
func (s *site) open(t *testing.T, o browser.Options) *browser.Tab {
	t.Helper()
	tab := s.tab(t, browser.New(shared.Group(t), o), browser.NewAccount(s.Site, browser.Session{}))
	if err := tab.Load(t.Context(), step(), s.Site.URL); err != nil {
		t.Fatal(err)
	}
	return tab
}

// tab opens an empty tab, and closes it after the test.
func (s *site) tab(t *testing.T, b *browser.Browser, a *browser.Account) *browser.Tab {
	t.Helper()
	tab, err := b.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

func step() browser.Step { return browser.Step{Page: "the first page", Do: "do it"} }

// changingStep is a step whose click changes something.
func changingStep() browser.Step {
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

// find waits for the target.
func find(ctx context.Context, tab *browser.Tab, s browser.Step, target browser.Target) (*browser.Element, error) {
	return browser.Await(ctx, tab, s, func(p *browser.Page) (*browser.Element, error) { return p.One(target) })
}

// mustFind waits for the target, and returns it.
func mustFind(t *testing.T, tab *browser.Tab, target browser.Target) *browser.Element {
	t.Helper()
	found, err := find(t.Context(), tab, step(), target)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// mustClick finds an action, and clicks it.
func mustClick(t *testing.T, tab *browser.Tab, name string) {
	t.Helper()
	if err := tab.Click(t.Context(), step(), mustFind(t, tab, action(name))); err != nil {
		t.Fatal(err)
	}
}

// textOf returns the text of the page's first element of a role.
func textOf(p *browser.Page, role string) string {
	for e := range p.All() {
		if e.Role == role {
			return e.Text()
		}
	}
	return ""
}

// wantText waits until the page's first element of a role keeps this text.
func wantText(t *testing.T, tab *browser.Tab, role, text string) {
	t.Helper()
	_, err := browser.Await(t.Context(), tab, step(), func(p *browser.Page) (string, error) {
		if got := textOf(p, role); got != text {
			return "", browser.Absent("the %s says %q, not %q", role, got, text)
		}
		return text, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// mustRead returns the page once it has settled.
func mustRead(t *testing.T, tab *browser.Tab) *browser.Page {
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

// wantKind expects the error of a failed step, of this kind.
func wantKind(t *testing.T, err error, kind browser.Kind) {
	t.Helper()
	if !browser.IsKind(err, kind) {
		t.Errorf("the error is %v, want a step that failed: %s", err, kind)
	}
}

// wantStepError is like wantKind, and returns the error.
func wantStepError(t *testing.T, err error, kind browser.Kind) *browser.StepError {
	t.Helper()
	var failed *browser.StepError
	if !errors.As(err, &failed) || failed.Kind != kind {
		t.Fatalf("the error is %v, want a step that failed: %s", err, kind)
	}
	return failed
}

// eventually waits until is returns true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(long); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: this never happens", what)
		}
	}
}

// within calls a function, and expects it to return in time.
func within(t *testing.T, d time.Duration, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	if took := time.Since(start); took > d || ctx.Err() != nil {
		t.Errorf("the call took %v, want at most %v", took, d)
	}
	return err
}
