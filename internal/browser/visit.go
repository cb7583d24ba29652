package browser

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// Settled is how long a page's content must stay the same before it counts: rows may appear after their table.
	Settled = time.Second
	// SettledEmpty is the same for a conclusion from an absence: apps show an empty list before a full one.
	SettledEmpty = 3 * time.Second
)

// Visit is one tab's path through a site. It is not safe for concurrent use.
type Visit struct {
	*Tab
	Words Words
	// Page names the current page for people.
	Page string
}

// Step returns a step on the current page.
func (v *Visit) Step(do string) Step { return Step{Page: v.Page, Do: do} }

// Visit calls a function with a tab of its own for an account, and closes the tab. The function must load a page
// first: the tab may show the last page of another visit.
func (b *Browser) Visit(ctx context.Context, a *Account, do func(*Visit) error) error {
	tab, err := b.Open(ctx, a)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done || !tab.handOver() {
			tab.Close()
		}
	}()
	err = do(&Visit{Tab: tab, Words: a.site.Words})
	done = err == nil
	return err
}

// maxHandovers is how often a tab may pass from visit to visit before it is closed, so that other accounts get their
// turn.
const maxHandovers = 8

// handovers pass tabs to visits that wait for one. They are safe for concurrent use.
type handovers struct {
	mu      sync.Mutex
	waiting map[*Account][]chan *Tab
}

// wait returns where a visit of an account receives a tab, until it leaves.
func (h *handovers) wait(a *Account) chan *Tab {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[*Account][]chan *Tab{}
	}
	handed := make(chan *Tab, 1)
	h.waiting[a] = append(h.waiting[a], handed)
	return handed
}

// leave ends a wait. It returns the tab that was passed meanwhile, or nil.
func (h *handovers) leave(a *Account, handed chan *Tab) *Tab {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set(a, slices.DeleteFunc(h.waiting[a], func(other chan *Tab) bool { return other == handed }))
	select {
	case tab := <-handed:
		return tab
	default:
		return nil
	}
}

// pass gives a tab to the visit of its account that has waited longest, and reports whether there is one.
func (h *handovers) pass(t *Tab) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.waiting[t.account]
	if len(all) == 0 {
		return false
	}
	all[0] <- t
	h.set(t.account, all[1:])
	return true
}

func (h *handovers) set(a *Account, all []chan *Tab) {
	if len(all) == 0 {
		delete(h.waiting, a)
		return
	}
	h.waiting[a] = all
}

// handOver gives the tab to a visit of the same account that waits for one, and reports whether there was one. To open
// a tab takes the browser a new process. A tab is not handed over if anything of the visit might remain in it:
// a typed or shown secret, a dialog, a blocked request, or a user's window.
func (t *Tab) handOver() bool {
	o := t.browser.options
	asks := o.windowed() || o.Attended || o.Taught != nil
	if asks || t.handed == maxHandovers || !t.process.alive() || !t.gate.isClean() || t.asked.last() != "" {
		return false
	}
	t.conclude()
	t.handed++
	return t.browser.handovers.pass(t)
}

// Reread calls a function that only reads. If the browser dies meanwhile, it calls the function once more.
func Reread(read func() error) error {
	err := read()
	if IsKind(err, Died) {
		err = read()
	}
	return err
}
