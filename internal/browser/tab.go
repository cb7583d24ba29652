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

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
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
}

// Step is something to be done on a page, or looked for.
type Step struct {
	// Page is what the page is, and Do what is to be done on it: "generate a key". Both are for people.
	Page, Do string
	// Wants are the things that have to be there, each once: they prove where this is, or that what was
	// done has happened.
	Wants []Want
	// Refused returns what the page says where it says no, and nothing where it does not. It may be nil.
	Refused func(*Page) string
	// After, where it is set, is the page that this must not be any more: what was clicked on it leads to
	// another that may have the same things.
	After *Page
	// Settled says that the page has to say the same twice in a row: what is read from it counts.
	Settled bool
	// Secret says that what is typed is one.
	Secret bool
	// Changing says that what has just been clicked changes something.
	Changing bool
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
)

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
	err = t.run(ctx, t.visitor.furnish)
	t.ready = err == nil
	return err
}

// Close closes the tab. With a visitor's last one, what the site has changed of the session is kept.
func (t *Tab) Close() {
	t.leave()
	<-t.browser.slots
}

func (t *Tab) leave() {
	t.visitor.exit(t)
	t.cancel()
}

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
		return t.fail(ctx, s, start, &StepError{Kind: NoPage, Err: err})
	}
	return nil
}

func (t *Tab) load(ctx context.Context, address *url.URL) error {
	within, cancel := context.WithTimeoutCause(ctx, t.browser.options.Timeout, errSlow)
	defer cancel()
	var err error
	for try := 1; ; try++ {
		err = t.loadOnce(within, address)
		if err == nil || try == loads || !t.process.alive() || pause(within, loadPause+asked(err)) != nil {
			break
		}
	}
	if err != nil && within.Err() != nil {
		return context.Cause(within)
	}
	return err
}

