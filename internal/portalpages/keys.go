package portalpages

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

const (
	// maxPages limits the pages of a list.
	maxPages = 100
	// maxReadings is how often a list is read that changes while its pages are read.
	maxReadings = 3
)

// Keys yields the keys of one store. If merchantID is empty, it yields the keys of all stores that the user can
// see. Iteration ends at the first error. A list that may be incomplete is an error.
func (p *Portal) Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		keys, err := p.keys(ctx, merchantID)
		if err != nil {
			yield(kustom.Key{}, err)
			return
		}
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

func (p *Portal) keys(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	if merchantID != "" {
		return p.storeKeys(ctx, merchantID)
	}
	keys, err := p.allKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	return keys, nil
}

// storesPerTab is how many stores' lists a tab reads before another one is opened for more. Another tab costs a page load, and
// other visits have one tab less meanwhile.
const storesPerTab = 5

// allKeys returns the keys of all stores, in one page load for each tab.
func (p *Portal) allKeys(ctx context.Context) ([]kustom.Key, error) {
	var all *lists
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var read func(context.Context, *visit) error
		return p.look(ctx, func(v *visit) error {
			// After the browser has died, look calls this again. The first tab then continues with the list at which it was.
			if read != nil {
				return read(ctx, v)
			}
			stores, err := v.stores(ctx)
			if err != nil {
				return err
			}
			all = &lists{stores: stores, keys: make([][]kustom.Key, len(stores))}
			read = all.reader()
			for range min(p.Browser.MaxTabs(), (len(stores)+storesPerTab-1)/storesPerTab) - 1 {
				another := all.reader()
				group.Go(func() error { return p.look(ctx, func(v *visit) error { return another(ctx, v) }) })
			}
			// The page has just been loaded, so it shows the beginning of a list.
			v.single = true
			return read(ctx, v)
		})
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(all.keys...), nil
}

// lists are the lists of several stores, which several tabs read.
type lists struct {
	stores []kustom.Store
	keys   [][]kustom.Key
	// begun is how many lists some tab reads or has read.
	begun atomic.Int64
}

func (l *lists) next() int { return int(l.begun.Add(1)) - 1 }

// reader returns a function that reads lists on one page after the other until none is left. After an error, it can be called
// with another visit to go on.
func (l *lists) reader() func(context.Context, *visit) error {
	i := l.next()
	return func(ctx context.Context, v *visit) (err error) {
		for ; i < len(l.stores); i = l.next() {
			if l.keys[i], err = v.listAnother(ctx, l.stores[i].MerchantID); err != nil {
				return fmt.Errorf("store %s: %w", l.stores[i].MerchantID, err)
			}
		}
		return nil
	}
}

