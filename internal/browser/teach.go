package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// This file asks a user to point at elements that a step does not find.
//
// While the user points, the page gets none of the clicks. The chosen element is described as a [Structure],
// searched for at once, described to the user in words, and saved when the user says OK. The windows come from
// ask.go.

// These are more answers. The last button of a sheet is the safe one: closing the window means to stop.
const (
	answerAgain = "Again"
	answerDone  = "Done"
	answerSkip  = "Skip"
)

// teaching is the state of teaching by a user. It is safe for concurrent use.
type teaching struct {
	mu      sync.Mutex
	stopped bool
	// asked are the elements on each page that the user was asked for. They are not asked for again.
	asked map[string]bool
}

// begins records a question and reports whether it is new.
func (g *teaching) begins(what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || g.asked[what] {
		return false
	}
	if g.asked == nil {
		g.asked = map[string]bool{}
	}
	g.asked[what] = true
	return true
}

func (g *teaching) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
}

// Teaches reports whether a user points at missing elements.
func (b *Browser) Teaches() bool { return b.options.Taught != nil }

// readyToTeach loads the pointing scripts before those of each page.
func (t *Tab) readyToTeach(ctx context.Context) error {
	if !t.browser.Teaches() {
		return nil
	}
	params := page.AddScriptToEvaluateOnNewDocumentParams{Source: t.browser.scripts(), WorldName: world}
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, params)
	return err
}

// teach asks the user to point at the first of some elements that is visible on the page. It reports whether
// they did; the caller then reads the page again. If entry is not nil, the element is in that list entry.
func (t *Tab) teach(ctx context.Context, s Step, targets []Target, entry *Element) (taught bool, err error) {
	if !t.browser.Teaches() || s.SigningIn {
		return false, nil
	}
	shown, err := t.look(ctx)
	if err != nil {
		return false, err
	}
	if shown.inFront() != nil {
		// An open menu, for example, would hide the elements behind it from the user.
		if err := t.Press(ctx, s, escape); err != nil {
			return false, err
		}
	}
	for _, target := range targets {
		if target.Label == "" || !t.browser.teaching.begins(target.Label+" "+shown.URL.String()) {
			continue
		}
		if taught, err := t.teachOne(ctx, s, target, entry); taught || err != nil {
			return taught, err
		}
	}
	return false, nil
}

// teachOne asks the user to point at an element until they confirm it or say that it is missing.
func (t *Tab) teachOne(ctx context.Context, s Step, target Target, entry *Element) (taught bool, err error) {
	question := sheet{
		heading: "Point at this",
		facts:   [][2]string{{"Site", t.account.site.Name + " (" + t.account.site.URL.Host + ")"}, {"Page", s.Page}, {"Element", target.String()}},
		buttons: []string{answerSkip, answerStop},
	}
	if entry != nil {
		question.facts = append(question.facts, [2]string{"In the row", t.redact(entry.Text())})
	}
	const hint = "Click it in the other window. The page does not receive that click, so nothing happens. If it is not " +
		"there, say Skip. To end the questions, say Stop or close this window."
	question.note = hint
	for {
		ids, answer, err := t.point(ctx, question)
		if err != nil || answer != "" {
			if answer == answerStop {
				t.browser.teaching.stop()
			}
			return false, err
		}
		learned, problem := t.describeChosen(ctx, target, ids, entry)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if problem != nil {
			question.note = "The provider can't use that: " + problem.Error() + ". " + hint
			continue
		}
		if answer, err = t.showSheet(ctx, question.confirms(learned), nil, nil); err != nil {
			return false, err
		}
		switch answer {
		case answerOK:
			target.site.taught.add(target.Label, learned)
			return true, t.browser.options.Taught()
		case answerStop:
			t.browser.teaching.stop()
			return false, nil
		}
		question.note = hint
	}
}

// confirms is the question that confirms the user's choice.
func (q sheet) confirms(learned Structure) sheet {
	q.heading = "Is this the right one?"
	q.facts = append(slices.Clone(q.facts), [2]string{"You clicked", learned.String()})
	q.note = "The provider writes down only this, and finds it again by this. In a later run, the provider may click it."
	q.buttons = []string{answerOK, answerAgain, answerStop}
	return q
}

