package browser

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Site is a site to visit.
type Site struct {
	// Name is the site's name for people.
	Name string
	// URL is the site's start page.
	URL   *url.URL
	Words Words
	// Secret matches the secrets that the site's pages may show, so that no message and no picture has them;
	// nil matches none. The expression must be valid in RE2 and in JavaScript.
	Secret *regexp.Regexp
	// SignIn are elements of which each occurs only on a sign-in page.
	SignIn []Target
	// Inside are elements of which each is visible only to signed-in users.
	Inside []Target
	// Never are the names of elements that are never clicked. Changing are the elements whose click changes
	// something.
	Never    []string
	Changing []Target
}

// asksToSignIn reports whether a page is a sign-in page: the site's own, or another site's that the site has
// redirected to. A form that changes a password has none of the words.
func (s *Site) asksToSignIn(p *Page) bool {
	for _, target := range s.SignIn {
		if p.Has(target) {
			return true
		}
	}
	return false
}

// manyActions is the minimum number of clickable elements on an application's page.
const manyActions = 8

// Entered reports whether a page seems to be one for signed-in users: it has an element that only they see, or
// as many choices as an application, and asks for no password and no code.
func (s *Site) Entered(p *Page) bool {
	if !s.has(p) || s.asksToSignIn(p) {
		return false
	}
	for e := range p.All() {
		if e.Type == "password" || e.Autocomplete == "one-time-code" {
			return false
		}
	}
	for _, target := range s.Inside {
		if p.Has(target) {
			return true
		}
	}
	return len(p.Actions()) >= manyActions
}

// has reports whether a page belongs to the site.
func (s *Site) has(p *Page) bool { return p.URL.Scheme == s.URL.Scheme && p.URL.Host == s.URL.Host }

// Account is a user of a site. All tabs of an account share one profile of the browser, so a change by the site
// in one tab applies to all. It is safe for concurrent use.
type Account struct {
	site *Site

	mu      sync.Mutex
	session Session
	// The profile that the tabs are in, by the process that has it.
	process *process
	profile cdp.BrowserContextID
	tabs    int
}

// NewAccount returns an account with the session.
func NewAccount(site *Site, s Session) *Account { return &Account{site: site, session: s} }

// Session returns the account's current session.
func (a *Account) Session() Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.session
}

// enter returns the profile for another tab.
func (a *Account) enter(ctx context.Context, p *process) (cdp.BrowserContextID, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process == p {
		a.tabs++
		return a.profile, nil
	}
	ctx, cancel := join(p.ctx, ctx)
	defer cancel()
	profile, err := newProfile(ctx)
	if err != nil {
		return "", err
	}
	if err := a.session.enter(ctx, profile); err != nil {
		p.disposeProfile(profile)
		return "", err
	}
	a.process, a.profile, a.tabs = p, profile, 1
	return profile, nil
}

// exit deletes the profile with its last tab, and keeps the session as it is by then.
func (a *Account) exit(t *Tab) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != t.process {
		return
	}
	if a.tabs--; a.tabs > 0 {
		return
	}
	a.process = nil
	if !t.process.alive() {
		return
	}
	if t.ready {
		a.remember(t)
	}
	t.process.disposeProfile(a.profile)
}

// injectStorage adds the session's storage to every page of the site in the tab.
func (a *Account) injectStorage(ctx context.Context) error {
	session := a.Session()
	if len(session.Storage) == 0 {
		return nil
	}
	items, err := json.Marshal(session.Storage)
	if err != nil {
		return err
	}
	origin, err := json.Marshal(originOf(a.site.URL))
	if err != nil {
		return err
	}
	source := `if (location.origin === ` + string(origin) + `) {
		for (const [name, value] of Object.entries(` + string(items) + `)) {
			if (localStorage.getItem(name) === null) localStorage.setItem(name, value);
		}
	}`
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
	return err
}

// remember saves the site's changes of the session in a tab. A part that can't be read stays as it was.
func (a *Account) remember(t *Tab) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	session, err := t.Session(ctx)
	if err != nil {
		return
	}
	if session.Storage == nil {
		session.Storage = a.session.Storage
	}
	a.session = session
}

// Session returns the tab's session: the cookies and the storage of the site's host only. The storage is nil if
// the tab shows no page of the site.
func (t *Tab) Session(ctx context.Context) (Session, error) {
	site := t.account.site.URL
	session := Session{Host: site.Host}
	ctx, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	err := t.run(ctx, func(ctx context.Context) error {
		got, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: t.profile})
		if err != nil {
			return err
		}
		for _, cookie := range got.Cookies {
			if isFor(cookie.Domain, site.Hostname()) {
				session.Cookies = append(session.Cookies, cookieOf(cookie))
			}
		}
		origin, err := json.Marshal(originOf(site))
		if err != nil {
			return err
		}
		stored := `location.origin === ` + string(origin) + ` ? Object.fromEntries(Object.entries(localStorage)) : null`
		session.Storage, err = chromedp.Run(ctx, chromedp.Evaluate[map[string]string](stored))
		return err
	})
	return session, err
}

// originOf returns the scheme, host and port of an address as browsers write them.
func originOf(address *url.URL) string {
	host := strings.ToLower(address.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if address.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return address.Scheme + "://" + host
}

// isFor reports whether a cookie of a domain is sent to a host.
func isFor(domain, host string) bool {
	parent, isParent := strings.CutPrefix(domain, ".")
	return parent == host || isParent && strings.HasSuffix(host, "."+parent)
}
