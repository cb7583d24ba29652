package portalpages

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Stores yields the stores that the user can see. Iteration ends at the first error. No stores at all are an
// error.
func (p *Portal) Stores(ctx context.Context) iter.Seq2[kustom.Store, error] {
	return func(yield func(kustom.Store, error) bool) {
		stores, err := p.stores(ctx)
		if err != nil {
			yield(kustom.Store{}, fmt.Errorf("list stores: %w", err))
			return
		}
		for _, store := range stores {
			if !yield(store, nil) {
				return
			}
		}
	}
}

func (p *Portal) stores(ctx context.Context) (stores []kustom.Store, err error) {
	err = p.look(ctx, func(v *visit) error {
		stores, err = v.stores(ctx)
		return err
	})
	return stores, err
}

// stores loads the API page and reads the list of stores.
func (v *visit) stores(ctx context.Context) ([]kustom.Store, error) {
	if err := v.open(ctx); err != nil {
		return nil, err
	}
	return v.listStores(ctx)
}

// selector returns the control that chooses the store: the list with that name, or else the one whose value has
// a merchant ID. It is nil if the page has none, which is possible for users of a single store.
func (v *visit) selector(p *browser.Page) (*browser.Element, error) {
	var all []*browser.Element
	for e := range p.All() {
		if (e.HasRole("combobox") || e.Popup != "" && e.Popup != "menu") && storeIn(selected(e)).MerchantID != "" {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		all = p.Find(v.Words.Choice(labelStores))
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	return nil, &browser.AbsentError{Targets: []browser.Target{v.Words.Choice(labelStores)}, Several: true}
}

// selected returns the value of a list.
func selected(selector *browser.Element) string {
	if selector.Tag != "select" {
		if selector.HasRole("textbox", "combobox") && selector.Value != "" {
			return selector.Value
		}
		return selector.Text()
	}
	for e := range selector.All() {
		if e.Role == "option" && e.Selected {
			return e.Text()
		}
	}
	return ""
}

// storeIn parses the text of a store: its name, then its merchant ID.
func storeIn(text string) kustom.Store {
	id := string(kustom.FindMerchantID(text))
	if id == "" {
		return kustom.Store{}
	}
	name := text[:strings.LastIndex(text, id)]
	return kustom.Store{MerchantID: id, Name: strings.Trim(name, " –—-·|()")}
}

// shown returns the store that the page is about: the selector's value, or else the only merchant ID that
// stands by itself on the page.
func (v *visit) shown(p *browser.Page) (string, error) {
	selector, err := v.selector(p)
	if err != nil {
		return "", err
	}
	if selector != nil {
		return storeIn(selected(selector)).MerchantID, nil
	}
	var ids []string
	for _, line := range p.Lines() {
		id := string(kustom.FindMerchantID(line))
		if id != "" && browser.Mentions(line, id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 1 {
		return ids[0], nil
	}
	return "", &browser.AbsentError{Targets: []browser.Target{v.Words.Choice(labelStores)}}
}

// choose switches the page to a store. That takes a moment, so the next look at the page has to check it. The
// error is a [*NoStoreError] if the whole list of stores lacks the store.
func (v *visit) choose(ctx context.Context, merchantID string) error {
	v.Page = "the API page"
	step := v.Step("choose store " + merchantID)
	at, err := v.currentPlace(ctx, step)
	if err != nil {
		return err
	}
	if at.Store != merchantID {
		if at.Selector == nil {
			return &NoStoreError{MerchantID: merchantID}
		}
		if err := v.pick(ctx, step, at, merchantID); err != nil {
			return err
		}
	}
	// Every later read of the page checks that it is about the store.
	v.Page = "the API page of store " + merchantID
	return nil
}

// place is the location of a page.
type place struct {
	Store    string
	Selector *browser.Element
	// Before is what looked like an entry of the list of stores before the list was opened.
	Before []*browser.Element
}

// place returns where the page is.
func (v *visit) place(p *browser.Page) (place, error) {
	store, err := v.shown(p)
	if err != nil {
		return place{}, err
	}
	selector, err := v.selector(p)
	return place{store, selector, options(p, nil)}, err
}

// currentPlace returns where the page is: what was read when it was opened, or else what it shows now.
func (v *visit) currentPlace(ctx context.Context, step browser.Step) (place, error) {
	at := v.at
	v.at = place{}
	if at.Selector != nil {
		return at, nil
	}
	return browser.Await(ctx, v.Tab, step, v.place)
}

// isShown returns nil if the page is about the store.
func (v *visit) isShown(p *browser.Page, merchantID string) error {
	store, err := v.shown(p)
	if err == nil && store != merchantID {
		err = browser.Absent("the page shows store %q, not %s", store, merchantID)
	}
	return err
}

// pick opens the list of stores, and chooses one.
func (v *visit) pick(ctx context.Context, step browser.Step, at place, merchantID string) error {
	brief := step
	brief.Brief = true
	list, err := v.openStores(ctx, brief, at)
	if err != nil {
		return err
	}
	if list.Search != nil {
		if err := v.Fill(ctx, step, list.Search, merchantID); err != nil {
			return err
		}
		found, err := v.offered(ctx, brief, list, merchantID)
		if err != nil {
			return err
		}
		if found != nil {
			return v.Choose(ctx, step, found)
		}
		if err := v.Fill(ctx, step, list.Search, ""); err != nil {
			return err
		}
	}
	all, err := v.readStores(ctx, step, list, merchantID)
	if err != nil {
		return err
	}
	if all.found == nil {
		return &NoStoreError{MerchantID: merchantID}
	}
	if err := v.Choose(ctx, step, all.found); err != nil || at.Selector.Tag != "select" {
		return err
	}
	return v.applyChoice(ctx, step)
}

// applyButton is the button that applies a list's choice; nil if the page has none.
type applyButton struct{ Button *browser.Element }

// applyChoice presses the button beside the list of stores, if there is one. A page without scripts applies the choice
// only then.
func (v *visit) applyChoice(ctx context.Context, step browser.Step) error {
	found, err := browser.Await(ctx, v.Tab, step, func(p *browser.Page) (applyButton, error) {
		selector, err := v.selector(p)
		if err != nil || selector == nil {
			return applyButton{}, err
		}
		return applyButton{v.besideSelector(selector)}, nil
	})
	if err != nil || found.Button == nil {
		return err
	}
	return v.Click(ctx, step, found.Button)
}

// besideSelector returns the only other control in the nearest box around the list that has one, if it applies
// a choice.
func (v *visit) besideSelector(selector *browser.Element) *browser.Element {
	for box := selector.Parent(); box != nil; box = box.Parent() {
		actions := slices.DeleteFunc(box.Actions(), func(e *browser.Element) bool { return selector.Contains(e) || e.Contains(selector) })
		if len(actions) == 0 {
			continue
		}
		if shows := box.Find(v.Words.Action(labelShow).Before("store", "stores", "key", "keys", "butikk", "butik")); len(actions) == 1 && len(shows) == 1 && !shows[0].Disabled {
			return shows[0]
		}
		return nil
	}
	return nil
}

// storeList is an open list of stores.
type storeList struct {
	// Selector has the list. Search filters it, and may be nil.
	Selector, Search *browser.Element
	Options, Before  []*browser.Element
}

// Quiet implements [browser.Quieter]. A list that can be searched is not read yet.
func (l storeList) Quiet() time.Duration {
	if l.Search != nil {
		return 0
	}
	return browser.Settled
}

// openStores opens the list of stores.
func (v *visit) openStores(ctx context.Context, step browser.Step, at place) (storeList, error) {
	selector := at.Selector
	list := storeList{Selector: selector, Before: at.Before}
	if selector.Tag != "select" {
		if err := v.Click(ctx, step, selector); err != nil {
			return list, err
		}
	}
	return browser.Await(ctx, v.Tab, step, func(p *browser.Page) (storeList, error) {
		list.Options = options(p, list.Before)
		if len(list.Options) == 0 {
			return list, browser.Absent("the list of stores is empty, or not open")
		}
		list.Search = searchOf(p, selector)
		return list, nil
	})
}

// options returns the entries of the open list of stores. Before is what looked like an entry before the list
// was opened: if entries have no role, the box that opens the list has an entry's text.
func options(p *browser.Page, before []*browser.Element) []*browser.Element {
	var found []*browser.Element
	for e := range p.All() {
		if e.HasRole("option", "menuitem", "menuitemradio", "treeitem") && storeIn(e.Text()).MerchantID != "" {
			found = append(found, e)
		}
	}
	if len(found) > 0 {
		return found
	}
	// A list without roles has clickable boxes, one for each store.
	for _, e := range p.Actions() {
		same := func(other *browser.Element) bool { return e.Is(other) || e.Box == other.Box }
		if !e.HasRole("combobox", "link") && e.Popup == "" && len(kustomIDs(e.Text())) == 1 && !namesKey(e) && !slices.ContainsFunc(before, same) {
			found = append(found, e)
		}
	}
	return found
}

// namesKey reports whether an element is about a key, as a row of the list is.
func namesKey(e *browser.Element) bool {
	return slices.ContainsFunc(strings.Fields(e.Text()), isUsername)
}

// kustomIDs returns the merchant IDs in a text.
func kustomIDs(text string) []string {
	var ids []string
	for _, word := range strings.Fields(text) {
		if id := string(kustom.FindMerchantID(word)); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// searchOf returns the field that filters an open list, or nil.
func searchOf(p *browser.Page, selector *browser.Element) *browser.Element {
	if selector.Tag == "select" {
		return nil
	}
	var fields []*browser.Element
	for e := range p.All() {
		if e.Tag == "input" && e.HasRole("textbox", "searchbox", "combobox") && !e.ReadOnly {
			fields = append(fields, e)
		}
	}
	if len(fields) == 1 {
		return fields[0]
	}
	return nil
}

// offered returns the store's entry in a filtered list; nil if there is none.
func (v *visit) offered(ctx context.Context, step browser.Step, list storeList, merchantID string) (*browser.Element, error) {
	found, err := browser.Await(ctx, v.Tab, step, func(p *browser.Page) (storeOption, error) {
		for _, option := range options(p, list.Before) {
			if storeIn(option.Text()).MerchantID == merchantID {
				return storeOption{option}, nil
			}
		}
		return storeOption{}, nil
	})
	return found.Option, err
}

// storeOption is an entry of a list. Its absence must be observed for a while before it counts.
type storeOption struct{ Option *browser.Element }

// Quiet implements [browser.Quieter].
func (o storeOption) Quiet() time.Duration {
	if o.Option == nil {
		return browser.SettledEmpty
	}
	return 0
}

// allStores is a list that was read to its end, or to the requested store.
type allStores struct {
	stores []kustom.Store
	found  *browser.Element
}

// maxScrolls limits how far a list is read.
const maxScrolls = 1000

// errEndless says that a list does not end.
var errEndless = errors.New("the list has no end")

// readStores reads the open list to its end, or to the store. Lists of hundreds of stores draw only the visible
// part.
func (v *visit) readStores(ctx context.Context, step browser.Step, list storeList, until string) (allStores, error) {
	var all allStores
	if list.Search != nil {
		// Nobody has waited for the list itself.
		step.Quiet = browser.Settled
	}
	for range maxScrolls {
		got, err := browser.Await(ctx, v.Tab, step, func(p *browser.Page) ([]*browser.Element, error) {
			found := options(p, list.Before)
			if len(found) == 0 {
				return nil, browser.Absent("the list of stores is empty, or no longer open")
			}
			return found, nil
		})
		if err != nil {
			return all, err
		}
		step.Quiet = 0
		for _, option := range got {
			store := storeIn(option.Text())
			if store.MerchantID == until && until != "" {
				all.found = option
				return all, nil
			}
			if !slices.ContainsFunc(all.stores, func(s kustom.Store) bool { return s.MerchantID == store.MerchantID }) {
				all.stores = append(all.stores, store)
			}
		}
		if list.Selector.Tag == "select" {
			return all, nil
		}
		moved, err := v.Scroll(ctx, step, got[len(got)-1], false)
		if err != nil || !moved {
			return all, err
		}
	}
	return all, errEndless
}

// listStores reads all stores on the API page, and leaves the list closed.
func (v *visit) listStores(ctx context.Context) ([]kustom.Store, error) {
	step := v.Step("read the list of stores")
	at, err := v.currentPlace(ctx, step)
	if err != nil {
		return nil, err
	}
	if at.Selector == nil {
		return []kustom.Store{{MerchantID: at.Store}}, nil
	}
	list, err := v.openStores(ctx, step, at)
	if err != nil {
		return nil, err
	}
	all, err := v.readStores(ctx, step, list, "")
	if err != nil {
		return nil, err
	}
	if at.Selector.Tag == "select" {
		return all.stores, nil
	}
	return all.stores, v.Escape(ctx, step)
}
