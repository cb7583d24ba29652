package browser

import (
	"context"
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

// Visit calls a function with a tab of its own for an account, and closes the tab.
func (b *Browser) Visit(ctx context.Context, a *Account, do func(*Visit) error) error {
	tab, err := b.Open(ctx, a)
	if err != nil {
		return err
	}
	defer tab.Close()
	return do(&Visit{Tab: tab, Words: a.site.Words})
}

// Reread calls a function that only reads. If the browser dies meanwhile, it calls the function once more.
func Reread(read func() error) error {
	err := read()
	if IsKind(err, Died) {
		err = read()
	}
	return err
}
