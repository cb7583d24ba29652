package rotation

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// This file is about shops that can't be read. Which stores such a shop is configured for decides which keys it may use,
// and an apply learns that only when the shop's own object has its turn: in a run of 250 connections, most others have
// had theirs by then. So what the objects of a plan have told is remembered on this machine for the apply.

// configuredTTL is how long it counts what a plan has told. An apply soon follows its plan. Later, somebody may have
// taken the shop out of the configuration again.
const configuredTTL = 24 * time.Hour

// configuredStores is what objects have told of a shop that could not be read.
type configuredStores struct {
	// Stores are the stores that the shop is configured for.
	Stores []string `json:"stores"`
	// StoreMayChange says that the shop may have a key of another store all the same.
	StoreMayChange bool      `json:"moves"`
	At             time.Time `json:"at"`
}

// mayUse tells whether a shop may use a key of a store.
func (c configuredStores) mayUse(merchantID string) bool {
	return c.StoreMayChange || len(c.Stores) == 0 || slices.Contains(c.Stores, merchantID)
}

// recordConfigured remembers what was told of a shop, beside what was told before: other workspaces of a folder, or other
// variables, may put the shop into another store.
func (s LocalCache) recordConfigured(shop string, c configuredStores) {
	if s.Dir == "" || s.Project == "" || len(c.Stores) == 0 {
		return
	}
	last := s.lastConfigured(shop)
	if c.At.Sub(last.At) < configuredTTL {
		c.Stores = slices.Compact(slices.Sorted(slices.Values(slices.Concat(c.Stores, last.Stores))))
		c.StoreMayChange = c.StoreMayChange || last.StoreMayChange
	}
	if slices.Equal(last.Stores, c.Stores) && last.StoreMayChange == c.StoreMayChange && c.At.Sub(last.At) < configuredTTL/2 {
		return
	}
	// Strings and times always encode.
	content, _ := json.Marshal(c)
	wholefile.Keep(s.configuredFile(shop), content)
}

// lastConfigured returns what was told of a shop; nothing where nothing is remembered.
func (s LocalCache) lastConfigured(shop string) (c configuredStores) {
	if s.Dir == "" || s.Project == "" {
		return configuredStores{}
	}
	content, err := os.ReadFile(s.configuredFile(shop))
	if err != nil || json.Unmarshal(content, &c) != nil {
		return configuredStores{}
	}
	return c
}

func (s LocalCache) configuredDir() string {
	return filepath.Join(s.Dir+"-configured", url.PathEscape(s.Project))
}

func (s LocalCache) configuredFile(shop string) string {
	return filepath.Join(s.configuredDir(), url.PathEscape(shop))
}

// cacheConfigured remembers what objects of this walk have told of a shop that could not be read. Where none has told
// anything yet, it takes over what an earlier walk has been told.
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