// point waits until the user clicks an element on the page or answers. It returns the handles of the element
// and of those around it, or the answer.
func (t *Tab) point(ctx context.Context, question sheet) (ids []int, answer string, err error) {
	answer, err = t.showSheet(ctx, question, nil, func() bool {
		// A page that is loading has nothing to point at; the user is asked again.
		ids, _ = script[[]int](ctx, t, "point")
		return len(ids) > 0
	})
	_, ended := script[bool](ctx, t, "endPointing")
	return ids, answer, errors.Join(err, ended)
}

var (
	errUnseen   = errors.New("it is no longer there")
	errOtherRow = errors.New("it is not in the row")
)

// describeChosen describes the chosen element, and finds it again by its description. Its error is for the user.
func (t *Tab) describeChosen(ctx context.Context, target Target, ids []int, entry *Element) (Structure, error) {
	shown, err := t.look(ctx)
	if err != nil {
		return Structure{}, err
	}
	pointed := shown.withHandle(ids...)
	if pointed == nil || pointed.parent == nil {
		return Structure{}, errUnseen
	}
	e, err := target.meant(pointed)
	if err != nil {
		return Structure{}, err
	}
	if err := t.mayTeach(target, e); err != nil {
		return Structure{}, err
	}
	if entry != nil {
		if entry = shown.withHandle(entry.id); entry == nil || !entry.Contains(e) {
			return Structure{}, errOtherRow
		}
	}
	return target.describe(e, entry, t.mayIdentify)
}

// mayIdentify reports whether a name must not be in the description of an element.
func (t *Tab) mayIdentify(name string) bool {
	secret := t.account.site.Secret
	return t.browser.options.Hidden(name) || secret != nil && secret.MatchString(name)
}

// mayTeach returns an error for another element: one that is never clicked, or one that is known to change
// something.
func (t *Tab) mayTeach(target Target, e *Element) error {
	if err := t.mayClick(Step{}, e); errors.Is(err, errNever) {
		return errNeverTaught
	}
	for _, other := range t.account.site.Changing {
		for _, known := range e.root().Find(other) {
			if other.Label != target.Label && (known.Contains(e) || e.Contains(known)) {
				return fmt.Errorf("it is %s, which changes something", other)
			}
		}
	}
	return nil
}

// withHandle returns the element of the first handle that is on the page; nil if there is none.
func (p *Page) withHandle(ids ...int) *Element {
	for _, id := range ids {
		for e := range p.All() {
			if e.id == id && e.Role != textRole {
				return e
			}
		}
	}
	return nil
}

// AwaitFindings is like [Await], for checking what a page has. A user who teaches is asked for missing
// elements, and the page is read again.
func AwaitFindings[T any](ctx context.Context, t *Tab, s Step, look func(*Page) (T, error), findings func(T) []Finding) (T, error) {
	for {
		value, err := Await(ctx, t, s, look)
		if err != nil {
			return value, err
		}
		taught := false
		for _, f := range findings(value) {
			if f.OK() || taught {
				continue
			}
			if taught, err = t.teach(ctx, s, []Target{f.Target}, f.Entry); err != nil {
				return value, err
			}
		}
		if !taught {
			return value, nil
		}
	}
}

// TeachAfter is for elements that appear only after a click that may change something. A user who teaches makes
// that click, as how explains, and is then asked for the element if it is not found. The user is asked once for
// each element.
func (t *Tab) TeachAfter(ctx context.Context, s Step, how string, target Target) error {
	if !t.browser.Teaches() || !t.browser.teaching.begins(target.Label) {
		return nil
	}
	answer, err := t.showSheet(ctx, sheet{
		heading: "Do this yourself",
		facts:   [][2]string{{"Site", t.account.site.Name + " (" + t.account.site.URL.Host + ")"}, {"Page", s.Page}, {"Click", how}},
		note:    "Your clicks in the other window are real. The provider does not click anything. When you see it, say Done.",
		buttons: []string{answerDone, answerSkip, answerStop},
	}, nil, nil)
	switch {
	case err != nil:
		return err
	case answer == answerStop:
		t.browser.teaching.stop()
		return nil
	case answer != answerDone:
		return nil
	}
	found, err := Await(ctx, t, s, func(p *Page) ([]*Element, error) { return p.Find(target), nil })
	if err == nil && len(found) != 1 {
		if taught, err := t.teachOne(ctx, s, target, nil); err != nil || !taught {
			return err
		}
		found, err = Await(ctx, t, s, func(p *Page) ([]*Element, error) { return p.Find(target), nil })
	}
	if err == nil && len(found) == 1 {
		t.reportElement(s, target, found[0])
	}
	return err
}
