package browser

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// This file asks the user something, such as before a click that changes something.
//
// The question is in its own window and not on the vendor's page. A page's scripts can read, cover and click
// everything on the page, even in a shadow root, and could say OK for the user. The window has its own profile,
// an empty address and no opener, so no page can find it or send it anything.

// question is the text that the user sees before a click.
type question struct {
	Site, Host, Page, Do, Button string
}

// sheet is the content of a question's window. Buttons are its answers; the last one is the safe one.
type sheet struct {
	heading string
	facts   [][2]string
	note    string
	buttons []string
}

func (q question) sheet() sheet {
	return sheet{
		heading: "May the provider click this?",
		facts:   [][2]string{{"Site", q.Site + " (" + q.Host + ")"}, {"Page", q.Page}, {"Step", q.Do}, {"Button", q.Button}},
		note:    "The page is in the other window. If you say Stop or close this window, nothing is clicked.",
		buttons: []string{answerOK, answerStop},
	}
}

// The answers.
const (
	answerOK   = "OK"
	answerStop = "Stop"
)

// asking is the script that shows a question.
//
//go:embed asking.js
var asking string

// QuestionTitle is the title of a question's window.
const QuestionTitle = "terraform-provider-kustom asks"

// ErrStopped says that the user refused the click.
var ErrStopped = errors.New("you said Stop")

const (
	// answerInterval is the wait between two checks for the user's answer.
	answerInterval = 100 * time.Millisecond
	// proofLifetime is the maximum age of the proofs before an approved click. After a longer wait, they are made
	// again.
	proofLifetime = 2 * time.Second
	// approvalLifetime is how long an approval counts while the proofs are made again.
	approvalLifetime = 2 * time.Minute
	// userTime is how much longer a step may take that needs the user.
	userTime = 10 * time.Minute

	questionWidth, questionHeight = 640, 460
)

// HasDisplay reports whether there is a screen for a window, as far as that is known.
func HasDisplay(getenv func(string) string) bool {
	return runtime.GOOS != "linux" || getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != ""
}

// ApprovalTime is how much longer a step may take because a user is asked.
func (b *Browser) ApprovalTime() time.Duration {
	if b.options.Attended {
		return userTime
	}
	return 0
}

// approvals are the approved clicks that were not made yet. It is safe for concurrent use.
type approvals struct {
	mu    sync.Mutex
	until map[question]time.Time
}

func (a *approvals) has(q question) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Before(a.until[q])
}

func (a *approvals) add(q question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.until == nil {
		a.until = map[question]time.Time{}
	}
	a.until[q] = time.Now().Add(approvalLifetime)
}

func (a *approvals) drop(all []question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range all {
		delete(a.until, q)
	}
}

// Approve asks the user, if one attends, whether an element may be clicked in a step that changes something. It
// is for steps whose proofs must be fresh. If the answer took too long, the error is of the kind [Outdated] and
// nothing was clicked; the caller makes the proofs again and need not ask again. If the user said Stop, the
// error is of the kind [Stopped].
func (t *Tab) Approve(ctx context.Context, s Step, e *Element) error {
	start := time.Now()
	asked, err := t.approve(ctx, s, e)
	if err == nil && asked && time.Since(start) > proofLifetime {
		t.outdated = true
		return t.report(ctx, s, start, &StepError{Kind: Outdated})
	}
	return err
}

// approve asks the user, unless none attends or the click is approved already. It reports whether it asked.
func (t *Tab) approve(ctx context.Context, s Step, e *Element) (asked bool, err error) {
	if !t.browser.options.Attended || !s.Changing {
		return false, nil
	}
	start := time.Now()
	q := question{
		Site: t.account.site.Name, Host: t.account.site.URL.Host, Page: s.Page, Do: s.Do, Button: t.redact(e.Label()),
	}
	t.approved = append(t.approved, q)
	if t.browser.approvals.has(q) {
		return false, nil
	}
	if err := t.ask(ctx, q, e); err != nil {
		return true, t.report(ctx, s, start, &StepError{Kind: Stopped, Err: err})
	}
	t.browser.approvals.add(q)
	return true, nil
}

