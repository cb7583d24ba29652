package browser

import (
	"context"
	"errors"
	"slices"
	"time"
)

// WalkStep is one click, or one text to type, on the way to a page. A walk clicks nothing else.
type WalkStep struct {
	// Target is the element to click or to type into. Find, if set, finds it in another way.
	Target Target
	Find   func(*Page) []*Element
	// Type is the text to type.
	Type string
}

// Route is the way to a page.
type Route struct {
	// Goal returns nil on the target page, and an [*AbsentError] on others. Any other error ends the walk.
	Goal func(*Page) error
	// Steps are from the first to the last. On each page, the last possible one is made, so a walk may start in
	// the middle.
	Steps []WalkStep
	// Shows, if set, returns what the caller reads on the target page. The walk ends when that has settled, as
	// after an Await. A nil result means that the caller reads the page again.
	Shows func(*Page) any

	// onward reports that no move is repeated and none before from is made, except those that only expand a
	// menu. So the user is asked for a missing element before the walk leaves its page.
	onward bool
	from   int
}

const (
	// maxSteps ends a walk that goes in circles.
	maxSteps = 24
	// repeatAfter is how long to wait for a result before the first repetition of a move: a busy browser sometimes
	// loses a click. Each further wait is longer by repeatFactor.
	repeatAfter  = 3 * time.Second
	repeatFactor = 4
)

// errCircles says that a walk does not end.
var errCircles = errors.New("the way to it has a loop")

// Walk goes to a page by clicks. It changes nothing. The browser's timeout for a step bounds each click and
// each wait.
func (t *Tab) Walk(ctx context.Context, s Step, r Route) error {
	s.passing = true
	r.onward = t.browser.Teaches() || r.isTaught()
	made := map[stepKey]*stepMade{}
	for range maxSteps {
		next, err := Await(ctx, t, s, func(p *Page) (*nextStep, error) { return r.next(p, made) })
		if err != nil || next.Element == nil {
			return err
		}
		if r.onward && len(r.Steps[next.Step].Target.Words) > 0 {
			r.from = next.Step
		}
		key := r.stepKey(next.Element, next.Step, next.document)
		if made[key] == nil {
			made[key] = &stepMade{wait: repeatAfter}
		} else {
			made[key].wait *= repeatFactor
		}
		made[key].at = time.Now()
		if err := t.make(ctx, s, r.Steps[next.Step], next); err != nil && !Gone(err) {
			return err
		}
		if target := r.Steps[next.Step].Target; len(target.Words) > 0 {
			t.reportElement(s, target, next.Element)
		}
	}
	return t.report(ctx, s, time.Now(), &StepError{Kind: NotFound, Err: errCircles, Structure: true})
}

// isTaught reports whether a user has pointed at an element of the route. The walk then follows the user's
// path.
func (r Route) isTaught() bool {
	return slices.ContainsFunc(r.Steps, func(m WalkStep) bool { return len(m.Target.site.taught.of(m.Target.Label)) > 0 })
}

// nextStep is the next action on a page; empty on the goal.
type nextStep struct {
	Element *Element
	Step    int
	// Menu is an open menu or dialog that is in the way.
	Menu *Element
	// Wait is how long the page must stay without a better move.
	Wait time.Duration
	// Shows is what the caller reads on the goal; nil elsewhere.
	Shows any

	document string
}

// Quiet implements [Quieter].
func (n *nextStep) Quiet() time.Duration {
	if shown, ok := n.Shows.(Quieter); ok {
		return shown.Quiet()
	}
	return n.Wait
}

const (
	// beforeOpener, beforeOpenerBusy and beforeSearch are how long a page must offer nothing better before a
	// menu is expanded or a search is made.
	beforeOpener     = 1200 * time.Millisecond
	beforeOpenerBusy = 4 * time.Second
	beforeSearch     = 2500 * time.Millisecond
)

// stepKey identifies a move: opening a group and closing it are different moves. Elements are compared by their
// names, because many pages recreate all elements with each change. Elements without a name are compared by
// identity.
type stepKey struct {
	move               int
	document, expanded string
	name               string
	element            int
}

func (r Route) stepKey(e *Element, move int, document string) stepKey {
	if r.onward {
		document = ""
	}
	key := stepKey{move: move, document: document, expanded: e.Expanded, name: e.Label()}
	if key.name == "" {
		key.element = e.id
	}
	return key
}

type stepMade struct {
	at   time.Time
	wait time.Duration
}

