package browser

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Site is whose pages are visited.
type Site struct {
	// Name is what people call the site.
	Name string
	// URL is where it begins.
	URL   *url.URL
	Words Words
	// SignIn are things that together are only on the page where one signs in.
	SignIn []Want
}

func (s *Site) asksToSignIn(p *Page) bool {
	for _, want := range s.SignIn {
		if _, ok := want.met(p); !ok {
			return false
		}
	}
	return len(s.SignIn) > 0
}

// Visitor is somebody on a site. All tabs of a visitor share one profile of the browser, so that what
// the site changes in one is so in the others. It is safe for concurrent use.
type Visitor struct {
	site *Site

	mu      sync.Mutex
	session Session
	// The profile that the tabs are in, by the process that has it.
	process *process
	profile cdp.BrowserContextID
	tabs    int
}

// NewVisitor returns a visitor who has the session.
func NewVisitor(site *Site, s Session) *Visitor { return &Visitor{site: site, session: s} }

// Session returns what the visitor's session is by now.
func (v *Visitor) Session() Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.session
}

// enter returns the profile for one more tab.
func (v *Visitor) enter(p *process) (cdp.BrowserContextID, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.process == p {
		v.tabs++
		return v.profile, nil
	}
	profile, err := p.newProfile()
	if err != nil {
		return "", err
	}
	if err := v.session.enter(p.ctx, profile); err != nil {
		p.disposeProfile(profile)
		return "", err
	}
	v.process, v.profile, v.tabs = p, profile, 1
	return profile, nil
}

// exit forgets the profile with its last tab.
func (v *Visitor) exit(p *process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.process != p {
		return
	}
	if v.tabs--; v.tabs > 0 {
		return
	}
	v.process = nil
	p.disposeProfile(v.profile)
}

// furnish puts the session's storage into every page of the site that the tab will show.
func (v *Visitor) furnish(ctx context.Context) error {
	session := v.Session()
	if len(session.Storage) == 0 {
		return nil
	}
	items, err := json.Marshal(session.Storage)
	if err != nil {
		return err
	}
	host, err := json.Marshal(v.site.URL.Host)
	if err != nil {
		return err
	}
	source := `if (location.host === ` + string(host) + `) {
		for (const [name, value] of Object.entries(` + string(items) + `)) {
			if (localStorage.getItem(name) === null) localStorage.setItem(name, value);
		}
	}`
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
	return err
}

// remember keeps what the site has made of the session in a tab. What can't be read stays as it was.
func (v *Visitor) remember(t *Tab) {
	if !t.process.alive() {
		return
	}
	session, err := t.Session(context.Background())
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.session = session
}

// Session returns the session as it is in the tab: the cookies and the storage of the site's host, and
// of no other.
func (t *Tab) Session(ctx context.Context) (Session, error) {
	host := t.visitor.site.URL.Hostname()
	session := Session{Host: t.visitor.site.URL.Host}
	ctx, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	err := t.run(ctx, func(ctx context.Context) error {
		got, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: t.visitor.profile})
		if err != nil {
			return err
		}
		for _, cookie := range got.Cookies {
			if domain := strings.TrimPrefix(cookie.Domain, "."); domain == host || strings.HasSuffix(host, "."+domain) {
				session.Cookies = append(session.Cookies, cookieOf(cookie))
			}
		}
		const read = `(location.host === %HOST% ? Object.fromEntries(Object.entries(localStorage)) : {})`
		quoted, err := json.Marshal(t.visitor.site.URL.Host)
		if err != nil {
			return err
		}
		session.Storage, err = chromedp.Run(ctx, chromedp.Evaluate[map[string]string](strings.Replace(read, "%HOST%", string(quoted), 1)))
		return err
	})
	return session, err
}
