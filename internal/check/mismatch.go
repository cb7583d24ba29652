package check

import (
	"fmt"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// mismatches returns the contradictions between a shop and the store of its key. A switch would make them permanent.
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
	if r.seen && !seen {
		found = append(found, fmt.Sprintf("shop %s has a key of store %s, which the signed-in user of Kustom Portal can't see", shop, store))
	}
	if expected := r.Expected[shop]; expected != "" && expected != store {
		found = append(found, fmt.Sprintf("shop %s has a key of %s, but must belong to %s", shop, r.store(store), r.store(expected)))
	}
	if other := r.holders[store]; other != "" {
		found = append(found, fmt.Sprintf("shops %s and %s both have a key of %s: the payments of both go to one merchant", other, shop, r.store(store)))
	} else {
		r.holders[store] = shop
	}
	if namesake := r.namesake(shop); r.Expected[shop] == "" && namesake != "" && namesake != store && !Alike(shop, r.names[store]) {
		found = append(found, fmt.Sprintf("shop %s has a key of %s, and %s is called like it", shop, r.store(store), r.store(namesake)))
	}
	return found
}

// namesake returns the store whose name resembles the shop's; empty if there is none, or more than one.
func (r *run) namesake(shop string) string {
	var found []string
	for merchantID, name := range r.names {
		if Alike(shop, name) {
			found = append(found, merchantID)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// Alike reports whether a shop and a store have similar names: one contains the other.
func Alike(shop, store string) bool {
	a, b := letters(shop), letters(store)
	const fewest = 4
	return min(len(a), len(b)) >= fewest && (strings.Contains(a, b) || strings.Contains(b, a))
}

// letters returns the lower-case letters and digits of a name, without diacritics, as in a shop's name.
func letters(name string) string {
	name = strings.NewReplacer("æ", "ae", "ø", "o", "å", "a", "ä", "a", "ö", "o").Replace(strings.ToLower(name))
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, name)
}
