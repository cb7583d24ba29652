package check

import (
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// mismatches returns the contradictions between a shop and the store of its key. A switch would make them permanent. Each
// call also records the shop as a holder of that store's key.
func (r *run) mismatches(shop, id string) []string {
	store := r.storeOf(id)
	if store == "" {
		return nil
	}
	var found []string
	if !kustom.MerchantID(store).Accepts(r.Environment) {
		found = append(found, fmt.Sprintf("shop %s has a key of store %s, which is not one of the %s", shop, store, r.Environment))
	}
	_, seen := r.names[store]
	if r.isRead && !seen {
		found = append(found, fmt.Sprintf("shop %s has a key of store %s, which the signed-in user of Kustom Portal can't see", shop, store))
	}
	if expected := r.Expected[shop]; expected != "" && expected != store {
		found = append(found, fmt.Sprintf("shop %s has a key of %s, but must belong to %s", shop, r.storeName(store), r.storeName(expected)))
	}
	if other := r.holders[store]; other != "" {
		found = append(found, fmt.Sprintf("shops %s and %s both have a key of %s: the payments of both go to one merchant", other, shop, r.storeName(store)))
	} else {
		r.holders[store] = shop
	}
	if namesake := r.namesake(shop); r.Expected[shop] == "" && namesake != "" && namesake != store && !Alike(shop, r.names[store]) {
		found = append(found, fmt.Sprintf("shop %s has a key of %s, but %s has a similar name", shop, r.storeName(store), r.storeName(namesake)))
	}
	return found
}
