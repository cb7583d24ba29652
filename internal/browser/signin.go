package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

var (
	// ErrNoDisplay says that there is no screen to open a window on.
	ErrNoDisplay error = chromedp.ErrNoDisplay
	// ErrWindowClosed says that a person has closed the window.
	ErrWindowClosed = errors.New("the window was closed")
)

// signInInterval is the wait between two looks at what a person does.
const signInInterval = 250 * time.Millisecond

// Watch is how a person who signs in and the program hear of each other.
type Watch struct {
	// Done is closed when the person says that they are in; nil is never.
	Done <-chan struct{}
	// Elsewhere, where it is not nil, is told of the first page of each other host that the window shows.
	Elsewhere func(*url.URL)
}

// SignedIn is somebody who has signed in.
type SignedIn struct {
	Session Session
	// User is the e-mail address of who it is; empty where the page does not show it.
	User string
}

// SignIn opens a window on a site, lets a person sign in there, and returns the session as soon as a page of
// the site shows somebody who is signed in, or when the person says so. How people sign
// in is left to them: on whatever hosts, in whatever tabs of the window, and for as long as ctx lasts. Pages
// of other hosts are not looked at: only their addresses are.
//
// The window is a browser's of its own, with a profile that is in memory only. Nothing of it is left.
func SignIn(ctx context.Context, o Options, site *Site, watch Watch) (entered SignedIn, err error) {
	var group Group
	// The tabs go with the browser.
	defer func() { err = errors.Join(err, group.Close()) }()
	o.Visible = true
	tab, err := New(&group, o).Open(ctx, NewVisitor(site, Session{Host: site.URL.Host}))
	if err != nil {
		return SignedIn{}, err
	}
	w := &window{
		tab: tab, tabs: map[target.ID]*Tab{chromedp.FromContext(tab.ctx).Target.TargetID: tab}, since: map[target.ID]time.Time{},
		elsewhere: watch.Elsewhere, hosts: map[string]bool{},
	}
	if err := w.begin(ctx); err != nil {
		return SignedIn{}, w.reason(ctx, err)
	}
	for {
		entered, ok, err := w.signedIn(ctx, isClosed(watch.Done))
		if err != nil {
			return SignedIn{}, w.reason(ctx, err)
		}
		if ok {
			return entered, nil
		}
		if err := pause(ctx, signInInterval); err != nil {
			return SignedIn{}, err
		}
	}
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// window is what a person signs in in.
type window struct {
	// tab is the one that it was opened with.
	tab *Tab
	// tabs are those that have been looked at, and since is from when on each shows somebody who is signed in.
	tabs  map[target.ID]*Tab
	since map[target.ID]time.Time
	// elsewhere is told of other hosts, and hosts are those that it was told of.
	elsewhere func(*url.URL)
	hosts     map[string]bool
}

// reason returns why there is nothing more to be seen, where something went wrong.
func (w *window) reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !w.tab.process.alive() {
		return ErrWindowClosed
	}
	return err
}

// begin leaves the person with one window, which shows where the site begins.
func (w *window) begin(ctx context.Context) error {
	if err := w.tab.run(ctx, w.closeFirst); err != nil {
		return fmt.Errorf("opening a window: %w", err)
	}
	site := w.tab.visitor.site
	return w.tab.run(ctx, func(ctx context.Context) error {
		// Not Load, which waits for the page and may load it again: by then somebody types into it.
		gone, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: site.URL.String()})
		if err == nil && gone.ErrorText != "" {
			err = errors.New(gone.ErrorText)
		}
		if err != nil {
			return &StepError{Site: site.Name, Host: site.URL.Host, Page: "the first page", Step: "open it", Kind: NoPage, Err: err}
		}
		return nil
	})
}

// closeFirst closes the empty window that the browser has begun with.
func (w *window) closeFirst(ctx context.Context) error {
	first := chromedp.FromContext(w.tab.process.ctx).Target.TargetID
	_, err := chromedp.CallBrowser(ctx, target.CloseTarget, target.CloseTargetParams{TargetID: first})
	return err
}

// signedIn looks at the site's pages in the window, and returns who the first one shows that shows somebody who is
// signed in; any of the site's will do where the person says so.
func (w *window) signedIn(ctx context.Context, said bool) (entered SignedIn, ok bool, err error) {
	var pages []*target.Info
	err = w.tab.run(ctx, func(ctx context.Context) error {
		pages, err = chromedp.Targets(ctx)
		return err
	})
	if err != nil {
		return SignedIn{}, false, err
	}
	open := false
	for _, info := range pages {
		if info.Type != "page" || info.BrowserContextID != w.tab.visitor.profile {
			continue
		}
		open = true
		w.tellOf(info.URL)
		if w.shows(ctx, info, said) {
			session, err := w.tabs[info.TargetID].Session(ctx)
			return SignedIn{Session: session, User: w.userOn(ctx, info.TargetID)}, err == nil, err
		}
	}
	if !open {
		return SignedIn{}, false, ErrWindowClosed
	}
	return SignedIn{}, false, nil
}

// tellOf tells of the address of a page, where it is the first one of another host.
func (w *window) tellOf(text string) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.Host == w.tab.visitor.site.URL.Host || w.hosts[address.Host] || w.elsewhere == nil {
		return
	}
	w.hosts[address.Host] = true
	w.elsewhere(address)
}

// userOn returns who a page shows to be signed in. It is nice to know, and nothing depends on it.
func (w *window) userOn(ctx context.Context, id target.ID) string {
	page, err := w.tabs[id].look(ctx)
	if err != nil {
		return ""
	}
	return page.User()
}

// stays is how long a page has to show somebody who is signed in: some do for a moment, before they ask to
// sign in.
const stays = 2 * time.Second

// shows tells whether a page is one of the site that somebody sees who is signed in. What can't be looked at,
// such as a page that is being closed, is none.
func (w *window) shows(ctx context.Context, info *target.Info, said bool) bool {
	address, err := url.Parse(info.URL)
	if err != nil || address.Host != w.tab.visitor.site.URL.Host {
		return false
	}
	tab, err := w.at(ctx, info.TargetID)
	if err != nil {
		return false
	}
	if said {
		return true
	}
	page, err := tab.look(ctx)
	if err != nil || page.Busy || !w.tab.visitor.site.Entered(page) {
		delete(w.since, info.TargetID)
		return false
	}
	if _, ok := w.since[info.TargetID]; !ok {
		w.since[info.TargetID] = time.Now()
	}
	return time.Since(w.since[info.TargetID]) >= stays
}

// at returns the tab of a target.
func (w *window) at(ctx context.Context, id target.ID) (*Tab, error) {
	if known, ok := w.tabs[id]; ok {
		return known, nil
	}
	tab := newTab(w.tab.browser, w.tab.visitor, w.tab.process, w.tab.profile)
	tab.ctx, tab.cancel = chromedp.NewContext(w.tab.process.ctx, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	ctx, done := context.WithTimeout(ctx, w.tab.browser.options.Timeout)
	defer done()
	// The tab lives as long as the context that it is first used with, so that must not be ctx.
	unneeded := context.AfterFunc(ctx, tab.cancel)
	if err := chromedp.Do(tab.ctx); err != nil {
		tab.cancel()
		return nil, err
	}
	if !unneeded() {
		return nil, ctx.Err()
	}
	w.tabs[id] = tab
	return tab, nil
}
