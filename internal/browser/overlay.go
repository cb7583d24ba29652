package browser

import (
	"context"
	"regexp"
	"sync"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// consent finds texts that ask to accept cookies, in the languages of the vendors' countries.
var consent = regexp.MustCompile(`(?i)cookie|informasjonskaps|samtykke|samtycke|kakor|eväste|consent|gdpr`)

// necessary are the labels that refuse all cookies but the necessary ones. None of them accepts more.
func necessary() Target {
	return Target{Kind: Action, Words: []string{
		"Reject all", "Reject", "Decline", "Decline all", "Deny", "Deny all", "Only necessary", "Necessary only", "Use necessary cookies only",
		"Only necessary cookies", "Accept only necessary", "Essential only", "Only essential", "Reject non-essential", "Refuse",
		"Avvis alle", "Avvis", "Kun nødvendige", "Bare nødvendige", "Godta bare nødvendige", "Neka alla", "Neka", "Endast nödvändiga",
		"Afvis alle", "Kun nødvendige cookies", "Vain välttämättömät", "Hylkää kaikki",
	}}
}

// asksConsent reports whether an element is a cookie banner: a box of its own with no more than a paragraph or
// two.
func asksConsent(e *Element) bool {
	const most = 2000
	if e.Position != "fixed" && e.Position != "sticky" && !e.HasRole("dialog", "alertdialog", "region") {
		return false
	}
	text := e.Text()
	return len(text) <= most && consent.MatchString(text)
}

// clear closes overlays that are unrelated to the step. It refuses the cookies of a consent banner. While a
// step changes something, it clicks nothing.
func (t *Tab) clear(ctx context.Context, s Step, page *Page) {
	if s.Changing {
		return
	}
	for e := range page.All() {
		if !asksConsent(e) {
			continue
		}
		for _, button := range e.Find(necessary()) {
			if t.mayClick(s, button) == nil {
				// The next look shows whether it worked.
				_, _, _ = t.click(ctx, button)
				return
			}
		}
	}
}

// dialogText is the text of the last dialog of the browser itself on a page. It is safe for concurrent use.
type dialogText struct {
	mu   sync.Mutex
	text string
}

func (d *dialogText) set(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text = text
}

func (d *dialogText) last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text
}

// TakeDialogText returns the text of the last dialog of the browser itself, and clears it. Such a dialog is always dismissed.
func (t *Tab) TakeDialogText() string {
	text := t.redact(t.dialog.last())
	t.dialog.set("")
	return text
}

// handle handles every event of the tab. It must not block: see chromedp.Listen.
func (t *Tab) handle(event any) {
	t.net.handle(event, t.account.site.URL)
	if t.browser.options.Visible {
		// The user answers the page's dialog.
		return
	}
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		// A dialog about leaving the page is accepted; all others are dismissed.
		leaving := e.Type == page.DialogTypeBeforeunload
		if !leaving {
			t.dialog.set(e.Message)
		}
		go t.dismiss(leaving)
	case *page.EventWindowOpen:
		go t.closeOpened()
	case *page.EventFrameNavigated:
		t.gate.follow(e)
	case *fetch.EventRequestPaused:
		go t.answer(e)
	}
}

// dismiss closes the browser's own dialog, which blocks the page.
func (t *Tab) dismiss(accept bool) {
	ctx, cancel := context.WithTimeout(t.ctx, closeTimeout)
	defer cancel()
	// A dialog that is gone already needs no closing.
	_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
}

// closeOpened closes the windows that the page has opened. A window may open some time after its request.
func (t *Tab) closeOpened() {
	ctx, cancel := context.WithTimeout(t.ctx, closeTimeout)
	defer cancel()
	own := chromedp.FromContext(t.ctx).Target.TargetID
	for ctx.Err() == nil {
		got, err := chromedp.CallBrowser(ctx, target.GetTargets, target.GetTargetsParams{})
		if err != nil {
			return
		}
		for _, info := range got.TargetInfos {
			if info.OpenerID == own {
				_, _ = chromedp.CallBrowser(ctx, target.CloseTarget, target.CloseTargetParams{TargetID: info.TargetID})
				return
			}
		}
		_ = pause(ctx, lookInterval)
	}
}
