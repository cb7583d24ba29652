package browser

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"golang.org/x/net/publicsuffix"
)

// activity tracks a tab's network requests. It is safe for concurrent use.
type activity struct {
	mu sync.Mutex
	// open has the requests without an answer.
	open map[network.RequestID]request
	last time.Time
	// acted is when the tab last loaded a page or clicked. answered reports that a script's request from after that was
	// answered.
	acted    time.Time
	answered bool
}

// request is a request of a page. It is a script's, or one for a part of the page.
type request struct {
	began    time.Time
	scripted bool
}

const (
	// calm is how long the network must be idle. A page sends its next request soon after the last.
	calm = 150 * time.Millisecond
	// longPoll is the minimum age of a request, before a step begins, that counts as a long poll.
	longPoll = 10 * time.Second
)

// handle handles an event of the browser.
func (a *activity) handle(event any, site *url.URL) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		// A redirected request keeps its ID.
		if counts(e, site) {
			a.open[e.RequestID] = request{time.Now(), e.Type == network.ResourceTypeXHR || e.Type == network.ResourceTypeFetch}
		} else {
			a.done(e.RequestID)
		}
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			a.left(network.RequestID(e.Frame.LoaderID))
		}
	case *network.EventLoadingFinished:
		if r := a.open[e.RequestID]; r.scripted && !r.began.Before(a.acted) {
			a.answered = true
		}
		a.done(e.RequestID)
	case *network.EventLoadingFailed:
		a.done(e.RequestID)
	}
}

func (a *activity) done(id network.RequestID) {
	if _, ok := a.open[id]; ok {
		delete(a.open, id)
		a.last = time.Now()
	}
}

// left drops the requests of a document that the page has left: no event ends them. The requests that load the
// new document have its loader's ID.
func (a *activity) left(loader network.RequestID) {
	for id := range a.open {
		if id != loader {
			a.done(id)
		}
	}
}

// forget drops the requests of a document.
func (a *activity) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.open)
}

// act records that the tab is about to load a page or to click.
func (a *activity) act() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acted, a.answered = time.Now(), false
}

// hasAnswered reports whether the site has answered a request that a script of the page has made since the last load or
// click.
func (a *activity) hasAnswered() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answered
}

// counts reports whether the page's content may depend on a request: one of the site's own that ends.
func counts(e *network.EventRequestWillBeSent, site *url.URL) bool {
	switch e.Type {
	case network.ResourceTypeDocument, network.ResourceTypeScript, network.ResourceTypeStylesheet,
		network.ResourceTypeXHR, network.ResourceTypeFetch:
	default:
		return false
	}
	address, err := url.Parse(e.Request.URL)
	return err == nil && sameSite(address, site)
}

// sameSite reports whether two addresses belong to the same site, as browsers define it.
func sameSite(a, b *url.URL) bool {
	if strings.EqualFold(a.Hostname(), b.Hostname()) {
		return true
	}
	one, errOne := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a.Hostname()))
	other, errOther := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b.Hostname()))
	return errOne == nil && errOther == nil && one == other
}

// idle reports whether no request that counts is open. A request that began well before the step is a long
// poll.
func (a *activity) idle(step time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.open {
		if !r.began.Before(step) || time.Since(r.began) < longPoll {
			return false
		}
	}
	return time.Since(a.last) >= calm
}