func (t *Tab) loadOnce(ctx context.Context, address *url.URL) error {
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

// asked returns how long a site asks to wait before the next request.
func asked(err error) time.Duration {
	var trouble *troubleError
	if errors.As(err, &trouble) {
		return trouble.wait
	}
	return 0
}

// Await looks at the page until it is as the step wants it, and returns what was wanted, in order. It
// ends early when the page says no, or when the site asks to sign in.
func (t *Tab) Await(ctx context.Context, s Step) (*Page, []*Element, error) {
	return t.await(ctx, s, nil)
}

// await is Await after a click, which is made again where nothing comes of it.
func (t *Tab) await(ctx context.Context, s Step, c *clicked) (*Page, []*Element, error) {
	start := time.Now()
	within, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	var last *Page
	seen, before := start, ""
	for {
		page, err := t.look(within)
		if err == nil {
			last, seen = page, time.Now()
			found, kind := t.judge(page, s)
			said := page.Text()
			if kind == "" && (!s.Settled || said == before) {
				t.observe(ctx, s, start, "")
				return page, found, nil
			}
			before = said
			if kind == SignedOut || kind == Refused {
				return page, nil, t.refuse(ctx, s, start, kind, page)
			}
			if e := c.again(page); e != nil {
				// What comes of it is seen by the next look.
				_, _ = t.click(within, e)
			}
		}
		if ctx.Err() != nil {
			return last, nil, t.fail(ctx, s, start, &StepError{Kind: NotFound, Err: ctx.Err(), Uncertain: s.Changing})
		}
		if !t.process.alive() {
			return last, nil, t.fail(ctx, s, start, &StepError{Kind: Died, Err: err, Uncertain: s.Changing})
		}
		if within.Err() != nil {
			if time.Since(seen) > t.browser.options.Timeout/2 {
				// What a click has asked for is not answered: the page of before may have been seen until
				// the browser began to ask for it, or not, and is not what the step has failed on.
				last = nil
			}
			return last, nil, t.missing(ctx, s, start, last)
		}
		// A context that is done meanwhile is noticed in the next round.
		_ = pause(within, lookInterval)
	}
}

// judge tells whether the page is as the step wants it; an empty kind means that it is.
func (t *Tab) judge(page *Page, s Step) ([]*Element, Kind) {
	site := t.visitor.site
	if !site.has(page) {
		return nil, Elsewhere
	}
	if site.asksToSignIn(page) {
		return nil, SignedOut
	}
	if s.Refused != nil && s.Refused(page) != "" {
		return nil, Refused
	}
	if s.After != nil && s.After.document == page.document {
		return nil, NotFound
	}
	found := make([]*Element, 0, len(s.Wants))
	for _, want := range s.Wants {
		element, ok := want.met(page)
		if !ok {
			return nil, NotFound
		}
		found = append(found, element)
	}
	return found, ""
}

// errLoading says that there is no whole page to be looked at.
var errLoading = errors.New("the page is being loaded")

// document returns what tells documents apart. One that has not been read to its end is no document
// yet: half a list would look like all of it.
func document(ctx context.Context) (string, error) {
	const began = `document.readyState === "loading" ? "" : String(performance.timeOrigin)`
	id, err := chromedp.Run(ctx, chromedp.Evaluate[string](began))
	if err == nil && id == "" {
		err = errLoading
	}
	return id, err
}

// look returns what the page says now.
func (t *Tab) look(ctx context.Context) (*Page, error) {
	var page *Page
	err := t.run(ctx, func(ctx context.Context) error {
		before, err := document(ctx)
		if err != nil {
			return err
		}
		tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		moments := map[cdp.BackendNodeID]string{}
		if hasTimes(tree.Nodes) {
			everything := int64(-1)
			document, err := chromedp.Call(ctx, dom.GetDocument, dom.GetDocumentParams{Depth: &everything})
			if err != nil {
				return err
			}
			momentsIn(document.Root, moments)
		}
		if page, err = newPage(tree.Nodes, moments); err != nil {
			return err
		}
		page.document, err = document(ctx)
		if err == nil && page.document != before {
			err = errLoading
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// newPage makes a page of what the browser lists.
func newPage(nodes []*accessibility.Node, moments map[cdp.BackendNodeID]string) (*Page, error) {
	root, err := assemble(nodes, moments)
	if err != nil {
		return nil, err
	}
	for _, property := range nodes[0].Properties {
		if property.Name == accessibility.PropertyNameURL {
			address, err := url.Parse(text(property.Value))
			if err != nil {
				return nil, err
			}
			return &Page{URL: address, Element: root}, nil
		}
	}
	return nil, errors.New("the page has no address")
}

const (
	// clickPatience is how long something may take to come of a click before it is made again, the first
	// time, and clickGrowth how many times longer it may take each further time: to click a link again is
	// to ask for its page anew, which a slow site must get the time for.
	clickPatience = 2 * time.Second
	clickGrowth   = 4
)

// clicked is a click that changes nothing, and so can be made again. A busy browser loses one now and then.
type clicked struct {
	want     Want
	document string
	at       time.Time
	patience time.Duration
}

// newClicked returns nil for a click that must not be made twice.
func newClicked(s Step, want Want, page *Page) *clicked {
	if s.Changing {
		return nil
	}
	return &clicked{want: want, document: page.document, at: time.Now(), patience: clickPatience}
}

// again returns what is to be clicked again, or nil: where the page is still the one on which it was.
func (c *clicked) again(page *Page) *Element {
	if c == nil || page.document != c.document || time.Since(c.at) < c.patience {
		return nil
	}
	c.at, c.patience = time.Now(), c.patience*clickGrowth
	element, _ := c.want.met(page)
	return element
}

// Follow waits for a link or button, and clicks it. One that goes away before it can be clicked is
// waited for again: pages are drawn more than once. The step says what is to come of it.
func (t *Tab) Follow(ctx context.Context, s Step, click Want) (*Page, []*Element, error) {
	find := s
	find.Wants, find.Changing, find.After = []Want{click}, false, nil
	for start := time.Now(); ; {
		page, found, err := t.Await(ctx, find)
		if err != nil {
			return nil, nil, err
		}
		err = t.Click(ctx, s, found[0])
		if err == nil {
			return t.await(ctx, s, newClicked(s, click, page))
		}
		if !errors.Is(err, errGone) || time.Since(start) > t.browser.options.Timeout {
			return nil, nil, err
		}
	}
}

var (
	// errGone says that an element was not on the page any more when it was to be clicked.
	errGone = errors.New("it is not on the page any more")
	// errCovered says that something else is where an element should be clicked.
	errCovered = errors.New("something else is in front of it")
)

// Click clicks an element, as soon as nothing else is in front of it. What comes of it is for the next
// step to see. Where that changes something, the error tells whether it may have happened.
func (t *Tab) Click(ctx context.Context, s Step, e *Element) error {
	start := time.Now()
	for {
		sent, err := t.click(ctx, e)
		if err == nil {
			return nil
		}
		late := time.Since(start) > t.browser.options.Timeout
		if sent || late || !errors.Is(err, errCovered) || pause(ctx, lookInterval) != nil {
			return t.fail(ctx, s, start, &StepError{Kind: Unclickable, Err: err, Uncertain: s.Changing && sent})
		}
	}
}

// click clicks an element once. It tells whether the page may have noticed.
func (t *Tab) click(ctx context.Context, e *Element) (sent bool, err error) {
	err = t.run(ctx, func(ctx context.Context) error {
		x, y, err := aim(ctx, e)
		if err != nil {
			return err
		}
		sent = true
		return chromedp.Do(ctx, chromedp.MouseClickXY(x, y, chromedp.ButtonType(input.MouseButtonLeft)))
	})
	var refusal *cdproto.Error
	if !sent && errors.As(err, &refusal) {
		err = fmt.Errorf("%w: %w", errGone, err)
	}
	return sent, err
}

// guard tells whether nothing else is in front of an element, and from then on keeps from everything
// else the click that is meant for it: the page may move under the pointer.
const guard = `function(x, y) {
	const top = document.elementFromPoint(x, y);
	if (top === null || !this.contains(top)) return false;
	const over = new AbortController();
	const stop = (event) => {
		if (event.composedPath().includes(this)) return;
		event.preventDefault();
		event.stopImmediatePropagation();
	};
	for (const kind of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"])
		addEventListener(kind, stop, { capture: true, signal: over.signal });
	addEventListener("click", () => over.abort(), { once: true, signal: over.signal });
	setTimeout(() => over.abort(), 2000);
	return true;
}`

// aim returns where to click an element.
func aim(ctx context.Context, e *Element) (x, y float64, err error) {
	if _, err := chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.id}); err != nil {
		return 0, 0, err
	}
	area, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: e.id})
	if err != nil {
		return 0, 0, err
	}
	x, y, ok := center(area.Quads)
	if !ok {
		return 0, 0, errCovered
	}
	free, err := call[bool](ctx, e, guard, x, y)
	if err == nil && !free {
		err = errCovered
	}
	return x, y, err
}

// call calls a function with an element as its this.
func call[T any](ctx context.Context, e *Element, function string, args ...any) (T, error) {
	var none T
	node, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: e.id})
	if err != nil {
		return none, err
	}
	on := func(p *runtime.CallFunctionOnParams) { p.ObjectID = node.Object.ObjectID }
	return chromedp.Run(ctx, chromedp.CallFunctionOn[T](function, on, args...))
}