func (r Route) next(p *Page, made map[stepKey]*stepMade) (*nextStep, error) {
	goal := r.Goal(p)
	var absent *AbsentError
	if !errors.As(goal, &absent) {
		next := &nextStep{}
		if goal == nil && r.Shows != nil {
			next.Shows = r.Shows(p)
		}
		return next, goal
	}
	if absent.RightPage {
		return nil, absent
	}
	menu := p.inFront()
	for i := len(r.Steps) - 1; i >= 0; i-- {
		if i < r.from && len(r.Steps[i].Target.Words) > 0 {
			continue
		}
		for _, e := range r.Steps[i].find(p) {
			done := made[r.stepKey(e, i, p.document)]
			typed, opener := r.Steps[i].Type != "", len(r.Steps[i].Target.Words) == 0
			if r.onward && e.Current && i == len(r.Steps)-1 {
				return nil, r.missing(p, absent)
			}
			once := typed || opener || r.onward
			if e.Disabled || e.Current || done != nil && (once || time.Since(done.at) < done.wait) {
				continue
			}
			next := &nextStep{Element: e, Step: i, document: p.document}
			switch {
			case typed && e.Value != "":
				next.Wait = beforeSearch
			case opener && p.Busy:
				next.Wait = beforeOpenerBusy
			case opener:
				next.Wait = beforeOpener
			}
			if menu != nil && !menu.Contains(e) {
				next.Menu = menu
			}
			return next, nil
		}
	}
	return nil, r.missing(p, absent)
}

// missing says what the page lacks: the first move without an element, or else the goal.
func (r Route) missing(p *Page, goal *AbsentError) error {
	last := -1
	for i, move := range r.Steps {
		if len(move.Target.Words) > 0 && len(move.find(p)) > 0 {
			last = i
		}
	}
	var missing []Target
	for _, move := range r.Steps[last+1:] {
		if len(move.Target.Words) > 0 && move.Type == "" {
			missing = append(missing, move.Target)
		}
	}
	if len(missing) == 0 {
		return goal
	}
	return &AbsentError{Targets: append(missing[:1:1], goal.Targets...), Way: missing[1:], What: goal.What}
}

func (m WalkStep) find(p *Page) []*Element {
	var found []*Element
	if m.Find != nil {
		found = m.Find(p)
	} else {
		found = p.Find(m.Target)
	}
	var fit []*Element
	for _, e := range found {
		if e.Expanded != "true" && (m.Type == "" || e.Value != m.Type) {
			fit = append(fit, e)
		}
	}
	if m.Find == nil && len(fit) > 1 {
		// The choice is ambiguous, and a guess must not be clicked.
		return nil
	}
	return fit
}

func (t *Tab) make(ctx context.Context, s Step, m WalkStep, next *nextStep) error {
	if next.Menu != nil {
		if err := t.Press(ctx, s, escape); err != nil {
			return err
		}
	}
	if m.Type != "" {
		if err := t.Fill(ctx, s, next.Element, m.Type); err != nil {
			return err
		}
		return t.Press(ctx, s, enter)
	}
	return t.Click(ctx, s, next.Element)
}

const (
	// escape closes an open menu or dialog. enter starts a search.
	escape = "\u001b"
	enter  = "\r"
)

// inFront returns a menu or a dialog that covers the page, such as one with news, or nil.
func (p *Page) inFront() *Element {
	for _, dialog := range p.Dialogs() {
		if !asksConsent(dialog) && dialog.Position != "" {
			return dialog
		}
	}
	for e := range p.All() {
		if e.Role == "menu" && e.Tag != "menu" {
			return e
		}
	}
	return nil
}

// Openers are moves that only expand a site's menu: collapsed groups, the menu button of narrow windows, and
// the user's menu. They come before all others.
func Openers() []WalkStep {
	hamburger := Target{Kind: Action, Words: []string{
		"Menu", "Open menu", "Toggle menu", "Main menu", "Show menu", "Toggle navigation", "Open navigation", "Navigation", "Toggle sidebar",
		"Open sidebar", "Meny", "Åpne meny", "Vis meny", "Hovedmeny", "☰", "≡",
	}}.Before()
	return []WalkStep{{Find: userMenus}, {Find: collapsedGroups}, {Find: func(p *Page) []*Element { return outsideLists(p.Find(hamburger)) }}}
}

// collapsedGroups are the elements that expand a menu, without those that open a list of values.
func collapsedGroups(p *Page) []*Element {
	var found []*Element
	for e := range p.All() {
		inMenu := nil != e.Closest(func(at *Element) bool {
			return at.HasRole("navigation", "complementary", "menubar", "tree") || at.Tag == "aside" || at.Tag == "header"
		})
		if e.Clickable && e.Expanded == "false" && e.Popup == "" && inMenu && e.Role != "combobox" {
			found = append(found, e)
		}
	}
	return outsideLists(found)
}

// userMenus are the buttons that open a menu in the page's header.
func userMenus(p *Page) []*Element {
	const head = 120
	var found []*Element
	for e := range p.All() {
		if e.Clickable && (e.Popup == "menu" || e.Popup == "true") && e.Box.Y < head && e.Expanded != "true" {
			found = append(found, e)
		}
	}
	return outsideLists(found)
}

// outsideLists drops elements of list entries: their menus may change something.
func outsideLists(found []*Element) []*Element {
	var kept []*Element
	for _, e := range found {
		if nil == e.Closest(func(at *Element) bool {
			return at.HasRole("row", "table", "grid", "dialog", "alertdialog", "article", "main")
		}) {
			kept = append(kept, e)
		}
	}
	return kept
}
