package portalpages

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// maxPages ends a list whose pages never end.
const maxPages = 100

// Keys yields the keys of one store or, if merchantID is empty, of all stores that the user can see.
// It ends with the first error.
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
	stores, err := p.merchantIDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing API keys: %w", err)
	}
	lists := make([][]kustom.Key, len(stores))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.Browser.MaxTabs())
	for i, store := range stores {
		group.Go(func() (err error) {
			lists[i], err = p.storeKeys(ctx, store)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []kustom.Key
	for _, keys := range lists {
		all = append(all, keys...)
	}
	return all, nil
}

// storeKeys returns the keys of a store.
func (p *Portal) storeKeys(ctx context.Context, merchantID string) (keys []kustom.Key, err error) {
	err = p.look(ctx, func(v *visit) error {
		keys, err = v.list(ctx, merchantID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the API keys of store %s: %w", merchantID, err)
	}
	return keys, nil
}

// Key returns a key, or a [*kustom.NoKeyError] when there is none.
func (p *Portal) Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	keys, err := p.storeKeys(ctx, merchantID)
	if err != nil {
		return kustom.Key{}, err
	}
	for _, key := range keys {
		if key.CredentialID == credentialID {
			return key, nil
		}
	}
	return kustom.Key{}, &kustom.NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
}

// errEndless says that a list's pages never end.
var errEndless = errors.New("the list of keys has no end")

// list reads all pages of a store's keys, and stays on the last.
func (v *visit) list(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	page, err := v.integrations(ctx, merchantID)
	if err != nil {
		return nil, err
	}
	var all []kustom.Key
	for range maxPages {
		keys, err := v.read(page, merchantID)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
		if page.First("link", v.words.Of(labelNextPage)...) == nil {
			return all, nil
		}
		if page, err = v.turn(ctx, merchantID, all[len(all)-1].Username); err != nil {
			return nil, err
		}
	}
	return nil, errEndless
}

// turn goes to the next page of the list: one that does not show the last key of the page before.
func (v *visit) turn(ctx context.Context, merchantID, last string) (*browser.Page, error) {
	next := append(v.keysOf(merchantID), browser.Gone("rowheader", last))
	page, _, err := v.Follow(ctx, v.reading(v.step("turn to the next page of keys", next...)), v.words.Want("link", labelNextPage))
	return page, err
}

// unreadableError says that a page is not what it was taken for.
type unreadableError struct{ page, what string }

func (e *unreadableError) Error() string { return fmt.Sprintf("%s: %s", e.page, e.what) }

// read returns the keys that a page of the list shows. A page of which anything is not as expected says
// nothing: to take a key for gone, or for another, would be worse (I1, I3).
func (v *visit) read(page *browser.Page, merchantID string) ([]kustom.Key, error) {
	table := page.First("table", v.words.Of(labelKeys)...)
	if table == nil {
		return nil, nil
	}
	var keys []kustom.Key
	for _, row := range table.Rows() {
		key, err := v.key(row, merchantID)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// key reads a row of the table of keys.
func (v *visit) key(row browser.Row, merchantID string) (kustom.Key, error) {
	cells := map[string]*browser.Element{}
	for _, label := range []string{labelUsername, labelKeyID, labelDescription, labelHost, labelCreated, labelLastUsed} {
		cell := row.Cell(v.words.Of(label)...)
		if cell == nil {
			return kustom.Key{}, &unreadableError{v.page, fmt.Sprintf("the table of keys has no column %q", v.words.Of(label)[0])}
		}
		cells[label] = cell
	}
	key := kustom.Key{
		MerchantID: merchantID, CredentialID: cells[labelKeyID].Text(), Username: cells[labelUsername].Text(),
		Host: cells[labelHost].Text(), Environment: environment(cells[labelHost].Text()), Status: kustom.StatusActive,
	}
	if key.CredentialID == "" || !strings.HasPrefix(key.Username, merchantID+"-") {
		return kustom.Key{}, &unreadableError{v.page, "a row of the table is not about a key of this store"}
	}
	if description := cells[labelDescription].Text(); description != "" {
		key.Description = &description
	}
	var err error
	if key.CreatedAt, err = time.Parse(time.RFC3339, cells[labelCreated].Time()); err != nil {
		return kustom.Key{}, &unreadableError{v.page, "the table does not say when key " + key.Username + " was made"}
	}
	if v.words.Is(cells[labelLastUsed].Text(), labelBeingCreated) {
		key.Status = kustom.StatusPending
	}
	if used := cells[labelLastUsed].Time(); used != "" {
		at, err := time.Parse(time.RFC3339, used)
		if err != nil {
			return kustom.Key{}, &unreadableError{v.page, "the table does not say when key " + key.Username + " was used last"}
		}
		key.LastUsedAt = &at
	}
	return key, nil
}