// errNotTaken says that a field does not hold what was typed into it.
var errNotTaken = errors.New("the field did not take what was typed")

// Fill replaces what is in a field.
func (t *Tab) Fill(ctx context.Context, s Step, e *Element, text string) error {
	// All at once, so that the focus can't go elsewhere meanwhile, and the text with it. An empty argument
	// does not get there.
	const fill = `function(text = "") {
		this.focus();
		if (this.getRootNode().activeElement !== this) return false;
		this.select();
		if (text === "") document.execCommand("delete");
		else document.execCommand("insertText", false, text);
		return this.value === text;
	}`
	start := time.Now()
	if s.Secret && text != "" {
		t.secrets = append(t.secrets, text)
	}
	err := t.run(ctx, func(ctx context.Context) error {
		taken, err := call[bool](ctx, e, fill, text)
		if err == nil && !taken {
			err = errNotTaken
		}
		return err
	})
	if err != nil {
		return t.fail(ctx, s, start, &StepError{Kind: Unclickable, Err: err})
	}
	return nil
}

// Choose chooses an option of a list.
func (t *Tab) Choose(ctx context.Context, s Step, option *Element) error {
	const choose = `function() {
		const list = this.closest("select");
		if (list === null) return false;
		this.selected = true;
		for (const kind of ["input", "change"]) list.dispatchEvent(new Event(kind, { bubbles: true }));
		return true;
	}`
	start := time.Now()
	var native bool
	err := t.run(ctx, func(ctx context.Context) (err error) {
		native, err = call[bool](ctx, option, choose)
		return err
	})
	if err != nil {
		return t.fail(ctx, s, start, &StepError{Kind: Unclickable, Err: err})
	}
	if native {
		return nil
	}
	return t.Click(ctx, s, option)
}

