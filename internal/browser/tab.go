package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Tab is an open tab, which shows a site to a visitor. It is for one goroutine at a time.
type Tab struct {
	browser *Browser
	visitor *Visitor
	process *process
	profile cdp.BrowserContextID
	// ctx is chromedp's.
	ctx    context.Context
	cancel context.CancelFunc
	// ready says that the tab has been opened, and holds the visitor's session.
	ready bool
	// secrets are those that were typed, so that no message and no picture repeats them (I2).
	secrets []string

	// approved is what a person was asked, and outdated says that it took so long that the proofs are made again.
	approved []question
	outdated bool

	net   *activity
	asked *asked
	gate  *gate
}

// Step is something to be done on a page, or looked for.
type Step struct {
	// Page is what the page is, and Do what is to be done on it: "generate a key". Both are for people.
	Page, Do string
	// Quiet is how long the page has to say the same before it counts, with nothing asked of the network any
	// more; 0 means 300 milliseconds. What is concluded from an absence needs more.
	Quiet time.Duration
	// Secret says that what is typed is one.
	Secret bool
	// Changing says that what has just been clicked changes something.
	Changing bool
	// SigningIn says that a page which asks to sign in is what the step is about.
	SigningIn bool

	// passing says that the page is on the way to another one.
	passing bool
}

// Record is what may be told of one step. Logs are made of these fields and nothing else: nothing that
// was typed or read can get into one, because none of it is here (I2).
type Record struct {
	Site, Host, Page, Step string
	Kind                   Kind
	Duration               time.Duration
}

const (
	// lookInterval is the wait between two looks at a page that is not yet what it should be.
	lookInterval = 50 * time.Millisecond
	// loads is how often a page is asked for that can't be loaded, loadPause apart.
	loads     = 3
	loadPause = time.Second
	// shortQuiet is how long a page has to say the same where a step does not say it.
	shortQuiet = 300 * time.Millisecond
)

// newTab returns a tab that has not been opened.
func newTab(b *Browser, v *Visitor, p *process, profile cdp.BrowserContextID) *Tab {
	return &Tab{
		browser: b, visitor: v, process: p, profile: profile,
		net: &activity{open: map[network.RequestID]time.Time{}}, asked: &asked{}, gate: &gate{site: v.site.URL},
	}
}

// prepare makes the tab, and puts the visitor's session into it.
func (t *Tab) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The tab lives as long as the context that it is made with, so that must not be ctx.
	unneeded := context.AfterFunc(ctx, t.cancel)
	err := chromedp.Do(t.ctx)
	if !unneeded() {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	err = t.run(ctx, func(ctx context.Context) error {
		if err := t.visitor.injectStorage(ctx); err != nil || t.browser.options.Visible {
			return err
		}
		if err := t.gate.watch(ctx); err != nil {
			return err
		}
		if err := t.readyToTeach(ctx); err != nil {
			return err
		}
		return settle(ctx)
	})
	t.ready = err == nil
	return err
}

// settle tells pages to write dates in English and in UTC: what they write is read.
func settle(ctx context.Context) error {
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"}); err != nil {
		return err
	}
	_, err := chromedp.Call(ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en"})
	return err
}

// Close closes the tab. With a visitor's last one, what the site has changed of the session is kept.
func (t *Tab) Close() {
	t.leave()
	<-t.browser.slots
}

func (t *Tab) leave() {
	t.conclude()
	t.visitor.exit(t)
	t.cancel()
}

// Private keeps pictures from being taken, and other sites from being asked for anything, because the page may
// show a secret.
func (t *Tab) Private(private bool) { t.gate.keepPrivate(private) }

// run does something in the tab, until ctx is done.
func (t *Tab) run(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inTab, cancel := join(t.ctx, ctx)
	defer cancel()
	err := do(inTab)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// errSlow says that a page was not loaded in time.
var errSlow = errors.New("it took too long")

// Load loads a page of the site. It asks again where there is no answer, or one that says that the site
// has trouble of its own.
func (t *Tab) Load(ctx context.Context, s Step, address *url.URL) error {
	start := time.Now()
	err := t.load(ctx, address)
	if err != nil {
		return t.report(ctx, s, start, &StepError{Kind: NoPage, Err: err})
	}
	return nil
}

func (t *Tab) load(ctx context.Context, address *url.URL) error {
	within, cancel := context.WithTimeoutCause(ctx, t.browser.options.Timeout, errSlow)
	defer cancel()
	var err error
	for try := 1; ; try++ {
		err = t.loadOnce(within, address)
		if err == nil || try == loads || !t.process.alive() || pause(within, loadPause+askedToWait(err)) != nil {
			break
		}
	}
	if err != nil && within.Err() != nil {
		return context.Cause(within)
	}
	return err
}

func (t *Tab) loadOnce(ctx context.Context, address *url.URL) error {
	t.net.forget()
	return t.run(ctx, func(ctx context.Context) error {
		response, err := chromedp.Run(ctx, chromedp.NavigateResponse(address.String()))
		if err != nil {
			return err
		}
		return usable(response)
	})
}

// troubleError is a page that a site shows when it has trouble.
type troubleError struct {
	status int
	// wait is how long the site asks to wait.
	wait time.Duration
}

func (e *troubleError) Error() string {
	return fmt.Sprintf("the answer is %d %s", e.status, http.StatusText(e.status))
}

// usable returns an error for a page that a site shows when it has trouble.
func usable(response *network.Response) error {
	if response == nil || response.Status < http.StatusInternalServerError && response.Status != http.StatusTooManyRequests {
		return nil
	}
	trouble := &troubleError{status: int(response.Status)}
	for name, value := range response.Headers {
		if text, isText := value.(string); isText && strings.EqualFold(name, "Retry-After") {
			trouble.wait = retryAfter(text)
		}
	}
	return trouble
}

// retryAfter reads both forms of the header.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// askedToWait returns how long a site asks to wait before the next request.
func askedToWait(err error) time.Duration {
	var trouble *troubleError
	if errors.As(err, &trouble) {
		return trouble.wait
	}
	return 0
}
