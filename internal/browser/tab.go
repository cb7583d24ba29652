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

// Tab is an open tab of an account. It is not safe for concurrent use.
type Tab struct {
	browser *Browser
	account *Account
	process *process
	profile cdp.BrowserContextID
	// ctx is chromedp's.
	ctx    context.Context
	cancel context.CancelFunc
	// ready reports that the tab is open and has the account's session.
	ready bool
	// secrets are the typed secrets. No message and no picture may repeat them (I2).
	secrets []string

	// approved is the question that a user approved. outdated reports that the answer took so long that the
	// proofs must be made again.
	approved []question
	outdated bool
	// handed counts how often the tab has passed from visit to visit.
	handed int

	net    *activity
	dialog *dialogText
	gate   *gate
}

// Step is an action or a search on a page.
type Step struct {
	// Page names the page, and Do the action, such as "generate a key". Both are for people.
	Page, Do string
	// Quiet is how long the page must stay the same, with an idle network, before it counts; 0 means 300
	// milliseconds. A conclusion from an absence needs more.
	Quiet time.Duration
	// Brief reports that the step changes nothing and that the next one shows whether it was right. Then 100 milliseconds
	// are enough, and Quiet does not matter.
	Brief bool
	// Secret reports that the typed text is a secret.
	Secret bool
	// Changing reports that the last click changes something.
	Changing bool
	// SigningIn reports that the step is about the sign-in page.
	SigningIn bool

	// passing reports that the page is on the way to another one.
	passing bool
}

// Record has the fields of a step that may be logged. Logs use only these fields. There is no typed or read
// text here, so none can get into a log (I2).
type Record struct {
	Site, Host, Page, Step string
	Kind                   Kind
	Duration               time.Duration
	// Quiet is how long the page had to stay the same, if the step succeeded.
	Quiet time.Duration
}

// quiet returns how long the page must stay the same.
func (s Step) quiet() time.Duration {
	if s.Brief {
		return briefQuiet
	}
	return max(s.Quiet, shortQuiet)
}

const (
	// lookInterval is the wait between two looks at a page that is not ready.
	lookInterval = 50 * time.Millisecond
	// maxInterval is the longest wait between two looks at a page whose result has to stay the same.
	maxInterval = 200 * time.Millisecond
	// loads is how often a page that fails to load is requested, with loadPause in between.
	loads     = 3
	loadPause = time.Second
	// shortQuiet is the default for [Step.Quiet].
	shortQuiet = 300 * time.Millisecond
	// briefQuiet replaces it for [Step.Brief].
	briefQuiet = 100 * time.Millisecond
)

// newTab returns a tab that is not open yet.
func newTab(b *Browser, a *Account, p *process, profile cdp.BrowserContextID) *Tab {
	return &Tab{
		browser: b, account: a, process: p, profile: profile,
		net: &activity{open: map[network.RequestID]request{}}, dialog: &dialogText{}, gate: &gate{site: a.site.URL},
	}
}

// prepare opens the tab and adds the account's session.
func (t *Tab) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The tab lives as long as the context that creates it, so ctx can't be that context.
	unneeded := context.AfterFunc(ctx, t.cancel)
	err := chromedp.Do(t.ctx)
	if !unneeded() {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	err = t.run(ctx, func(ctx context.Context) error {
		if err := t.account.injectStorage(ctx); err != nil || t.browser.options.Visible {
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

// settle sets the page's language to English and its time zone to UTC, because its dates are read.
func settle(ctx context.Context) error {
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"}); err != nil {
		return err
	}
	_, err := chromedp.Call(ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en"})
	return err
}

// Close closes the tab. The account's last tab saves the changes of the session.
func (t *Tab) Close() {
	t.leave()
	<-t.browser.slots
}

func (t *Tab) leave() {
	t.conclude()
	t.account.exit(t)
	t.cancel()
}

// Private stops pictures and blocks requests to other sites, because the page may show a secret.
func (t *Tab) Private(private bool) { t.gate.keepPrivate(private) }

// run runs an action in the tab until ctx is done.
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

// Load loads a page of the site. It retries if there is no answer, or if the answer is a server error.
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
	t.net.act()
	return t.run(ctx, func(ctx context.Context) error {
		response, err := chromedp.Run(ctx, chromedp.NavigateResponse(address.String()))
		if err != nil {
			return err
		}
		return usable(response)
	})
}

// troubleError is a server error that a site shows as a page.
type troubleError struct {
	status int
	// wait is the site's Retry-After.
	wait time.Duration
}

func (e *troubleError) Error() string {
	return fmt.Sprintf("the answer is %d %s", e.status, http.StatusText(e.status))
}

// usable returns an error if the page is a server error.
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

// askedToWait returns a site's Retry-After, or 0.
func askedToWait(err error) time.Duration {
	var trouble *troubleError
	if errors.As(err, &trouble) {
		return trouble.wait
	}
	return 0
}
