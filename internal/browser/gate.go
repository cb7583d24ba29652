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

// gate decides what a tab may ask the network for. Of the site's owner that is everything. Others may only be asked
// for what a page is made of (scripts, styles and fonts), and for the pages on which one signs in. So neither the site
// nor a script of somebody else's on its page can send anywhere what the page shows. It is safe for concurrent use.
type gate struct {
	site *url.URL

	mu sync.Mutex
	// away tells that the tab shows a page of another site, such as the one where one signs in.
	away bool
	// private tells that the page may show a secret: then nothing at all is asked of others.
	private bool
	// typed tells that a secret was typed into the page.
	typed bool
	// blocked are the hosts that were kept from being asked.
	blocked []string
	// led is the origin that the page itself was led to, and kept from going to; empty where there is none.
	led string
}

// moved takes note of where the tab is.
func (g *gate) moved(address string) {
	at, err := url.Parse(address)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = err == nil && at.Host != "" && !ownedBy(g.site, at)
	g.led = ""
}

// leads returns the origin that the page has tried to leave for, and was kept from.
func (g *gate) leads() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.led
}

func (g *gate) keepPrivate(private bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.private = private
}

// holdsTyped takes note that a secret was typed into the page.
func (g *gate) holdsTyped() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.typed = true
}

func (g *gate) isPrivate() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.private
}

// hosts returns the hosts that were kept from being asked.
func (g *gate) hosts() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.blocked)
}

// lets tells whether a request may be made; top says that it is for the page itself.
func (g *gate) lets(r *network.Request, kind network.ResourceType, top bool) bool {
	address, err := url.Parse(r.URL)
	if err != nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.may(address, r.Method, kind, top) {
		return true
	}
	if top {
		g.led = originOf(address)
	}
	if !slices.Contains(g.blocked, address.Host) {
		g.blocked = append(g.blocked, address.Host)
	}
	return false
}

func (g *gate) may(address *url.URL, method string, kind network.ResourceType, top bool) bool {
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

// ownedBy tells whether an address is the site's origin, or, among those that are asked by HTTPS on its usual port,
// one of the same owner's.
func ownedBy(site, address *url.URL) bool {
	scheme := strings.Replace(address.Scheme, "ws", "http", 1)
	if scheme == site.Scheme && strings.EqualFold(address.Host, site.Host) {
		return true
	}
	return site.Scheme == "https" && scheme == "https" && site.Port() == "" && address.Port() == "" && sameSite(site, address)
}

// getsCookies tells whether the browser may send the session to an address: cookies do not tell ports apart, and not
// always schemes and hosts.
func getsCookies(site, address *url.URL) bool {
	if strings.EqualFold(site.Hostname(), address.Hostname()) {
		return true
	}
	suffix, managed := publicsuffix.PublicSuffix(strings.ToLower(site.Hostname()))
	return managed && suffix != "" && sameSite(site, address)
}

// watch puts the gate before all that the tab asks for.
func (g *gate) watch(ctx context.Context) error {
	_, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{})
	return err
}

// answer lets a request pass, or keeps it back. To leave for a page that is kept back leaves the tab where it is.
func (t *Tab) answer(e *fetch.EventRequestPaused) {
	ctx, cancel := context.WithTimeout(t.ctx, closeTimeout)
	defer cancel()
	top := e.ResourceType == network.ResourceTypeDocument && string(e.FrameID) == string(chromedp.FromContext(t.ctx).Target.TargetID)
	// A request that is over, or a tab that is closed, needs no answer.
	if t.gate.lets(e.Request, e.ResourceType, top) {
		_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
		return
	}
	reason := network.ErrorReasonBlockedByClient
	if top {
		reason = network.ErrorReasonAborted
	}
	_, _ = chromedp.Call(ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: e.RequestID, ErrorReason: reason})
}

// follow takes note of a page that the tab has gone to.
func (g *gate) follow(e *page.EventFrameNavigated) {
	if e.Frame.ParentID == "" {
		g.moved(e.Frame.URL)
	}
}
