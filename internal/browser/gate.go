package browser

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/publicsuffix"
)

// gate decides which network requests a tab may send. Requests to the site's owner are allowed. Other hosts may
// only serve a page's parts (scripts, styles and fonts) and sign-in pages. So neither the site nor a third
// party's script on its page can send the page's content elsewhere. It is safe for concurrent use.
type gate struct {
	site *url.URL

	mu sync.Mutex
	// away reports that the tab shows a page of another site, such as a sign-in page.
	away bool
	// private reports that the page may show a secret. Then all requests to other hosts are blocked.
	private bool
	// typed reports that a secret was typed into the page.
	typed bool
	// blocked are the hosts whose requests were blocked.
	blocked []string
	// blockedOrigin is the origin that the page tried to navigate to and that was blocked; empty if there is none.
	blockedOrigin string
}

// setAddress records the address of the tab's page.
func (g *gate) setAddress(address string) {
	at, err := url.Parse(address)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = err == nil && at.Host != "" && !ownedBy(g.site, at)
	g.blockedOrigin = ""
}

// blockedNavigation returns the origin that the page tried to navigate to and that was blocked.
func (g *gate) blockedNavigation() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.blockedOrigin
}

func (g *gate) keepPrivate(private bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.private = private
}

// recordTypedSecret records that a secret was typed into the page.
func (g *gate) recordTypedSecret() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.typed = true
}

func (g *gate) isPrivate() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.private
}

// isClean reports whether the tab shows no secret, is on its site, and has had no request blocked.
func (g *gate) isClean() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.away && !g.private && !g.typed && len(g.blocked) == 0
}

// hosts returns the hosts whose requests were blocked.
func (g *gate) hosts() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.blocked)
}

// allows reports whether a request is allowed. Top says that it loads the page itself.
func (g *gate) allows(r *network.Request, kind network.ResourceType, top bool) bool {
	address, err := url.Parse(r.URL)
	if err != nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowsAddress(address, r.Method, kind, top) {
		return true
	}
	if top {
		g.blockedOrigin = originOf(address)
	}
	if !slices.Contains(g.blocked, address.Host) {
		g.blocked = append(g.blocked, address.Host)
	}
	return false
}

func (g *gate) allowsAddress(address *url.URL, method string, kind network.ResourceType, top bool) bool {
	switch {
	case address.Host == "" || ownedBy(g.site, address):
		return true
	case getsCookies(g.site, address), g.private, g.typed:
		return false
	case g.away:
		return true
	case method != http.MethodGet:
		return false
	}
	switch kind {
	case network.ResourceTypeScript, network.ResourceTypeStylesheet, network.ResourceTypeFont:
		return true
	}
	return top
}

// ownedBy reports whether an address is the site's origin or has the same owner. The latter counts only for
// HTTPS on its usual port.
func ownedBy(site, address *url.URL) bool {
	scheme := strings.Replace(address.Scheme, "ws", "http", 1)
	if scheme == site.Scheme && strings.EqualFold(address.Host, site.Host) {
		return true
	}
	return site.Scheme == "https" && scheme == "https" && site.Port() == "" && address.Port() == "" && sameSite(site, address)
}

// getsCookies reports whether the browser may send the session to an address. Cookies ignore ports, and
// sometimes schemes and hosts.
func getsCookies(site, address *url.URL) bool {
	if strings.EqualFold(site.Hostname(), address.Hostname()) {
		return true
	}
	suffix, managed := publicsuffix.PublicSuffix(strings.ToLower(site.Hostname()))
	return managed && suffix != "" && sameSite(site, address)
}

// watch sends all of the tab's requests through the gate.
func (g *gate) watch(ctx context.Context) error {
	_, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{})
	return err
}

// answer allows or blocks a request. Blocking a navigation leaves the tab where it is.
func (t *Tab) answer(e *fetch.EventRequestPaused) {
	ctx, cancel := context.WithTimeout(t.ctx, closeTimeout)
	defer cancel()
	top := e.ResourceType == network.ResourceTypeDocument && string(e.FrameID) == string(chromedp.FromContext(t.ctx).Target.TargetID)
	// A finished request or a closed tab needs no answer.
	if t.gate.allows(e.Request, e.ResourceType, top) {
		_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
		return
	}
	reason := network.ErrorReasonBlockedByClient
	if top {
		reason = network.ErrorReasonAborted
	}
	_, _ = chromedp.Call(ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: e.RequestID, ErrorReason: reason})
}

// follow records the page that the tab has navigated to.
func (g *gate) follow(e *page.EventFrameNavigated) {
	if e.Frame.ParentID == "" {
		g.setAddress(e.Frame.URL)
	}
}
