// Package browser does in Chromium or Chrome what a person would do there, for services that have
// pages and no API. It finds things as people do, by what they are for and what they are called, however
// the page is written; proves where it is before it does anything; and afterwards that it happened.
//
// It knows nothing of any vendor and nothing of Terraform.
package browser

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Options configure a [Browser]. The zero value of each field has the meaning that it states.
type Options struct {
	// Executable is Chromium's or Chrome's name or path; empty looks for one in PATH.
	Executable string
	// MaxTabs is how many tabs are open at once at the most; 0 means 4.
	MaxTabs int
	// Timeout bounds each step, such as the loading of a page; 0 means 30 seconds.
	Timeout time.Duration
	// DebugDir is a folder for pictures of the pages on which something went wrong; empty takes none.
	DebugDir string
	// Visible shows a window, for a person to sign in.
	Visible bool
	// Observe is told of every step when it has ended; nil tells nobody. It must be safe for
	// concurrent use.
	Observe func(context.Context, Record)
	// Attended shows windows, and asks a person before each click that changes something.
	Attended bool
	// Attendant answers in a person's place, for tests: it is given the context of each window that asks, in which
	// chromedp acts. No windows are shown then.
	Attendant func(context.Context)
	// Taught, where it is set, has a person point at what is not found, in a window, and is told of each thing that they
	// have taught. See [Lessons].
	Taught func() error
	// Hidden tells whether a name is that of a person, a shop or a store, which no lesson may hold; nil knows none.
	Hidden func(name string) bool
	// ReadOnly refuses every click that would change something, and does not wait for the whole timeout for what a page
	// at rest does not have.
	ReadOnly bool
	// Watch is told of what is looked at and clicked on the way; nil tells nobody. It must be safe for
	// concurrent use. What it is given may hold secrets, and must not be logged.
	Watch func(Sight)
}

// windowed tells whether windows are shown.
func (o Options) windowed() bool {
	return o.Visible || (o.Attended || o.Taught != nil) && o.Attendant == nil
}

const (
	defaultMaxTabs = 4
	defaultTimeout = 30 * time.Second
)

// Browser is a share in a Chromium or Chrome, with a profile of its own for each visitor. It is started
// when the first page is opened and, should it die, started again when the next one is. It is safe for
// concurrent use.
type Browser struct {
	options   Options
	group     *Group
	slots     chan struct{}
	approvals approvals
	teaching  teaching
}

// New returns a browser that has not been started, whose process is one of a group's.
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
	if o.Watch == nil {
		o.Watch = func(Sight) {}
	}
	return &Browser{options: o, group: g, slots: make(chan struct{}, o.MaxTabs)}
}

// MaxTabs is how many tabs can be open at once.
func (b *Browser) MaxTabs() int { return b.options.MaxTabs }

// MissingError says that there is no browser to be found.
type MissingError struct {
	// Executable is what was looked for; empty where any of the known names would have done.
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

// StartError says that a browser is there and can't be started.
type StartError struct {
	// Executable is its path.
	Executable string
	Cause      error
}

// Error implements error.
func (e *StartError) Error() string {
	return fmt.Sprintf("starting the browser %s: %v", e.Executable, e.Cause)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Cause }

// known are the names of browsers that are looked for. The first ones have no window, and for that take
// half the time.
func known(visible bool) []string {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}
	if visible {
		return names
	}
	return append([]string{"chromium-headless-shell", "chrome-headless-shell"}, names...)
}

// Find returns the path of a browser: of the named one or, if name is empty, of the first known one
// in PATH, of those that can show a window if it is to be visible. The error is a [*MissingError].
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

// Open opens a tab for a visitor, as soon as there are fewer than MaxTabs. Who opens a tab closes it.
func (b *Browser) Open(ctx context.Context, v *Visitor) (*Tab, error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	tab, err := b.open(ctx, v)
	if err != nil {
		<-b.slots
		return nil, err
	}
	return tab, nil
}

// open opens a tab: in another process, where the first one dies of it.
func (b *Browser) open(ctx context.Context, v *Visitor) (*Tab, error) {
	var err error
	for range 2 {
		var p *process
		if p, err = b.group.process(ctx, b.options); err != nil {
			return nil, err
		}
		var tab *Tab
		if tab, err = b.openIn(ctx, p, v); err == nil {
			return tab, nil
		}
		if p.alive() || ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("opening a tab: %w", err)
}

func (b *Browser) openIn(ctx context.Context, p *process, v *Visitor) (*Tab, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	profile, err := v.enter(ctx, p)
	if err != nil {
		return nil, err
	}
	tab := newTab(b, v, p, profile)
	tab.ctx, tab.cancel = chromedp.NewContext(p.ctx, chromedp.WithExistingBrowserContext(profile), chromedp.WithListener(tab.heard))
	if err := tab.prepare(ctx); err != nil {
		tab.leave()
		return nil, err
	}
	return tab, nil
}

// newProfile makes a profile in which nobody is signed in, beside those of other visitors.
func newProfile(ctx context.Context) (cdp.BrowserContextID, error) {
	made, err := chromedp.CallBrowser(ctx, target.CreateBrowserContext, target.CreateBrowserContextParams{})
	if err != nil {
		return "", err
	}
	return made.BrowserContextID, nil
}

// closeTimeout bounds what may be asked of a browser before a tab is closed.
const closeTimeout = 5 * time.Second

// disposeProfile forgets a profile. That of a process that has died is gone already.
func (p *process) disposeProfile(id cdp.BrowserContextID) {
	ctx, cancel := context.WithTimeout(p.ctx, closeTimeout)
	defer cancel()
	_, _ = chromedp.CallBrowser(ctx, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: id})
}
