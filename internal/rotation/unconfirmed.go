package rotation

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// This file is about shops whose pages do not show which key they have. The portal shows whether such a shop uses
// its new key: something used the key later than the provider itself. The installation is cached, because another
// object may delete the old key.

// unconfirmedInstall is a key that a run installed in a shop whose page does not show it.
type unconfirmedInstall struct {
	Username string `json:"username"`
	// InstalledAt is when the key was installed, and OwnUse when the provider itself last used the key.
	InstalledAt time.Time `json:"at"`
	OwnUse      time.Time `json:"own_use"`
}

// recordUnconfirmed caches a shop's unconfirmed installation.
func (c LocalCache) recordUnconfirmed(shop string, g unconfirmedInstall) {
	if c.Dir == "" {
		return
	}
	writeCached(c.unconfirmedFile(shop), g)
}

// lastUnconfirmed returns a shop's last unconfirmed installation, or an empty one.
func (c LocalCache) lastUnconfirmed(shop string) unconfirmedInstall {
	if c.Dir == "" {
		return unconfirmedInstall{}
	}
	return readCached[unconfirmedInstall](c.unconfirmedFile(shop))
}

// recordOwnUse caches that the provider itself used a key. Such a use does not show that the shop uses it.
func (c LocalCache) recordOwnUse(username string, at time.Time) {
	for _, shop := range c.shopsWithUnconfirmed(username) {
		if g := c.lastUnconfirmed(shop); g.OwnUse.Before(at) {
			g.OwnUse = at
			c.recordUnconfirmed(shop, g)
		}
	}
}

// shopsWithUnconfirmed returns the shops whose last unconfirmed installation is this key.
func (c LocalCache) shopsWithUnconfirmed(username string) []string {
	if c.Dir == "" {
		return nil
	}
	var shops []string
	// The folder does not exist if every shop shows its key.
	files, _ := os.ReadDir(c.unconfirmedDir())
	for _, file := range files {
		if shop, err := url.PathUnescape(file.Name()); err == nil && c.lastUnconfirmed(shop).Username == username {
			shops = append(shops, shop)
		}
	}
	return shops
}

func (c LocalCache) unconfirmedDir() string { return c.Dir + "-given" }

func (c LocalCache) unconfirmedFile(shop string) string {
	return filepath.Join(c.unconfirmedDir(), url.PathEscape(shop))
}

// NoteOwnUse records that the provider itself uses a key now.
func (s *Shops) NoteOwnUse(username string) { s.cache.recordOwnUse(username, s.clock.Now()) }

// inferUsedKeys looks for unreadable shops that use a newer key than the given one, as the portal shows, and
// records their keys. It reports whether it found any.
func (e *Engine) inferUsedKeys(ctx context.Context, key kustom.Orphan, usage error) bool {
	var unknown *KeyUsageUnknownError
	if !errors.As(usage, &unknown) || len(unknown.Shops) == 0 {
		return false
	}
	listed, err := e.Keys.Fresh(ctx, key.MerchantID)
	old, ok := find(listed, key.CredentialID)
	if err != nil || !ok {
		return false
	}
	learned := false
	for _, shop := range unknown.Shops {
		g := e.Shops.cache.lastUnconfirmed(shop)
		// If several shops have a key, its last use does not show which of them used it.
		shared := len(e.Shops.cache.shopsWithUnconfirmed(g.Username)) > 1 || e.Shops.Holds(g.Username)
		if g.Username != key.Username && !shared && usesNewKey(g, old, listed) {
			e.Shops.NoteUsedKey(shop, g.Username)
			learned = true
		}
	}
	return learned
}

// usesNewKey reports whether a shop uses its new key: somebody other than the provider has used it, and nobody has
// used the old one since.
func usesNewKey(g unconfirmedInstall, old kustom.Key, listed []kustom.Key) bool {
	for _, key := range listed {
		if key.Username != g.Username || key.LastUsedAt == nil {
			continue
		}
		later := key.LastUsedAt.After(g.OwnUse.Add(ownUseMargin)) && key.LastUsedAt.After(g.InstalledAt.Add(ownUseMargin))
		return later && old.CreatedAt.Before(g.InstalledAt) && (old.LastUsedAt == nil || old.LastUsedAt.Before(*key.LastUsedAt))
	}
	return false
}