// storeKeys returns the keys of a store.
func (p *Portal) storeKeys(ctx context.Context, merchantID string) (keys []kustom.Key, err error) {
	err = p.look(ctx, func(v *visit) error {
		keys, err = v.list(ctx, merchantID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the API keys of store %s: %w", merchantID, err)
	}
	return keys, nil
}

// Key returns a key, or a [*kustom.NoKeyError] if there is none.
func (p *Portal) Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	keys, err := p.storeKeys(ctx, merchantID)
	if err != nil {
		return kustom.Key{}, err
	}
	if i := indexOf(keys, credentialID); i >= 0 {
		return keys[i], nil
	}
	return kustom.Key{}, &kustom.NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
}

// indexOf returns the index of the key with a username, or -1.
func indexOf(keys []kustom.Key, username string) int {
	return slices.IndexFunc(keys, func(k kustom.Key) bool { return k.Username == username })
}

// list loads the store's list, and reads all pages of it. It ends on the last page.
func (v *visit) list(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	return v.listUntil(ctx, merchantID, "")
}

// listUntil is like list, but ends on the page that shows the key with a username, if there is one.
func (v *visit) listUntil(ctx context.Context, merchantID, username string) ([]kustom.Key, error) {
	var changed *listChangedError
	for range maxReadings {
		if err := v.enter(ctx, merchantID); err != nil {
			return nil, err
		}
		keys, err := v.readAll(ctx, merchantID, username)
		if !errors.As(err, &changed) {
			return keys, err
		}
	}
	return nil, changed
}

// listAnother reads the list of a store that this visit has not read on the loaded page, so that the page must request it. If
// the list can't be read, the last one had several pages, or no page is loaded, it loads the page: a page may go on at a later
// page of the list.
func (v *visit) listAnother(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	if v.single {
		err := v.choose(ctx, merchantID)
		if err == nil {
			var keys []kustom.Key
			if keys, err = v.readAll(ctx, merchantID, ""); err == nil {
				return keys, nil
			}
		}
		if browser.IsKind(err, browser.Died) {
			return nil, err
		}
	}
	return v.list(ctx, merchantID)
}

// enter loads the API page and switches it to the store.
func (v *visit) enter(ctx context.Context, merchantID string) error {
	if err := v.open(ctx); err != nil {
		return err
	}
	return v.choose(ctx, merchantID)
}

// listChangedError says that a list changed while it was read.
type listChangedError struct{ page, what string }

func (e *listChangedError) Error() string {
	return fmt.Sprintf("%s: the list of keys is not complete: %s", e.page, e.what)
}

// readAll reads the pages of the list from the current one, to the end or to the key with a username. It sets
// v.single to whether the list has one page.
func (v *visit) readAll(ctx context.Context, merchantID, until string) ([]kustom.Key, error) {
	var all []kustom.Key
	grown := false
	for page := range maxPages {
		read, err := v.readPage(ctx, merchantID, all)
		if err != nil {
			return nil, err
		}
		v.single = page == 0 && read.Next == nil
		for _, key := range read.Keys {
			if indexOf(all, key.Username) < 0 {
				all = append(all, key)
			} else if !grown {
				return nil, &listChangedError{v.Page, "key " + key.Username + " is on two pages"}
			}
		}
		if read.Next == nil {
			return v.checkTotal(all, read)
		}
		if until != "" && indexOf(read.Keys, until) >= 0 {
			return all, nil
		}
		grown = read.Grows
		if err := v.Click(ctx, v.Step("turn to the next page of keys"), read.Next); err != nil {
			return nil, err
		}
	}
	return nil, errEndless
}

// checkTotal compares the number of keys read with the number that the list shows.
func (v *visit) checkTotal(all []kustom.Key, read keyPage) ([]kustom.Key, error) {
	if read.Total >= 0 && read.Total != len(all) {
		return nil, &listChangedError{v.Page, fmt.Sprintf("it says that there are %d, but shows %d", read.Total, len(all))}
	}
	return all, nil
}

// shownKeys is the list on the page of the last click; empty if the page does not have all of it. It is no
// proof: a page may show an expected result before the server has confirmed it.
type shownKeys struct {
	Keys []kustom.Key
	All  bool
	// Expected reports that the list is the expected result of the click, and Counted is as in [keyPage].
	Expected, Counted bool
}

// Quiet implements [browser.Quieter].
func (s shownKeys) Quiet() time.Duration {
	switch {
	case !s.Expected || len(s.Keys) == 0:
		return browser.SettledEmpty
	case s.Counted:
		return 0
	}
	return browser.Settled
}

// readShown reads the list on the page of the last click without loading it again, if the page has all of it. The
// result says whether the list is as expected. If not, load the page again.
func (v *visit) readShown(ctx context.Context, merchantID string, expected func(keys []kustom.Key) bool) ([]kustom.Key, bool) {
	if !v.single {
		return nil, false
	}
	seen, err := browser.Await(ctx, v.Tab, v.Step("read the list of keys"), func(p *browser.Page) (shownKeys, error) {
		read, err := v.read(p, merchantID)
		// An unreadable list is no answer, and waiting does not help. The caller loads the page again.
		if whole := read.Next == nil && (read.Total < 0 || read.Total == len(read.Keys)); err == nil && whole && len(p.Dialogs()) == 0 {
			return shownKeys{read.Keys, true, expected(read.Keys), read.Counted}, nil
		}
		return shownKeys{}, nil
	})
	return seen.Keys, err == nil && seen.All && seen.Expected
}

// keyPage is one page of a list of keys.
type keyPage struct {
	Keys []kustom.Key
	// Total is the number of keys that the list shows; -1 if it shows none.
	Total int
	// Next leads to the next part; nil at the end. Grows reports that it adds to the current part.
	Next  *browser.Element
	Grows bool
	// Counted reports that the page has got an answer since the last click, and shows as many keys as the list says that
	// there are. So no row is still to come.
	Counted bool
	// Rows are the keys' rows, in the same order.
	Rows []browser.Entry `json:"-"`
}

// Quiet implements [browser.Quieter].
func (k keyPage) Quiet() time.Duration {
	switch {
	case len(k.Keys) == 0:
		return browser.SettledEmpty
	case k.Counted:
		return 0
	}
	return browser.Settled
}

// readPage waits until the page shows another part of the list than before, and reads it.
func (v *visit) readPage(ctx context.Context, merchantID string, before []kustom.Key) (keyPage, error) {
	return browser.Await(ctx, v.Tab, v.Step("read the list of keys"), func(p *browser.Page) (keyPage, error) {
		read, err := v.read(p, merchantID)
		if err != nil || len(before) == 0 {
			return read, err
		}
		if len(read.Keys) == 0 || indexOf(before, read.Keys[len(read.Keys)-1].Username) >= 0 {
			return read, browser.Absent("the next page of keys does not load")
		}
		return read, nil
	})
}

// read returns what a page of the list shows. It fails if anything is not as expected. Reading a key as gone,
// or as another key, would be worse (I1, I3).
func (v *visit) read(p *browser.Page, merchantID string) (keyPage, error) {
	if v.refuses(p) {
		return keyPage{}, &NoAccessError{}
	}
	if err := v.isShown(p, merchantID); err != nil {
		return keyPage{}, err
	}
	read := keyPage{Total: v.total(p), Rows: v.rows(p)}
	read.Next, read.Grows = v.nextPart(p)
	if len(read.Rows) == 0 {
		if read.Next != nil {
			return keyPage{}, browser.Absent("the list continues after this page, but shows no row")
		}
		return read, v.isEmpty(p, read.Total)
	}
	if err := v.checkRows(read.Rows); err != nil {
		return keyPage{}, err
	}
	for _, row := range read.Rows {
		key, err := v.key(row, merchantID)
		if err != nil {
			return keyPage{}, err
		}
		read.Keys = append(read.Keys, key)
	}
	read.Counted = p.Answered && read.Next == nil && read.Total == len(read.Keys)
	return read, nil
}

// rows returns the rows of the keys. Their Key IDs mark them.
func (v *visit) rows(p *browser.Page) []browser.Entry {
	headers := []browser.Target{
		v.Words.Text(labelKeyID), v.Words.Text(labelCreated), v.Words.Text(labelLastUsed), v.Words.Text(labelExpires),
	}
	generate := v.generateNew()
	var apart []*browser.Element
	apart = append(apart, p.Find(generate)...)
	entries := p.Entries(isUsername, headers, func(e *browser.Element) bool { return slices.Contains(apart, e) })
	// Dialogs, such as the one of a new key, are not part of the list.
	return slices.DeleteFunc(entries, func(e browser.Entry) bool {
		return slices.ContainsFunc(p.Dialogs(), func(d *browser.Element) bool { return d.Contains(e.At) })
	})
}

// checkRows returns an error where the list has a row without a Key ID of a known form.
func (v *visit) checkRows(rows []browser.Entry) error {
	table := rows[0].At.Closest(func(e *browser.Element) bool { return e.HasRole("table", "grid", "treegrid") })
	if table == nil {
		return nil
	}
	for e := range table.All() {
		if !e.HasRole("row") || !hasCells(e) || e.Text() == "" {
			continue
		}
		if !slices.ContainsFunc(rows, func(r browser.Entry) bool { return e.Contains(r.At) }) {
			return browser.Absent("a row of the list has no Key ID in a known form")
		}
	}
	return nil
}

func hasCells(row *browser.Element) bool {
	for e := range row.All() {
		if e.HasRole("cell", "gridcell") {
			return true
		}
	}
	return false
}

// isEmpty returns nil if the page shows that the store has no keys: by a count, in words, or by a list with
// columns and without rows.
func (v *visit) isEmpty(p *browser.Page, total int) error {
	switch {
	case total > 0:
		return browser.Absent("the list says that there are %d keys, but shows none", total)
	case total == 0, p.Has(v.Words.Text(labelNoKeys)):
		return nil
	case p.Has(v.Words.Text(labelKeyID)) && p.Has(v.Words.Text(labelCreated)):
		return nil
	}
	return &browser.AbsentError{Targets: []browser.Target{v.Words.Text(labelKeyID)}}
}

// counts are how a list says how many entries it has: "2 results", "10/3802 Results", "1–10 of 42".
var counts = [...]*regexp.Regexp{
	regexp.MustCompile(`(?i)^(?:[0-9]+ ?/ ?)?([0-9][0-9 .,]*) (?:results?|keys?|api keys?|entries|items|resultater?|nøkler|treff)$`),
	regexp.MustCompile(`(?i)^(?:showing )?[0-9]+ ?[–-] ?[0-9]+ (?:of|av) ([0-9][0-9 .,]*)(?: \pL+)*$`),
}

// total returns the number of keys that the list shows; -1 if it shows none.
func (v *visit) total(p *browser.Page) int {
	for _, line := range p.Lines() {
		for _, form := range counts {
			found := form.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			if n, err := strconv.Atoi(strings.NewReplacer(" ", "", ".", "", ",", "").Replace(found[1])); err == nil {
				return n
			}
		}
	}
	return -1
}

// nextPart returns the element that shows more of the list, and whether it adds to the current part.
func (v *visit) nextPart(p *browser.Page) (next *browser.Element, grows bool) {
	for _, e := range p.Find(v.Words.Action(labelLoadMore).Before("results", "rows", "api", "keys", "resultater", "nøkler", "nycklar")) {
		if !e.Disabled {
			return e, true
		}
	}
	turns := p.Find(v.Words.Action(labelNext).Before("page", "results", "rows", "keys", "side", "sida"))
	for _, e := range turns {
		if !e.Disabled {
			return e, false
		}
	}
	if len(turns) > 0 {
		return nil, false
	}
	return nextNumber(p), false
}

// nextNumber returns the page number after the current one, if a list has page numbers and nothing else.
func nextNumber(p *browser.Page) *browser.Element {
	for current := range p.All() {
		n, err := strconv.Atoi(current.Text())
		if !current.Current || err != nil || current.Parent() == nil {
			continue
		}
		pager := current.Closest(func(e *browser.Element) bool {
			return e.HasRole("navigation", "list") || e.Tag == "div" && e != current
		})
		if pager == nil {
			continue
		}
		for _, e := range pager.Actions() {
			if e.Text() == strconv.Itoa(n+1) && !e.Disabled {
				return e
			}
		}
	}
	return nil
}

// key reads a row of the list.
func (v *visit) key(row browser.Entry, merchantID string) (kustom.Key, error) {
	username := row.Mark
	if store, ok := kustom.StoreOf(username); ok && store != merchantID {
		return kustom.Key{}, browser.Absent("a row of the list shows a key of another store than %s", merchantID)
	}
	key := kustom.Key{
		MerchantID: merchantID, CredentialID: username, Username: username, Environment: environment(merchantID), Status: kustom.StatusActive,
	}
	created, err := v.date(row, labelCreated)
	if err != nil {
		return kustom.Key{}, err
	}
	if created == nil {
		return kustom.Key{}, browser.Absent("the list does not say when key %s was created", username)
	}
	key.CreatedAt, key.Precision = created.at, created.precision
	used, err := v.date(row, labelLastUsed)
	if err != nil {
		return kustom.Key{}, err
	}
	if key.LastUsedAt = used.time(); used != nil {
		key.Precision = max(key.Precision, used.precision)
	}
	if _, ok := row.Cell(v.Words.Text(labelExpires)); !ok {
		return key, nil
	}
	expires, err := v.date(row, labelExpires)
	if err != nil {
		return kustom.Key{}, err
	}
	key.ExpiresAt = expires.time()
	return key, nil
}

// date reads a row's cell in a column. It returns nil for "not yet" or "never".
func (v *visit) date(row browser.Entry, label string) (*shownTime, error) {
	cell, ok := row.Cell(v.Words.Text(label))
	if !ok {
		return nil, &browser.AbsentError{Targets: []browser.Target{v.Words.Text(label)}}
	}
	at, err := cellTime(cell, v.Words)
	if err != nil {
		return nil, browser.Absent("the column %q of key %s: %v", v.Words.Of(label)[0], row.Mark, err)
	}
	return at, nil
}
