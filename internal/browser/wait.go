package browser

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Await reads the page until look returns no [*AbsentError], the page has settled, and look's result has stayed
// the same for as long as the step requires. It returns look's value or error. The browser's timeout for a step
// and ctx bound it.
func Await[T any](ctx context.Context, t *Tab, s Step, look func(*Page) (T, error)) (T, error) {
	var none T
	w := &wait{tab: t, step: s, start: time.Now(), seen: time.Now(), quiet: s.quiet()}
	within, cancel := context.WithTimeout(ctx, t.browser.options.Timeout)
	defer cancel()
	for {
		page, err := t.look(within)
		if err == nil {
			value, lookErr := w.judge(page, func() (any, error) {
				value, err := look(page)
				return value, err
			})
			if w.settled(page) {
				t.observe(ctx, s, Record{Duration: time.Since(w.start), Quiet: w.needs})
				t.snap(s, page, lookErr)
				typed, _ := value.(T)
				return typed, lookErr
			}
			if w.signedOut(page) {
				t.snap(s, page, nil)
				return none, t.report(ctx, s, w.start, &StepError{Kind: SignedOut, Uncertain: s.Changing})
			}
			t.clear(within, s, page)
		}
		if failure := w.over(ctx, within, err); failure != nil {
			if taught, err := t.teach(ctx, s, w.teachable(failure), nil); taught && err == nil {
				return Await(ctx, t, s, look)
			} else if err != nil {
				failure.Err = errors.Join(failure.Err, err)
			}
			t.snap(s, w.last, failure)
			return none, t.report(ctx, s, w.start, failure)
		}
		// The next round notices a context that ends meanwhile.
		_ = pause(within, w.interval())
	}
}

// looksPerWait is how often a result that must stay the same for long is read meanwhile.
const looksPerWait = 8

// interval returns the wait before the next look. A look takes the browser and this process some milliseconds, and a
// result that must stay the same for seconds needs no more looks than another one.
func (w *wait) interval() time.Duration {
	left := w.needs - time.Since(w.at)
	if w.said == "" || left <= 0 {
		return lookInterval
	}
	return min(max(lookInterval, w.needs/looksPerWait), maxInterval, left)
}

// Quieter is implemented by a result or an error of a look. It says how long the result must stay the same: a
// conclusion from an absence needs longer.
type Quieter interface{ Quiet() time.Duration }

// wait is the state of a step's wait.
type wait struct {
	tab   *Tab
	step  Step
	start time.Time
	quiet time.Duration
	// last is the last page, read at the time seen. lastErr is look's error for it.
	last    *Page
	seen    time.Time
	lastErr error
	// said is look's result since at; empty while an element is absent. It must stay for as long as needs.
	said  string
	at    time.Time
	needs time.Duration
	// passing reports that the page is on the way to another one, and that nothing is read on it.
	passing bool
	// shows is the page's content since unchanged.
	shows     string
	unchanged time.Time
	// out is when the page began to ask for a sign-in.
	out time.Time
}

// judge reads a page, and records whether the result is the same as before.
func (w *wait) judge(page *Page, look func() (any, error)) (any, error) {
	w.last, w.seen = page, time.Now()
	if shows := page.document + page.URL.String() + page.Text(); shows != w.shows || page.Busy || !w.tab.net.idle(w.start) {
		w.shows, w.unchanged = shows, time.Now()
	}
	site := w.tab.account.site
	if !site.has(page) || !w.step.SigningIn && site.asksToSignIn(page) {
		w.said = ""
		return nil, nil
	}
	value, err := look()
	w.lastErr = err
	var absent *AbsentError
	if errors.As(err, &absent) {
		w.said = ""
		return nil, err
	}
	if said := page.document + signature(value, err); said != w.said {
		w.said, w.at = said, time.Now()
	}
	next, walks := value.(*nextStep)
	reads := walks && next != nil && next.Shows != nil
	w.passing = w.step.passing && !reads
	w.needs = w.quiet
	var quieter Quieter
	if errors.As(err, &quieter) {
		w.needs = max(w.quiet, quieter.Quiet())
	} else if quieter, ok := value.(Quieter); ok && err == nil {
		w.needs = max(w.quiet, quieter.Quiet())
	}
	return value, err
}

// signature encodes a look's result, so that two can be compared.
func signature(value any, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "value: " + err.Error()
	}
	return "value: " + string(data)
}

