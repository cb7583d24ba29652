package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// store is one of the sandbox's stores and the shop that sells through it.
type store struct{ merchantID, shop string }

func stores(seed sandbox.Seed) []store {
	var result []store
	for _, shop := range seed.Shops {
		result = append(result, store{shop.MerchantID, shop.Name})
	}
	return result
}

// printKeys prints every key of every store.
func (d *demo) printKeys() {
	rows := [][]string{{"STORE", "KUSTOM ID", "HOST", "LAST USED", "IN USE BY"}}
	for _, s := range d.stores {
		for _, key := range d.sandbox.Keys(s.merchantID) {
			rows = append(rows, []string{s.merchantID, key.Username, key.Host, lastUsed(key.LastUsedAt), d.user(s, key)})
		}
	}
	d.out.table(rows...)
}

func lastUsed(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// user returns the shop that uses the key, or a dash.
func (d *demo) user(s store, key sandbox.Key) string {
	if shop, ok := d.sandbox.Shop(s.shop); ok && shop.KustomID == key.Username {
		return s.shop
	}
	return "-"
}

// inUse returns the keys of the shops, in the order of the stores.
func (d *demo) inUse() []sandbox.Key {
	var keys []sandbox.Key
	for _, s := range d.stores {
		for _, key := range d.sandbox.Keys(s.merchantID) {
			if d.user(s, key) == s.shop {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// usernames returns the keys' usernames, sorted.
func usernames(keys []sandbox.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Username)
	}
	slices.Sort(names)
	return names
}

// replaced returns an error if an old key still exists, or if a shop does not work with a key for Kustom's host.
func (d *demo) replaced(old []sandbox.Key) error {
	for _, key := range old {
		if slices.Contains(usernames(d.sandbox.Keys(key.MerchantID)), key.Username) {
			return fmt.Errorf("%s is still there", key.Username)
		}
	}
	for _, key := range d.inUse() {
		if key.Host != kustomHost {
			return fmt.Errorf("%s points at %s", key.Username, key.Host)
		}
	}
	for _, s := range d.stores {
		if err := d.sandbox.Working(s.shop); err != nil {
			return err
		}
	}
	return nil
}
