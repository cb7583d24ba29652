// Package browser controls Chromium or Chrome as a user would, for services that have pages and no API. It
// finds elements by their purpose and name, whatever the page's HTML. It checks which page it is on before each
// action, and checks afterwards that the action happened.
//
// It knows nothing about any vendor and nothing about Terraform.
package browser

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Options configure a [Browser]. Each field documents its zero value.
type Options struct {
	// Executable is Chromium's or Chrome's name or path; empty looks for one in PATH.
	Executable string
	// MaxTabs is the maximum number of open tabs; 0 means 4.
	MaxTabs int
	// Timeout bounds each step, such as loading a page; 0 means 30 seconds.
	Timeout time.Duration
	// DebugDir is a folder for pictures of pages on which something failed; empty takes none.
	DebugDir string
	// Visible shows a window in which a user can sign in.
	Visible bool
	// Observe is called after every step; it may be nil. It must be safe for concurrent use.
	Observe func(context.Context, Record)
	// Attended shows windows, and asks a user before each click that changes something.
	Attended bool
	// Attendant answers for the user in tests. It gets the context of each question's window, in which chromedp
	// acts. No windows are shown then.
	Attendant func(context.Context)
	// Taught, if set, asks a user to point at elements that are not found, in a window. It is called for each
	// element that the user has taught. See [TaughtElements].
	Taught func() error
	// Hidden reports whether a name belongs to a person, a shop or a store, so that no description may hold it; nil
	// hides none.
	Hidden func(name string) bool
	// ReadOnly refuses every click that would change something. It stops waiting early for elements that a
	// settled page does not have.
	ReadOnly bool
	// OnSnapshot is called for every page and element on the way; it may be nil. It must be safe for concurrent use.
	// Its arguments may hold secrets and must not be logged.
	OnSnapshot func(Snapshot)
}

// windowed reports whether windows are shown.
func (o Options) windowed() bool {
	return o.Visible || (o.Attended || o.Taught != nil) && o.Attendant == nil
}

const (
	defaultMaxTabs = 4
	defaultTimeout = 30 * time.Second
)

// Browser is a share of a Chromium or Chrome process, with a profile for each account. The process starts when
// the first page is opened. If it dies, the next page starts it again. It is safe for concurrent use.
type Browser struct {
	options   Options
	group     *Group
	slots     chan struct{}
	handovers handovers
	approvals approvals
	teaching  teaching
}

// New returns a browser whose process belongs to a group. It does not start the process.
func New(g *Group, o Options) *Browser {
	if o.MaxTabs == 0 {
		o.MaxTabs = defaultMaxTabs
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Observe == nil {
		o.Observe = func(context.Context, Record) {}
	}
	if o.Hidden == nil {
		o.Hidden = func(string) bool { return false }
	}
	if o.OnSnapshot == nil {
		o.OnSnapshot = func(Snapshot) {}
	}
	return &Browser{options: o, group: g, slots: make(chan struct{}, o.MaxTabs)}
}

// MaxTabs returns the maximum number of open tabs.
func (b *Browser) MaxTabs() int { return b.options.MaxTabs }

// MissingError says that no browser was found.
type MissingError struct {
	// Executable is the name that was searched; empty if any of the known names would have done.
	Executable string
	Cause      error
}

// Error implements error.
func (e *MissingError) Error() string {
	if e.Executable == "" {
		return "neither Chromium nor Chrome is in PATH"
	}
	return fmt.Sprintf("the browser %s: %v", e.Executable, e.Cause)
}

// Unwrap returns the cause.
func (e *MissingError) Unwrap() error { return e.Cause }

// StartError says that a browser exists and could not be started.
type StartError struct {
	// Executable is its path.
	Executable string
	Cause      error
}

// Error implements error.
func (e *StartError) Error() string {
	return fmt.Sprintf("start the browser %s: %v", e.Executable, e.Cause)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Cause }

// known are the executables to search for. The first ones have no window, and start in half the time.
func known(visible bool) []string {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}
	if visible {
		return names
	}
	return append([]string{"chromium-headless-shell", "chrome-headless-shell"}, names...)
}

// Find returns the path of a browser: of the named one or, if name is empty, of the first known one in PATH. If
// visible is set, the browser must be able to show a window. The error is a [*MissingError].
func Find(name string, visible bool) (string, error) {
	if name != "" {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", &MissingError{Executable: name, Cause: err}
		}
		return path, nil
	}
	for _, name := range known(visible) {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &MissingError{Cause: exec.ErrNotFound}
}

// Open opens a tab for an account, as soon as fewer than MaxTabs are open, or takes over the tab of a visit of the
// same account that has ended. The caller must load a page first, and close the tab.
func (b *Browser) Open(ctx context.Context, a *Account) (*Tab, error) {
	parked, handed := b.handovers.wait(a)
	if parked != nil {
		return parked, nil
	}
	if len(b.slots) == cap(b.slots) {
		b.handovers.makeRoom()
	}
	select {
	case tab := <-handed:
		return tab, nil
	case b.slots <- struct{}{}:
		if tab := b.handovers.leave(a, handed); tab != nil {
			<-b.slots
			return tab, nil
		}
	case <-ctx.Done():
		if tab := b.handovers.leave(a, handed); tab != nil {
			tab.Close()
		}
		return nil, ctx.Err()
	}
	tab, err := b.open(ctx, a)
	if err != nil {
		<-b.slots
		return nil, err
	}
	return tab, nil
}

// open opens a tab. If the process dies, it tries once more in another process.
func (b *Browser) open(ctx context.Context, a *Account) (*Tab, error) {
	var err error
	for range 2 {
		var p *process
		if p, err = b.group.process(ctx, b.options); err != nil {
			return nil, err
		}
		var tab *Tab
		if tab, err = b.openIn(ctx, p, a); err == nil {
			return tab, nil
		}
		if p.alive() || ctx.Err() != nil {
			break
		}
	}
	// The browser's own error does not say why it was cancelled.
	return nil, fmt.Errorf("open a tab: %w", cmp.Or(ctx.Err(), err))
}

func (b *Browser) openIn(ctx context.Context, p *process, a *Account) (*Tab, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	profile, err := a.enter(ctx, p)
	if err != nil {
		return nil, err
	}
	tab := newTab(b, a, p, profile)
	tab.ctx, tab.cancel = chromedp.NewContext(p.ctx, chromedp.WithExistingBrowserContext(profile), chromedp.WithListener(tab.handle))
	if err := tab.prepare(ctx); err != nil {
		tab.leave()
		return nil, err
	}
	return tab, nil
}

// newProfile creates a profile in which nobody is signed in, apart from those of other accounts.
func newProfile(ctx context.Context) (cdp.BrowserContextID, error) {
	made, err := chromedp.CallBrowser(ctx, target.CreateBrowserContext, target.CreateBrowserContextParams{})
	if err != nil {
		return "", err
	}
	return made.BrowserContextID, nil
}

// closeTimeout bounds the last requests to a browser before a tab is closed.
const closeTimeout = 5 * time.Second

// disposeProfile deletes a profile. The profiles of a dead process are gone already.
func (p *process) disposeProfile(id cdp.BrowserContextID) {
	ctx, cancel := context.WithTimeout(p.ctx, closeTimeout)
	defer cancel()
	_, _ = chromedp.CallBrowser(ctx, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: id})
}