// fail completes the error of a step that was not done. Whatever it was, when the browser is gone, that
// is why.
func (t *Tab) fail(ctx context.Context, s Step, start time.Time, failure *StepError) error {
	if !t.process.alive() {
		failure.Kind = Died
	}
	return t.report(ctx, s, start, failure)
}

// refuse is fail for a page that says no, or asks to sign in. Who is asked to sign in can't know what
// became of what was clicked.
func (t *Tab) refuse(ctx context.Context, s Step, start time.Time, kind Kind, page *Page) error {
	failure := &StepError{Kind: kind, Uncertain: s.Changing && kind == SignedOut}
	if kind == Refused {
		failure.Message = s.Refused(page)
	}
	return t.report(ctx, s, start, failure)
}

// missing is fail for a page that has not become in time what it should be; nil is none at all.
func (t *Tab) missing(ctx context.Context, s Step, start time.Time, page *Page) error {
	failure := &StepError{Kind: NotFound, Uncertain: s.Changing}
	switch {
	case page == nil:
		failure.Kind, failure.Err = NoPage, errSlow
	case !t.visitor.site.has(page):
		failure.Kind, failure.Message = Elsewhere, page.URL.Scheme+"://"+page.URL.Host
	default:
		for _, want := range s.Wants {
			if _, ok := want.met(page); !ok {
				failure.Wanted = append(failure.Wanted, want)
			}
		}
	}
	return t.report(ctx, s, start, failure)
}

// report completes the error of a step, after a picture, and tells the observer of it.
func (t *Tab) report(ctx context.Context, s Step, start time.Time, failure *StepError) error {
	failure.Site, failure.Host = t.visitor.site.Name, t.visitor.site.URL.Host
	failure.Page, failure.Step, failure.Changing = s.Page, s.Do, s.Changing
	failure.Message = t.discreet(failure.Message)
	failure.Picture = t.picture(ctx)
	t.observe(ctx, s, start, failure.Kind)
	return failure
}

const (
	// hidden is in a message in place of what must not be told.
	hidden = "(sensitive)"
	// longest is how much of a message is told.
	longest = 300
)

// discreet returns a text of the page fit to be told: without secrets, and not too long.
func (t *Tab) discreet(text string) string {
	for _, secret := range t.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	if secret := t.visitor.site.Secret; secret != nil {
		text = secret.ReplaceAllLiteralString(text, hidden)
	}
	if letters := []rune(tidy(text)); len(letters) > longest {
		return string(letters[:longest]) + "…"
	}
	return tidy(text)
}

func (t *Tab) observe(ctx context.Context, s Step, start time.Time, kind Kind) {
	t.browser.options.Observe(ctx, Record{
		Site: t.visitor.site.Name, Host: t.visitor.site.URL.Host, Page: s.Page, Step: s.Do,
		Kind: kind, Duration: time.Since(start),
	})
}
