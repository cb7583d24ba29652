package browsertest

import (
	"context"
	"sync"

	"github.com/chromedp/chromedp"
)

// Attendant answers in the windows that ask before a click, as a person does: with the mouse. It is safe for concurrent
// use.
type Attendant struct {
	// Choose returns the button to press, for what the window says.
	Choose func(question string) (button string)

	mu        sync.Mutex
	questions []string
	errs      []error
}

// Attend answers in one window.
func (a *Attendant) Attend(ctx context.Context) {
	question, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.title + "\n" + document.body.innerText`))
	a.mu.Lock()
	a.questions = append(a.questions, question)
	a.mu.Unlock()
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.Click(`//button[text()="`+a.Choose(question)+`"]`))
	}
	// The window may be closed before the mouse is let go.
	if err != nil && ctx.Err() == nil {
		a.mu.Lock()
		a.errs = append(a.errs, err)
		a.mu.Unlock()
	}
}

// Questions returns what was asked so far, and what went wrong with the answers.
func (a *Attendant) Questions() ([]string, []error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.questions...), append([]error(nil), a.errs...)
}