// conclude drops the approval, because another click with the same name is another question. It keeps the
// approval while the proofs are made again.
func (t *Tab) conclude() {
	if !t.outdated {
		t.browser.approvals.drop(t.approved)
	}
}

// ask shows a question and returns nil if the user says OK. The error is [ErrStopped] if the user says Stop or
// closes the window.
func (t *Tab) ask(ctx context.Context, q question, e *Element) error {
	answer, err := t.showSheet(ctx, q.sheet(), e, nil)
	if err == nil && answer != answerOK {
		err = ErrStopped
	}
	return err
}

// showSheet shows a sheet and returns the answer. It shows one sheet at a time. The answer is Stop if the user
// closes the window. If otherwise is given, showSheet polls it, and the answer is empty once it returns true. If
// e is not nil, the page scrolls to it.
func (t *Tab) showSheet(ctx context.Context, shown sheet, e *Element, otherwise func() bool) (answer string, err error) {
	if err := t.process.asking.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer t.process.asking.Release(1)
	t.bringToFront(ctx, e)
	window, err := t.openQuestion(ctx, shown)
	if err != nil {
		// The browser's own error does not say why it was cancelled.
		return "", cmp.Or(ctx.Err(), err)
	}
	defer window.close()
	if attendant := t.browser.options.Attendant; attendant != nil {
		go attendant(window.ctx)
	}
	for {
		answer, err := window.evaluate(ctx, "window.answer")
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			return answerStop, nil
		case answer != "":
			return answer, nil
		case otherwise != nil && otherwise():
			return "", nil
		}
		if err := pause(ctx, answerInterval); err != nil {
			return "", err
		}
	}
}

// bringToFront shows the page to the user and scrolls to the element. If that fails, the user is asked all the same.
func (t *Tab) bringToFront(ctx context.Context, e *Element) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	_ = t.run(ctx, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.BringToFront, cdp.Empty{})
		return err
	})
	if e != nil {
		_, _ = script[point](ctx, t, "clickPoint", e.id)
	}
}

// questionWindow is the window of a question.
type questionWindow struct {
	process *process
	profile cdp.BrowserContextID
	ctx     context.Context
	cancel  context.CancelFunc
}

// openQuestion opens a window with a question.
func (t *Tab) openQuestion(ctx context.Context, q sheet) (*questionWindow, error) {
	within, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	inBrowser, done := join(t.process.ctx, within)
	defer done()
	profile, err := newProfile(inBrowser)
	if err != nil {
		return nil, err
	}
	params := target.CreateTargetParams{URL: "about:blank", BrowserContextID: profile}
	if newWindow := true; t.browser.options.windowed() {
		params.NewWindow, params.Width, params.Height = &newWindow, questionWidth, questionHeight
	}
	w := &questionWindow{process: t.process, profile: profile, cancel: func() {}}
	made, err := chromedp.CallBrowser(inBrowser, target.CreateTarget, params)
	if err != nil {
		w.close()
		return nil, err
	}
	w.ctx, w.cancel = chromedp.NewContext(t.process.ctx, chromedp.WithTargetID(made.TargetID))
	unneeded := context.AfterFunc(within, w.cancel)
	err = chromedp.Do(w.ctx)
	if !unneeded() {
		err = errors.Join(err, within.Err())
	}
	if err == nil {
		var shown []byte
		shown, err = json.Marshal([]any{QuestionTitle, q.heading, q.facts, q.note, q.buttons})
		if err == nil {
			_, err = w.evaluate(within, "("+asking+")(..."+string(shown)+")")
		}
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// evaluate returns the value of an expression in the window, which is a text.
func (w *questionWindow) evaluate(ctx context.Context, expression string) (string, error) {
	inWindow, cancel := join(w.ctx, ctx)
	defer cancel()
	byValue := true
	got, err := chromedp.Call(inWindow, cdpruntime.Evaluate, cdpruntime.EvaluateParams{Expression: expression, ReturnByValue: &byValue})
	if err != nil {
		return "", err
	}
	var text string
	if json.Unmarshal(got.Result.Value, &text) != nil {
		return "", nil
	}
	return text, nil
}

// close closes the window and deletes its profile.
func (w *questionWindow) close() {
	w.cancel()
	w.process.disposeProfile(w.profile)
}
