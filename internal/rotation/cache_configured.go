package rotation

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"time"
)

// This file is about unreadable shops. The configured store of such a shop decides which keys it may use. An apply
// knows that store only once it has reached the shop's object, and in a run of 250 connections it reaches most
// others first. So the plan caches the store for its apply.

// configuredTTL is how long a plan's entry counts. An apply soon follows its plan, and later the shop may have left
// the configuration.
const configuredTTL = 24 * time.Hour

// configuredStores is what objects know about an unreadable shop.
type configuredStores struct {
	// Stores are the merchant IDs of the stores that the shop is configured for.
	Stores []string `json:"stores"`
	// StoreMayChange reports that the shop may change to another store, and so may hold a key of any store.
	StoreMayChange bool      `json:"moves"`
	At             time.Time `json:"at"`
}

// mayUse reports whether a shop may use a key of a store.
func (entry configuredStores) mayUse(merchantID string) bool {
	return entry.StoreMayChange || len(entry.Stores) == 0 || slices.Contains(entry.Stores, merchantID)
}

// recordConfigured caches what objects know about a shop. It keeps a recent entry's stores too, because another
// workspace of the folder may configure another store.
func (c LocalCache) recordConfigured(shop string, entry configuredStores) {
	if c.Dir == "" || c.Project == "" || len(entry.Stores) == 0 {
		return
	}
	last := c.lastConfigured(shop)
	if entry.At.Sub(last.At) < configuredTTL {
		entry.Stores = slices.Compact(slices.Sorted(slices.Values(slices.Concat(entry.Stores, last.Stores))))
		entry.StoreMayChange = entry.StoreMayChange || last.StoreMayChange
	}
	if slices.Equal(last.Stores, entry.Stores) && last.StoreMayChange == entry.StoreMayChange && entry.At.Sub(last.At) < configuredTTL/2 {
		return
	}
	writeCached(c.configuredFile(shop), entry)
}

// lastConfigured returns the cached entry of a shop, or an empty one.
func (c LocalCache) lastConfigured(shop string) configuredStores {
	if c.Dir == "" || c.Project == "" {
		return configuredStores{}
	}
	return readCached[configuredStores](c.configuredFile(shop))
}

func (c LocalCache) configuredDir() string {
	return filepath.Join(c.Dir+"-configured", url.PathEscape(c.Project))
}

func (c LocalCache) configuredFile(shop string) string {
	return filepath.Join(c.configuredDir(), url.PathEscape(shop))
}

// cacheConfigured caches what objects of this run know about an unreadable shop. If none knows anything yet, it
// takes over the cached entry.
func (h *shop) cacheConfigured() {
	h.shops.mu.Lock()
	failed := !h.known && h.failure != nil
	told := configuredStores{Stores: slices.Sorted(maps.Keys(h.stores)), StoreMayChange: h.storeMayChange, At: h.shops.clock.Now()}
	h.shops.mu.Unlock()
	if !failed {
		return
	}
	if len(told.Stores) > 0 {
		h.shops.cache.recordConfigured(h.name, told)
		return
	}
	last := h.shops.cache.lastConfigured(h.name)
	if told.At.Sub(last.At) >= configuredTTL {
		last = configuredStores{}
	}
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	h.cachedStores = last
}
