package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Deed is what a person does when a window asks.
type Deed struct {
	// Click and Point are expressions of JavaScript for elements of the page: those that the person clicks, and the one
	// that they point at. Press is a button of the window.
	Click        []string
	Point, Press string
}

// Teacher does what the windows ask of a person who teaches, with the mouse. It is safe for concurrent use.
type Teacher struct {
	// Hosts are those of the pages.
	Hosts []string
	// Do returns what to do, for what the window says.
	Do func(question string) Deed

	mu        sync.Mutex
	questions []string
	errs      []error
}

// Attend does what one window asks.
func (a *Teacher) Attend(ctx context.Context) {
	question, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.title + "\n" + document.body.innerText`))
	if err == nil {
		a.note(&a.questions, question)
		err = a.obey(ctx, a.Do(question))
	}
	// The window may be closed before the mouse is let go.
	if err != nil && ctx.Err() == nil {
		a.mu.Lock()
		a.errs = append(a.errs, fmt.Errorf("%q: %w", question, err))
		a.mu.Unlock()
		// Nobody is to wait for a teacher who is at a loss.
		_, _ = chromedp.Run(ctx, chromedp.Click(`//button[text()="Stop"]`))
	}
}

func (a *Teacher) note(all *[]string, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*all = append(*all, text)
}

func (a *Teacher) obey(ctx context.Context, d Deed) error {
	for _, element := range d.Click {
		if err := a.click(ctx, element, `true`); err != nil {
			return err
		}
	}
	if d.Point != "" {
		if err := a.click(ctx, d.Point, `document.documentElement.lastElementChild.popover === "manual"`); err != nil {
			return err
		}
	}
	if d.Press == "" {
		return nil
	}
	_, err := chromedp.Run(ctx, chromedp.Click(`//button[text()="`+d.Press+`"]`))
	return err
}

// click clicks an element of the page, as soon as it is there and the page is ready.
func (a *Teacher) click(ctx context.Context, element, ready string) error {
	where := fmt.Sprintf(`(() => {
		const e = %s;
		if (!e || !(%s)) return [];
		e.scrollIntoView({ block: "center", behavior: "instant" });
		let box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
		for (let f = e.ownerDocument.defaultView.frameElement; f; f = f.ownerDocument.defaultView.frameElement) {
			box = f.getBoundingClientRect(); x += box.x; y += box.y;
		}
		return [x, y];
	})()`, element, ready)
	page, err := a.page(ctx)
	if err != nil {
		return err
	}
	inPage, cancel := chromedp.NewContext(ctx, chromedp.WithTargetID(page), chromedp.WithDetachOnCancel())
	defer cancel()
	const limit = 10 * time.Second
	for start := time.Now(); time.Since(start) < limit && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		at, err := chromedp.Run(inPage, chromedp.Evaluate[[]float64](where))
		if err != nil {
			return err
		}
		if len(at) == 2 {
			return chromedp.Do(inPage, chromedp.MouseClickXY(at[0], at[1]))
		}
	}
	return errors.New("the page has not got " + element)
}

// page returns the page that the window asks about.
func (a *Teacher) page(ctx context.Context) (target.ID, error) {
	all, err := chromedp.Targets(ctx)
	if err != nil {
		return "", err
	}
	for _, info := range all {
		address, err := url.Parse(info.URL)
		for _, host := range a.Hosts {
			if err == nil && info.Type == "page" && address.Host == host {
				return info.TargetID, nil
			}
		}
	}
	return "", errors.New("there is no page")
}

// Questions returns what was asked so far, and what went wrong with the answers.
func (a *Teacher) Questions() ([]string, []error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.questions...), append([]error(nil), a.errs...)
}
