package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// finder is the script that reads pages. pointing is the script with which a user points at elements.
var (
	//go:embed finder.js
	finder string
	//go:embed pointing.js
	pointing string
)

// scripts are the scripts of a tab's pages. Only while a user teaches do they listen to the user's actions.
func (b *Browser) scripts() string {
	if b.Teaches() {
		return finder + ";\n" + pointing + ";\n"
	}
	return finder + ";\n"
}

// world is the name of the finder's isolated world.
const world = "finder"

// script calls a function of the finder in the document that the tab shows now.
func script[T any](ctx context.Context, t *Tab, function string, args ...any) (T, error) {
	var result T
	var list []string
	for _, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			return result, err
		}
		list = append(list, string(text))
	}
	expression := t.browser.scripts() + "finder." + function + "(" + strings.Join(list, ", ") + ")"
	err := t.run(ctx, func(ctx context.Context) error {
		value, err := t.evaluate(ctx, expression)
		if err != nil {
			return err
		}
		return json.Unmarshal(value, &result)
	})
	return result, err
}

func (t *Tab) evaluate(ctx context.Context, expression string) ([]byte, error) {
	frame := cdp.FrameID(chromedp.FromContext(t.ctx).Target.TargetID)
	made, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame, WorldName: world})
	if err != nil {
		return nil, err
	}
	byValue := true
	got, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: made.ExecutionContextID, ReturnByValue: &byValue,
	})
	if err != nil {
		return nil, err
	}
	if got.ExceptionDetails != nil {
		// What the exception says may quote the page (I2).
		return nil, errors.New("the page could not be read")
	}
	return got.Result.Value, nil
}

// errLoading says that the page is not complete enough to be read.
var errLoading = errors.New("the page is still loading")

// look returns what the page shows now.
func (t *Tab) look(ctx context.Context) (*Page, error) {
	answered := t.net.hasAnswered()
	s, err := script[snapshot](ctx, t, "snapshot")
	if err != nil {
		return nil, err
	}
	if len(s.Nodes) == 0 {
		return nil, errLoading
	}
	p, err := newPage(s)
	if err != nil {
		return nil, err
	}
	// What was answered only after the snapshot may not be on it.
	p.Answered = answered
	return p, nil
}

var (
	// errGone says that an element disappeared before the click.
	errGone = errors.New("it is no longer on the page")
	// errCovered says that another element covers the point of the click.
	errCovered = errors.New("something else is in front of it")
	// errNever says that the element must never be clicked.
	errNever = errors.New("it is one of the elements that are never clicked")
	// errDisabled says that the element is disabled.
	errDisabled = errors.New("it is disabled")
	// ErrReadOnly says that a click would change something in a read-only browser.
	ErrReadOnly = errors.New("it changes something, and this browser must not change anything")
)

// Gone reports whether a click failed because its element had disappeared. Pages may be drawn more than once.
func Gone(err error) bool { return errors.Is(err, errGone) }

// Click clicks an element once, as soon as nothing covers it. If the click changes something and a user
// attends, Click asks the user first. The next step reads the result. If the click changes something, the error
// says whether it may have happened.
func (t *Tab) Click(ctx context.Context, s Step, e *Element) error {
	start := time.Now()
	if err := t.mayClick(s, e); err != nil {
		return t.report(ctx, s, start, &StepError{Kind: Unclickable, Err: err, Changing: s.Changing})
	}
	if _, err := t.approve(ctx, s, e); err != nil {
		return err
	}
	start = time.Now()
	for {
		sent, cover, err := t.click(ctx, e)
		if err == nil {
			return nil
		}
		late := time.Since(start) > t.browser.options.Timeout
		if sent || late || !errors.Is(err, errCovered) || pause(ctx, lookInterval) != nil {
			return t.report(ctx, s, start, &StepError{Kind: Unclickable, Err: err, Message: t.redact(cover), Uncertain: s.Changing && sent})
		}
		if page, err := t.look(ctx); err == nil {
			t.clear(ctx, Step{Page: s.Page, Do: s.Do}, page)
			if front := page.inFront(); !s.Changing && front != nil && !front.Holds(e) {
				// This may be a dialog with news that nothing asked for.
				_ = t.Press(ctx, s, escape)
			}
		}
	}
}

// mayClick returns an error that says why an element must not be clicked, or nil.
func (t *Tab) mayClick(s Step, e *Element) error {
	if s.Changing && t.browser.options.ReadOnly {
		return ErrReadOnly
	}
	for _, never := range t.account.site.Never {
		target := Target{Words: []string{never}}
		if slices.ContainsFunc([]string{e.Name, e.Title, e.Text()}, func(text string) bool { return target.fit(text) > unlike }) {
			return errNever
		}
	}
	if e.Disabled {
		return errDisabled
	}
	return nil
}

// point is where to click, or why a click is impossible.
type point struct {
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Gone  bool    `json:"gone"`
	Cover *string `json:"cover"`
}

