package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Answer is how a person answers a window.
type Answer struct {
	// Click has the elements of the page to click, and Point the one to point at, as JavaScript expressions. Press is a
	// button of the window.
	Click        []string
	Point, Press string
}

// Teacher answers, with the mouse, the windows that ask a user to point at elements. It is safe for concurrent use.
type Teacher struct {
	// Hosts are the hosts of the pages.
	Hosts []string
	// Do returns the answer. It gets the text of the window.
	Do func(question string) Answer
	record
}

// Attend answers one window.
func (a *Teacher) Attend(ctx context.Context) {
	if !a.attend(ctx, func(question string) error { return a.answer(ctx, a.Do(question)) }) {
		// Otherwise, the provider would wait for an answer.
		_ = press(ctx, "Stop")
	}
}

func (a *Teacher) answer(ctx context.Context, d Answer) error {
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
	return press(ctx, d.Press)
}

// click clicks an element of the page, as soon as it exists and ready is true.
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
	return errors.New("the page does not have " + element)
}

// page returns the page of one of the hosts.
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
	return "", errors.New("no page of the hosts is open")
}
