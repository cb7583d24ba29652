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

// activity is what a tab has asked the network for. It is safe for concurrent use.
type activity struct {
	mu sync.Mutex
	// open holds when each request began that has no answer yet.
	open map[network.RequestID]time.Time
	last time.Time
}

const (
	// calm is how long the network must have been idle: a page asks for the next thing soon after the last.
	calm = 150 * time.Millisecond
	// longPoll is how old a request may be that was made before a step: after that, it is one that a page
	// keeps open to be told news.
	longPoll = 10 * time.Second
)

// heard takes note of an event of the browser's.
func (a *activity) heard(event any, site *url.URL) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		// A request that is led elsewhere keeps its ID.
		if counts(e, site) {
			a.open[e.RequestID] = time.Now()
		} else {
			a.done(e.RequestID)
		}
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			a.left(network.RequestID(e.Frame.LoaderID))
		}
	case *network.EventLoadingFinished:
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

// left forgets what a document has asked for that the page has left: nobody tells when that ends. What the new one is
// loaded by has its loader's ID.
func (a *activity) left(loader network.RequestID) {
	for id := range a.open {
		if id != loader {
			a.done(id)
		}
	}
}

// forget forgets what a document that is left has asked for.
func (a *activity) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.open)
}

// counts tells whether what a page shows may depend on a request: one of the site's own that ends.
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

// sameSite tells whether two addresses are of the same owner, as browsers see it.
func sameSite(a, b *url.URL) bool {
	if strings.EqualFold(a.Hostname(), b.Hostname()) {
		return true
	}
	one, errOne := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a.Hostname()))
	other, errOther := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b.Hostname()))
	return errOne == nil && errOther == nil && one == other
}

// idle tells whether nothing that counts is asked for any more. A request that was made well before the step
// began is one that stays open.
func (a *activity) idle(step time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, began := range a.open {
		if !began.Before(step) || time.Since(began) < longPoll {
			return false
		}
	}
	return time.Since(a.last) >= calm
}
