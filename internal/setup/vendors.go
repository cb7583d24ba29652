// Package setup matches shops to stores, and writes a folder with a configuration that switches them. It changes
// nothing at the vendors.
//
// It knows nothing about Terraform but the files that it writes.
package setup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/check"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Source has the functions that read shops and stores.
type Source struct {
	// Stores and Keys yield what the portal user can see.
	Stores func(context.Context) iter.Seq2[kustom.Store, error]
	Keys   func(context.Context) iter.Seq2[kustom.Key, error]
	Shops  []check.Shop
	// Advise returns the text of an error with advice, on one line.
	Advise func(error) string
}

// VendorData is what the vendors show about shops and stores.
type VendorData struct {
	Environment kustom.Environment
	Stores      []kustom.Store
	// Shops are the shops with a token or session, by name.
	Shops map[string]Shop
	// Owners has the store of each key whose username does not name it.
	Owners map[string]string
	// Near has, for a shop without a token or session, a shop with one and a similar name.
	Near map[string]string
	// PortalByPages and ShopsByPages say which vendors are reached by their pages.
	PortalByPages, ShopsByPages bool
	// Notes are remarks for the user, such as what could not be read.
	Notes []string
	// Redactor knows the secrets that were used; nil knows only the forms of secrets.
	Redactor *vendortext.Redactor
}

// Shop is what a shop shows about itself.
type Shop struct {
	Name string
	// Host is the host of its control panel.
	Host string
	// KustomID is the username of its key; empty if it has none, or if its page does not show it.
	KustomID string
	// Active says that customers can use its Klarna Checkout V3.
	Active bool
	// Problem says why the shop can't be set up; empty if it can.
	Problem string
	// Unread says that the shop could not be read, so it may use any key.
	Unread bool
}

// concurrency is the maximum number of shops that are read at once.
const concurrency = 8

// ReadVendors reads the stores and the shops, several at once. It continues after a shop that can't be read. The error is the portal's, or
// that of ctx.
func ReadVendors(ctx context.Context, from Source) (VendorData, error) {
	data := VendorData{Shops: map[string]Shop{}, Owners: map[string]string{}}
	for store, err := range from.Stores(ctx) {
		if err != nil {
			return VendorData{}, fmt.Errorf("the list of stores could not be read: %s", from.Advise(err))
		}
		data.Stores = append(data.Stores, store)
	}
	for _, shop := range from.readShops(ctx) {
		data.Shops[shop.Name] = shop
	}
	if err := ctx.Err(); err != nil {
		return VendorData{}, err
	}
	if data.needsOwners() {
		data.readOwners(ctx, from)
	}
	return data, ctx.Err()
}

// readShops reads the shops, several at once.
func (from Source) readShops(ctx context.Context) []Shop {
	shops := make([]Shop, len(from.Shops))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i, shop := range from.Shops {
		group.Go(func() error {
			shops[i] = Shop{Name: shop.Name, Host: shop.Host}
			got, err := shop.Examine(ctx)
			if err != nil {
				var missing *mystore.NotInstalledError
				shops[i].Problem, shops[i].Unread = from.Advise(err), !errors.As(err, &missing)
				return nil
			}
			shops[i].KustomID, shops[i].Active = got.Holds.KustomID, got.Extension.Active
			return nil
		})
	}
	_ = group.Wait()
	return shops
}

// needsOwners reports whether a shop has a key whose username does not name its store.
func (s *VendorData) needsOwners() bool {
	for _, shop := range s.Shops {
		if _, ok := kustom.StoreOf(shop.KustomID); !ok && isUsername(shop.KustomID) {
			return true
		}
	}
	return false
}

// readOwners reads the store of each key. A failure becomes a note.
func (s *VendorData) readOwners(ctx context.Context, from Source) {
	for key, err := range from.Keys(ctx) {
		if err != nil {
			s.Notes = append(s.Notes, "some keys could not be read, so the stores of some shops may be unknown: "+from.Advise(err))
			return
		}
		s.Owners[key.Username] = key.MerchantID
	}
}

// storeOf returns the store of a shop's key; empty if unknown.
func (s *VendorData) storeOf(shop Shop) string {
	if store, ok := s.Owners[shop.KustomID]; ok {
		return store
	}
	store, _ := kustom.StoreOf(shop.KustomID)
	return store
}

// isUsername reports whether text has the form of a username. Other text may be a secret.
func isUsername(text string) bool {
	return kustom.FormOf(text) != kustom.UsernameOther && kustom.FindSecret(text) == ""
}

// hostOf returns the host of an address as people write it, without "www."; empty if there is none.
func hostOf(address string) string {
	if address = strings.TrimSpace(address); address == "" {
		return ""
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(parsed.Hostname()), "www.")
}