// settled reports whether look's result counts.
func (w *wait) settled(page *Page) bool {
	busy := page.Busy && (!w.passing || time.Since(w.at) < passingBusy)
	return w.said != "" && time.Since(w.at) >= w.needs && !busy && w.tab.net.idle(w.start)
}

// passingBusy is how long a page on the way to another one may show that it is loading. A part that never loads
// does not matter there.
const passingBusy = time.Second

// signedOut reports whether the page keeps asking for a sign-in. An app may do so for a moment, before it has
// read its session.
func (w *wait) signedOut(page *Page) bool {
	if w.step.SigningIn || !w.tab.account.site.asksToSignIn(page) {
		w.out = time.Time{}
		return false
	}
	if w.out.IsZero() {
		w.out = time.Now()
	}
	return time.Since(w.out) >= w.quiet && w.tab.net.idle(w.start)
}

// over returns why the step has failed, or nil while there is time.
func (w *wait) over(ctx, within context.Context, lookErr error) *StepError {
	changing := w.step.Changing
	timeout := w.tab.browser.options.Timeout
	switch {
	case ctx.Err() != nil:
		return &StepError{Kind: NotFound, Err: ctx.Err(), Uncertain: changing}
	case !w.tab.process.alive():
		return &StepError{Kind: Died, Err: lookErr, Uncertain: changing}
	case within.Err() == nil && !w.isPointless():
		return nil
	case w.tab.gate.blockedNavigation() != "":
		// The page was kept from navigating because it may show a secret. Its present content means nothing.
		return &StepError{Kind: Elsewhere, Message: w.tab.gate.blockedNavigation(), Uncertain: changing}
	case w.last == nil || time.Since(w.seen) > timeout/2:
		// The click's request is unanswered. The step did not fail because of the page before.
		return &StepError{Kind: NoPage, Err: errSlow, Uncertain: changing}
	case !w.tab.account.site.has(w.last):
		return &StepError{Kind: Elsewhere, Message: w.last.URL.Scheme + "://" + w.last.URL.Host, Uncertain: changing}
	case w.said != "":
		return &StepError{Kind: Unsettled, What: w.unrest(), Uncertain: changing}
	}
	failure := w.missing()
	failure.Uncertain = changing
	return failure
}

const (
	// lookedLongEnough is how long a settled page must show the same before a read-only look stops waiting.
	lookedLongEnough = 8 * time.Second
	// askedSoon is the same if a user can be asked.
	askedSoon = 3 * time.Second
)

// isPointless reports whether waiting longer only costs the user time: nothing may be changed, and the page
// settled without the element.
func (w *wait) isPointless() bool {
	enough := lookedLongEnough
	if w.tab.browser.Teaches() {
		enough = askedSoon
	}
	return w.tab.browser.options.ReadOnly && w.last != nil && w.said == "" && w.lastErr != nil && w.tab.account.site.has(w.last) &&
		time.Since(w.unchanged) >= enough
}

// unrest says why a page does not settle.
func (w *wait) unrest() string {
	switch {
	case w.last.Busy:
		return "the page still shows that it is loading"
	case !w.tab.net.idle(w.start):
		return "the page still waits for the network"
	}
	return "the page keeps changing"
}

// nearestNames is how many of a page's names an error shows.
const nearestNames = 5

// teachable returns the elements that a user could point at to let the step continue.
func (w *wait) teachable(failure *StepError) []Target {
	var absent *AbsentError
	if failure.Kind != NotFound || !errors.As(w.lastErr, &absent) {
		return nil
	}
	return slices.Concat(absent.Targets[:min(len(absent.Targets), 1)], absent.Way, absent.Targets[min(len(absent.Targets), 1):])
}

// missing says which elements are missing, and which similar ones the page has.
func (w *wait) missing() *StepError {
	failure := &StepError{Kind: NotFound}
	var absent *AbsentError
	if !errors.As(w.lastErr, &absent) {
		return failure
	}
	failure.Wanted, failure.What = absent.Targets, absent.What
	if absent.Several {
		failure.What = "more than one thing matches"
	}
	failure.Structure = len(absent.Targets) == 0
	for _, target := range slices.Concat(absent.Targets, absent.Way) {
		if len(target.site.taught.of(target.Label)) > 0 {
			failure.Unfit, failure.Profile = append(failure.Unfit, target), target.site.taught.file
		}
	}
	for _, target := range absent.Targets {
		for _, name := range w.last.nearest(target, nearestNames) {
			failure.Nearest = append(failure.Nearest, w.tab.redact(name))
		}
	}
	failure.Structure = failure.Structure || len(failure.Nearest) == 0
	return failure
}
