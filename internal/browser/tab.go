package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	// ctx is chromedp's.
	ctx    context.Context
	cancel context.CancelFunc
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
	// The tab lives as long as the context that it is made with, so that must not be ctx.
	if err := chromedp.Do(t.ctx); err != nil {
		return err
	}
	return t.run(ctx, t.visitor.furnish)
}

// Close closes the tab, and keeps what the site has changed of the visitor's session.
func (t *Tab) Close() {
	t.visitor.remember(t)
	t.leave()
	<-t.browser.slots
}

func (t *Tab) leave() {
	t.cancel()
	t.visitor.exit(t.process)
}

// run does something in the tab, until ctx is done.
func (t *Tab) run(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inTab, cancel := context.WithCancel(t.ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	err := do(inTab)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Load loads a page of the site. It asks again where there is no answer, or one that says that the site
// has trouble of its own.
func (t *Tab) Load(ctx context.Context, s Step, address *url.URL) error {
	start := time.Now()
	var err error
	for try := 1; ; try++ {
		err = t.load(ctx, address)
		if err == nil || try == loads || ctx.Err() != nil || !t.process.alive() {
			break
		}
		if pause(ctx, loadPause) != nil {
			break
		}
	}
	if err != nil {
		return t.fail(ctx, s, start, NoPage, err)
	}
	return nil
}

func (t *Tab) load(ctx context.Context, address *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	return t.run(ctx, func(ctx context.Context) error {
		response, err := chromedp.Run(ctx, chromedp.NavigateResponse(address.String()))
		if err != nil {
			return err
		}
		return usable(response)
	})
}

// usable returns an error for a page that a site shows when it has trouble.
func usable(response *network.Response) error {
	if response == nil {
		return nil
	}
	if response.Status >= http.StatusInternalServerError || response.Status == http.StatusTooManyRequests {
		return fmt.Errorf("the answer is %d %s", response.Status, http.StatusText(int(response.Status)))
	}
	return nil
}

// Await looks at the page until it is as the step wants it, and returns what was wanted, in order. It
// ends early when the page says no, or when the site asks to sign in.
func (t *Tab) Await(ctx context.Context, s Step) (*Page, []*Element, error) {
	start := time.Now()
	var last *Page
	before := ""
	for {
		page, err := t.look(ctx)
		if err == nil {
			last = page
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
		}
		if ctx.Err() != nil {
			return last, nil, t.fail(ctx, s, start, NotFound, ctx.Err())
		}
		if !t.process.alive() {
			return last, nil, t.fail(ctx, s, start, Died, err)
		}
		if time.Since(start) > t.browser.options.Timeout {
			return last, nil, t.missing(ctx, s, start, last, err)
		}
		// A context that is done meanwhile is noticed in the next round.
		_ = pause(ctx, lookInterval)
	}
}

// judge tells whether the page is as the step wants it; an empty kind means that it is.
func (t *Tab) judge(page *Page, s Step) ([]*Element, Kind) {
	site := t.visitor.site
	if page.URL.Host != site.URL.Host {
		return nil, Elsewhere
	}
	if site.asksToSignIn(page) {
		return nil, SignedOut
	}
	if s.Refused != nil && s.Refused(page) != "" {
		return nil, Refused
	}
	if s.After != nil && s.After.id == page.id {
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

// look returns what the page says now.
func (t *Tab) look(ctx context.Context) (*Page, error) {
	ctx, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	var page *Page
	err := t.run(ctx, func(ctx context.Context) error {
		// Half a page lacks things that a whole one has: to take its list of keys for the list would be
		// to take keys for gone.
		state, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.readyState"))
		if err == nil && state != "complete" {
			err = errLoading
		}
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
		page, err = newPage(tree.Nodes, moments)
		return err
	})
	return page, err
}

// errLoading says that a page is not there yet, or not all of it.
var errLoading = errors.New("the page is still loading")

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

// Follow waits for a link or button, and clicks it. One that goes away before it can be clicked is
// waited for again: pages are drawn more than once. The step says what is to come of it.
func (t *Tab) Follow(ctx context.Context, s Step, click Want) (*Page, []*Element, error) {
	find := s
	find.Wants, find.Changing, find.After = []Want{click}, false, nil
	for start := time.Now(); ; {
		_, found, err := t.Await(ctx, find)
		if err != nil {
			return nil, nil, err
		}
		err = t.Click(ctx, s, found[0])
		if err == nil {
			return t.Await(ctx, s)
		}
		if !isGone(err) || time.Since(start) > t.browser.options.Timeout {
			return nil, nil, err
		}
	}
}

// isGone tells whether err says that an element was not on the page any more when it was to be clicked.
func isGone(err error) bool {
	var refusal *cdproto.Error
	return IsKind(err, Unclickable) && errors.As(err, &refusal)
}

// errCovered says that something else is where an element should be clicked.
var errCovered = errors.New("something else is in front of it")

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
			s.Changing = s.Changing && sent
			return t.fail(ctx, s, start, Unclickable, err)
		}
	}
}

// click clicks an element once. It tells whether the page may have noticed.
func (t *Tab) click(ctx context.Context, e *Element) (sent bool, err error) {
	err = t.run(ctx, func(ctx context.Context) error {
		if _, err := chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.id}); err != nil {
			return err
		}
		area, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: e.id})
		if err != nil {
			return err
		}
		x, y, ok := center(area.Quads)
		if !ok {
			return errCovered
		}
		const free = `function(x, y) { const top = document.elementFromPoint(x, y); return top !== null && this.contains(top) }`
		clear, err := call[bool](ctx, e, free, x, y)
		if err != nil {
			return err
		}
		if !clear {
			return errCovered
		}
		sent = true
		return chromedp.Do(ctx, chromedp.MouseClickXY(x, y, chromedp.ButtonType(input.MouseButtonLeft)))
	})
	return sent, err
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
	start := time.Now()
	err := t.run(ctx, func(ctx context.Context) error {
		if _, err := chromedp.Call(ctx, dom.Focus, dom.FocusParams{BackendNodeID: e.id}); err != nil {
			return err
		}
		if _, err := call[bool](ctx, e, `function() { this.select(); document.execCommand("delete"); return true }`); err != nil {
			return err
		}
		if text != "" {
			if _, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
				return err
			}
		}
		// An empty text does not get through as an argument.
		taken, err := call[bool](ctx, e, `function(text) { return this.value === (text ?? "") }`, text)
		if err == nil && !taken {
			err = errNotTaken
		}
		return err
	})
	if err != nil {
		s.Changing = false
		return t.fail(ctx, s, start, Unclickable, err)
	}
	return nil
}

