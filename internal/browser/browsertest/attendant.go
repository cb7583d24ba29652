package browsertest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/chromedp/chromedp"
)

// Attendant answers, with the mouse, the windows that ask before a click. It is safe for concurrent use.
type Attendant struct {
	// Choose returns the button to press. It gets the text of the window.
	Choose func(question string) (button string)
	record
}

// Attend answers one window.
func (a *Attendant) Attend(ctx context.Context) {
	a.attend(ctx, func(question string) error { return press(ctx, a.Choose(question)) })
}

// press clicks a button of a window.
func press(ctx context.Context, button string) error {
	_, err := chromedp.Run(ctx, chromedp.Click(`//button[text()="`+button+`"]`))
	return err
}

// record has the questions of windows, and the errors of the answers.
type record struct {
	mu        sync.Mutex
	questions []string
	errs      []error
}

// attend records the question of a window, answers it, and reports whether that succeeded.
func (r *record) attend(ctx context.Context, answer func(question string) error) bool {
	question, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.title + "\n" + document.body.innerText`))
	r.mu.Lock()
	r.questions = append(r.questions, question)
	r.mu.Unlock()
	if err == nil {
		err = answer(question)
	}
	// The window may close before the mouse button is released.
	if err == nil || ctx.Err() != nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, fmt.Errorf("%q: %w", question, err))
	return false
}

// Questions returns the questions so far, and the errors of the answers.
func (r *record) Questions() ([]string, []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.questions), slices.Clone(r.errs)
}