// click clicks an element once. It reports whether the page may have noticed the click, and which element
// covers the point.
func (t *Tab) click(ctx context.Context, e *Element) (sent bool, cover string, err error) {
	at, err := script[point](ctx, t, "clickPoint", e.id)
	switch {
	case err != nil:
		var refusal *cdproto.Error
		if errors.As(err, &refusal) {
			err = fmt.Errorf("%w: %w", errGone, err)
		}
		return false, "", err
	case at.Gone:
		return false, "", errGone
	case at.Cover != nil:
		return false, *at.Cover, errCovered
	}
	err = t.run(ctx, func(ctx context.Context) error {
		sent = true
		t.net.act()
		return chromedp.Do(ctx, chromedp.MouseClickXY(at.X, at.Y, chromedp.ButtonType(input.MouseButtonLeft)))
	})
	return sent, "", err
}

// errNotTaken says that a field does not hold the text that was typed.
var errNotTaken = errors.New("the field did not accept the typed text")

// Fill replaces the text of a field.
func (t *Tab) Fill(ctx context.Context, s Step, e *Element, text string) error {
	start := time.Now()
	if s.Secret && text != "" {
		t.secrets = append(t.secrets, text)
		if !s.SigningIn {
			t.gate.recordTypedSecret()
		}
	}
	within, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	problem, err := script[string](within, t, "fill", e.id, text)
	switch {
	case err == nil && problem == "gone":
		err = errGone
	case err == nil && problem != "":
		err = errNotTaken
	}
	if err != nil {
		return t.report(ctx, s, start, &StepError{Kind: Unclickable, Err: err})
	}
	return nil
}

// Choose chooses an option of an open list.
func (t *Tab) Choose(ctx context.Context, s Step, option *Element) error {
	start := time.Now()
	native := false
	if option.Tag == "option" {
		t.net.act()
		var err error
		if native, err = script[bool](ctx, t, "choose", option.id); err != nil {
			return t.report(ctx, s, start, &StepError{Kind: Unclickable, Err: err})
		}
	}
	if native {
		return nil
	}
	return t.Click(ctx, s, option)
}

// Scroll scrolls the nearest scrollable box around an element, by most of its height, or back to its start. It
// reports whether anything moved.
func (t *Tab) Scroll(ctx context.Context, s Step, e *Element, back bool) (bool, error) {
	moved, err := script[bool](ctx, t, "scroll", e.id, back)
	if err != nil {
		return false, t.report(ctx, s, time.Now(), &StepError{Kind: Unclickable, Err: err})
	}
	return moved, nil
}

// Escape presses the Escape key, which closes an open menu or dialog.
func (t *Tab) Escape(ctx context.Context, s Step) error { return t.Press(ctx, s, escape) }

// Press presses a key.
func (t *Tab) Press(ctx context.Context, s Step, key string) error {
	err := t.run(ctx, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(key)) })
	if err != nil {
		return t.report(ctx, s, time.Now(), &StepError{Kind: Unclickable, Err: err})
	}
	return nil
}

// Fail returns the error of a step that found that the page is not as expected.
func (t *Tab) Fail(ctx context.Context, s Step, kind Kind, what string, uncertain bool) error {
	return t.report(ctx, s, time.Now(), &StepError{Kind: kind, What: t.redact(what), Structure: true, Uncertain: uncertain})
}

// report completes the error of a step, takes a picture, and calls the observer. If the browser has died, the
// error says so, whatever else it was.
func (t *Tab) report(ctx context.Context, s Step, start time.Time, failure *StepError) error {
	if !t.process.alive() {
		failure.Kind = Died
	}
	failure.Site, failure.Host = t.account.site.Name, t.account.site.URL.Host
	failure.Page, failure.Step, failure.Changing = s.Page, s.Do, s.Changing
	failure.Message, failure.Asked = t.redact(failure.Message), t.redact(t.dialog.last())
	failure.Blocked = t.gate.hosts()
	if failure.Kind != Stopped && failure.Kind != Outdated {
		failure.Picture = t.picture(ctx)
	}
	t.observe(ctx, s, Record{Kind: failure.Kind, Duration: time.Since(start)})
	return failure
}

const (
	// hidden replaces a confidential part of a message.
	hidden = "(sensitive)"
	// longest is how much of a page's message is shown.
	longest = 300
)

// redact returns a text of the page that can be shown: shortened, and without secrets.
func (t *Tab) redact(text string) string {
	for _, secret := range t.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	if secret := t.account.site.Secret; secret != nil {
		text = secret.ReplaceAllLiteralString(text, hidden)
	}
	if letters := []rune(tidy(text)); len(letters) > longest {
		return string(letters[:longest]) + "…"
	}
	return tidy(text)
}

func (t *Tab) observe(ctx context.Context, s Step, r Record) {
	r.Site, r.Host, r.Page, r.Step = t.account.site.Name, t.account.site.URL.Host, s.Page, s.Do
	t.browser.options.Observe(ctx, r)
}