// Choose chooses an option of a list.
func (t *Tab) Choose(ctx context.Context, s Step, option *Element) error {
	const choose = `function() {
		const list = this.closest("select");
		if (list === null) return false;
		list.value = this.value;
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
		return t.fail(ctx, s, start, Unclickable, err)
	}
	if native {
		return nil
	}
	return t.Click(ctx, s, option)
}

// fail returns the error of a step, after a picture.
func (t *Tab) fail(ctx context.Context, s Step, start time.Time, kind Kind, cause error) error {
	if !t.process.alive() {
		kind = Died
	}
	return t.report(ctx, s, start, &StepError{Kind: kind, Err: cause, Uncertain: s.Changing})
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

// missing is fail for a page that has not become what it should be.
func (t *Tab) missing(ctx context.Context, s Step, start time.Time, page *Page, cause error) error {
	failure := &StepError{Kind: NotFound, Err: cause, Uncertain: s.Changing}
	switch {
	case page == nil:
		failure.Kind = NoPage
	case page.URL.Host != t.visitor.site.URL.Host:
		failure.Kind, failure.Message = Elsewhere, page.URL.Host
	default:
		for _, want := range s.Wants {
			if _, ok := want.met(page); !ok {
				failure.Wanted = append(failure.Wanted, want)
			}
		}
	}
	return t.report(ctx, s, start, failure)
}

func (t *Tab) report(ctx context.Context, s Step, start time.Time, failure *StepError) error {
	failure.Site, failure.Host = t.visitor.site.Name, t.visitor.site.URL.Host
	failure.Page, failure.Step, failure.Changing = s.Page, s.Do, s.Changing
	failure.Picture = t.picture(ctx)
	t.observe(ctx, s, start, failure.Kind)
	return failure
}

func (t *Tab) observe(ctx context.Context, s Step, start time.Time, kind Kind) {
	t.browser.options.Observe(ctx, Record{
		Site: t.visitor.site.Name, Host: t.visitor.site.URL.Host, Page: s.Page, Step: s.Do,
		Kind: kind, Duration: time.Since(start),
	})
}
