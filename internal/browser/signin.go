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
	// ErrNoDisplay says that there is no screen for a window.
	ErrNoDisplay error = chromedp.ErrNoDisplay
	// ErrWindowClosed says that the user closed the window.
	ErrWindowClosed = errors.New("the window was closed")
)

// signInInterval is the wait between two looks at the window.
const signInInterval = 250 * time.Millisecond

// SignInHooks connects the user who signs in and the program.
type SignInHooks struct {
	// Done is closed when the user says that they have signed in; nil never is.
	Done <-chan struct{}
	// Elsewhere, if not nil, is called with the first page of each other host that the window shows.
	Elsewhere func(*url.URL)
}

// SignedIn is a user who has signed in.
type SignedIn struct {
	Session Session
	// User is the user's e-mail address; empty if the page does not show it.
	User string
}

// SignIn opens a window on a site and lets a user sign in. It returns the session as soon as a page of the site
// shows a signed-in user, or when the user says so. Users may sign in on any host, in any tab of the window,
// and for as long as ctx lasts. SignIn reads only the addresses of other hosts' pages, not the pages.
//
// The window is a separate browser with a profile in memory. It leaves nothing behind.
func SignIn(ctx context.Context, o Options, site *Site, hooks SignInHooks) (entered SignedIn, err error) {
	var group Group
	// The tabs go with the browser.
	defer func() { err = errors.Join(err, group.Close()) }()
	o.Visible = true
	tab, err := New(&group, o).Open(ctx, NewAccount(site, Session{Host: site.URL.Host}))
	if err != nil {
		return SignedIn{}, err
	}
	w := &window{
		tab: tab, tabs: map[target.ID]*Tab{chromedp.FromContext(tab.ctx).Target.TargetID: tab}, since: map[target.ID]time.Time{},
		elsewhere: hooks.Elsewhere, hosts: map[string]bool{},
	}
	if err := w.begin(ctx); err != nil {
		return SignedIn{}, w.reason(ctx, err)
	}
	for {
		entered, ok, err := w.signedIn(ctx, isClosed(hooks.Done))
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

// window is the window in which a user signs in.
type window struct {
	// tab is the window's first tab.
	tab *Tab
	// tabs are the tabs that were read. since is when each began to show a signed-in user.
	tabs  map[target.ID]*Tab
	since map[target.ID]time.Time
	// elsewhere is called for other hosts. hosts are those that it was called for.
	elsewhere func(*url.URL)
	hosts     map[string]bool
}

// reason returns why the window can't be read any more, if something went wrong.
func (w *window) reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !w.tab.process.alive() {
		return ErrWindowClosed
	}
	return err
}

// begin leaves one window, which shows the site's start page.
func (w *window) begin(ctx context.Context) error {
	if err := w.tab.run(ctx, w.closeFirst); err != nil {
		return fmt.Errorf("open a window: %w", err)
	}
	site := w.tab.account.site
	return w.tab.run(ctx, func(ctx context.Context) error {
		// Load would wait for the page and might load it again while the user types.
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

// closeFirst closes the empty window that the browser opens at its start.
func (w *window) closeFirst(ctx context.Context) error {
	first := chromedp.FromContext(w.tab.process.ctx).Target.TargetID
	_, err := chromedp.CallBrowser(ctx, target.CloseTarget, target.CloseTargetParams{TargetID: first})
	return err
}

// signedIn reads the site's pages in the window, and returns the user of the first one that shows a signed-in
// user. If the user says that they have signed in, any page of the site counts.
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
		if info.Type != "page" || info.BrowserContextID != w.tab.account.profile {
			continue
		}
		open = true
		w.reportHost(info.URL)
		if w.showsSignedIn(ctx, info, said) {
			session, err := w.tabs[info.TargetID].Session(ctx)
			return SignedIn{Session: session, User: w.userOn(ctx, info.TargetID)}, err == nil, err
		}
	}
	if !open {
		return SignedIn{}, false, ErrWindowClosed
	}
	return SignedIn{}, false, nil
}

// reportHost reports the address of a page if it is the first one of another host.
func (w *window) reportHost(text string) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.Host == w.tab.account.site.URL.Host || w.hosts[address.Host] || w.elsewhere == nil {
		return
	}
	w.hosts[address.Host] = true
	w.elsewhere(address)
}

// userOn returns the signed-in user that a page shows. Nothing depends on it.
func (w *window) userOn(ctx context.Context, id target.ID) string {
	page, err := w.tabs[id].look(ctx)
	if err != nil {
		return ""
	}
	return page.User()
}

// signedInFor is how long a page must show a signed-in user: some pages do for a moment before they ask to sign in.
const signedInFor = 2 * time.Second

// showsSignedIn reports whether a page is one that the site shows to signed-in users. An unreadable page, such as one
// that is closing, is none.
func (w *window) showsSignedIn(ctx context.Context, info *target.Info, said bool) bool {
	address, err := url.Parse(info.URL)
	if err != nil || address.Host != w.tab.account.site.URL.Host {
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
	if err != nil || page.Busy || !w.tab.account.site.Entered(page) {
		delete(w.since, info.TargetID)
		return false
	}
	if _, ok := w.since[info.TargetID]; !ok {
		w.since[info.TargetID] = time.Now()
	}
	return time.Since(w.since[info.TargetID]) >= signedInFor
}

// at returns the tab of a target.
func (w *window) at(ctx context.Context, id target.ID) (*Tab, error) {
	if known, ok := w.tabs[id]; ok {
		return known, nil
	}
	tab := newTab(w.tab.browser, w.tab.account, w.tab.process, w.tab.profile)
	tab.ctx, tab.cancel = chromedp.NewContext(w.tab.process.ctx, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	ctx, done := context.WithTimeout(ctx, w.tab.browser.options.Timeout)
	defer done()
	// The tab lives as long as the context of its first use, so ctx can't be that context.
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
