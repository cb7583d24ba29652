package browser

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Await looks at the page until look returns no [*AbsentError], and then until the page has come to rest and
// look has returned the same for as long as the step wants. It returns what look has returned: a value or an
// error. The browser's timeout for a step bounds it, and so does ctx.
func Await[T any](ctx context.Context, t *Tab, s Step, look func(*Page) (T, error)) (T, error) {
	var none T
	w := &wait{tab: t, step: s, start: time.Now(), seen: time.Now(), quiet: max(s.Quiet, shortQuiet)}
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
				t.observe(ctx, s, w.start, "")
				t.watch(s, page, lookErr)
				typed, _ := value.(T)
				return typed, lookErr
			}
			if w.signedOut(page) {
				t.watch(s, page, nil)
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
			t.watch(s, w.last, failure)
			return none, t.report(ctx, s, w.start, failure)
		}
		// A context that is done meanwhile is noticed in the next round.
		_ = pause(within, lookInterval)
	}
}

// Patient is what a look may return, as a value or an error, to say for how long it has to be seen: what is concluded from an absence
// needs longer than what is there.
type Patient interface{ Quiet() time.Duration }

// wait is what a step has seen of a page so far.
type wait struct {
	tab   *Tab
	step  Step
	start time.Time
	quiet time.Duration
	// last is the page as it was seen last, at seen, and lastErr what look said of it.
	last    *Page
	seen    time.Time
	lastErr error
	// said is what look has returned since at; empty while something is absent. It has to stay for as long as
	// needs says.
	said  string
	at    time.Time
	needs time.Duration
	// shows is what the page shows since unchanged.
	shows     string
	unchanged time.Time
	// out is since when the page asks to sign in.
	out time.Time
}

// judge looks at a page, and takes note of whether that says the same as before.
func (w *wait) judge(page *Page, look func() (any, error)) (any, error) {
	w.last, w.seen = page, time.Now()
	if shows := page.document + page.URL.String() + page.Text(); shows != w.shows || page.Busy || !w.tab.net.idle(w.start) {
		w.shows, w.unchanged = shows, time.Now()
	}
	site := w.tab.visitor.site
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
	w.needs = w.quiet
	var patient Patient
	if errors.As(err, &patient) {
		w.needs = max(w.quiet, patient.Quiet())
	} else if patient, ok := value.(Patient); ok && err == nil {
		w.needs = max(w.quiet, patient.Quiet())
	}
	return value, err
}

// signature writes down what look has returned, so that two looks can be compared.
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

// settled tells whether what look says counts.
func (w *wait) settled(page *Page) bool {
	busy := page.Busy && (!w.step.passing || time.Since(w.at) < passingBusy)
	return w.said != "" && time.Since(w.at) >= w.needs && !busy && w.tab.net.idle(w.start)
}

// passingBusy is for how long a page that is only passed through may show that it is loading. A part of it
// that never comes is of no concern.
const passingBusy = time.Second

// signedOut tells whether the page keeps asking to sign in: an app may show that for a moment, before it has
// looked at its session.
func (w *wait) signedOut(page *Page) bool {
	if w.step.SigningIn || !w.tab.visitor.site.asksToSignIn(page) {
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
	case w.tab.gate.leads() != "":
		// It was kept from leaving, because it may show a secret: what it shows now is of no meaning.
		return &StepError{Kind: Elsewhere, Message: w.tab.gate.leads(), Uncertain: changing}
	case w.last == nil || time.Since(w.seen) > timeout/2:
		// What a click has asked for is not answered: the page of before is not what the step has failed on.
		return &StepError{Kind: NoPage, Err: errSlow, Uncertain: changing}
	case !w.tab.visitor.site.has(w.last):
		return &StepError{Kind: Elsewhere, Message: w.last.URL.Scheme + "://" + w.last.URL.Host, Uncertain: changing}
	case w.said != "":
		return &StepError{Kind: Unsettled, What: w.unrest(), Uncertain: changing}
	}
	failure := w.missing()
	failure.Uncertain = changing
	return failure
}

const (
	// lookedLongEnough is how long a page has shown the same, at rest, when a look that changes nothing stops waiting for
	// what is not there.
	lookedLongEnough = 8 * time.Second
	// askedSoon is the same where a person can be asked.
	askedSoon = 3 * time.Second
)

// isPointless tells whether to wait for more costs a person time and nothing else: nothing may be changed, and the page
// came to rest without what is looked for.
func (w *wait) isPointless() bool {
	enough := lookedLongEnough
	if w.tab.browser.Teaches() {
		enough = askedSoon
	}
	return w.tab.browser.options.ReadOnly && w.last != nil && w.said == "" && w.lastErr != nil && w.tab.visitor.site.has(w.last) &&
		time.Since(w.unchanged) >= enough
}

// unrest says why a page does not come to rest.
func (w *wait) unrest() string {
	switch {
	case w.last.Busy:
		return "the page still shows that it is loading"
	case !w.tab.net.idle(w.start):
		return "the page still waits for the network"
	}
	return "the page keeps changing"
}

// nearestNames is how many names of a page an error tells.
const nearestNames = 5

// teachable returns what a person could point at for the step to go on.
func (w *wait) teachable(failure *StepError) []Thing {
	var absent *AbsentError
	if failure.Kind != NotFound || !errors.As(w.lastErr, &absent) {
		return nil
	}
	return slices.Concat(absent.Things[:min(len(absent.Things), 1)], absent.Way, absent.Things[min(len(absent.Things), 1):])
}

// missing says what a page does not have, and what it has instead.
func (w *wait) missing() *StepError {
	failure := &StepError{Kind: NotFound}
	var absent *AbsentError
	if !errors.As(w.lastErr, &absent) {
		return failure
	}
	failure.Wanted, failure.What = absent.Things, absent.What
	if absent.Several {
		failure.What = "there is more than one, and nothing tells which is meant"
	}
	failure.Structure = len(absent.Things) == 0
	for _, thing := range slices.Concat(absent.Things, absent.Way) {
		if len(thing.site.lessons.of(thing.Label)) > 0 {
			failure.Unfit, failure.Profile = append(failure.Unfit, thing), thing.site.lessons.file
		}
	}
	for _, thing := range absent.Things {
		for _, name := range w.last.nearest(thing, nearestNames) {
			failure.Nearest = append(failure.Nearest, w.tab.discreet(name))
		}
	}
	failure.Structure = failure.Structure || len(failure.Nearest) == 0
	return failure
}
