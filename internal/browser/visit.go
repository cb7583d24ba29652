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

const (
	// maxHandovers is how often a tab may pass from visit to visit before it is closed, so that other accounts get their
	// turn.
	maxHandovers = 8
	// parkTime is how long a tab stays open for the next visit of its account, if nobody else needs a tab.
	parkTime = 3 * time.Second
)

// handovers pass tabs to visits that wait for one, or keep them for the next one. They are safe for concurrent use.
type handovers struct {
	mu      sync.Mutex
	waiting map[*Account][]chan *Tab
	// parked are the tabs without a visit. The one that has been without for longest is first.
	parked []*Tab
}

// wait returns a parked tab of an account, or else where a visit receives a tab until it leaves.
func (h *handovers) wait(a *Account) (parked *Tab, handed chan *Tab) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, tab := range h.parked {
		if tab.account == a && tab.isReusable() {
			h.parked = slices.Delete(h.parked, i, i+1)
			return tab, nil
		}
	}
	if h.waiting == nil {
		h.waiting = map[*Account][]chan *Tab{}
	}
	handed = make(chan *Tab, 1)
	h.waiting[a] = append(h.waiting[a], handed)
	return nil, handed
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

// pass gives a tab to the visit of its account that has waited longest. If no visit of any account waits, it parks the
// tab. It returns false if it does neither.
func (h *handovers) pass(t *Tab) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if all := h.waiting[t.account]; len(all) > 0 {
		all[0] <- t
		h.set(t.account, all[1:])
		return true
	}
	if len(h.waiting) > 0 {
		return false
	}
	h.parked = append(h.parked, t)
	turn := t.handed
	time.AfterFunc(parkTime, func() {
		if h.unpark(func(other *Tab) bool { return other == t && t.handed == turn }) {
			t.Close()
		}
	})
	return true
}

// unpark removes the first parked tab that is wanted, and reports whether there is one.
func (h *handovers) unpark(wanted func(*Tab) bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.parked, wanted)
	if i >= 0 {
		h.parked = slices.Delete(h.parked, i, i+1)
	}
	return i >= 0
}

// makeRoom closes the tab that has been parked for longest, if there is one.
func (h *handovers) makeRoom() {
	var oldest *Tab
	if h.unpark(func(t *Tab) bool { oldest = t; return true }) {
		oldest.Close()
	}
}

func (h *handovers) set(a *Account, all []chan *Tab) {
	if len(all) == 0 {
		delete(h.waiting, a)
		return
	}
	h.waiting[a] = all
}

// handOver gives the tab to a visit of the same account that waits for one, or keeps it for the next one. It reports
// whether it did. To open a tab takes the browser a new process.
func (t *Tab) handOver() bool {
	o := t.browser.options
	asks := o.windowed() || o.Attended || o.Taught != nil
	if asks || t.handed == maxHandovers || !t.isReusable() {
		return false
	}
	t.conclude()
	t.handed++
	return t.browser.handovers.pass(t)
}

// isReusable reports whether another visit may use the tab. It may not if anything of the last one might remain in it: a
// typed or shown secret, a dialog, or a blocked request.
func (t *Tab) isReusable() bool {
	return t.process.alive() && t.ctx.Err() == nil && t.gate.isClean() && t.dialog.last() == ""
}

// Reread calls a function that only reads. If the browser dies meanwhile, it calls the function once more.
func Reread(read func() error) error {
	err := read()
	if IsKind(err, Died) {
		err = read()
	}
	return err
}
