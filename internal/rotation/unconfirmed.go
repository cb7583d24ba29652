package rotation

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// This file is about shops whose pages do not show which key they have. That such a shop uses the key that it was given
// shows in the portal: something has used the key later than the provider itself. What earlier runs of this machine have
// given is remembered, because whoever deletes the old key need not know who has installed the new one.

// unconfirmedInstall is a key that a run gave to a shop whose page does not show which key it has.
type unconfirmedInstall struct {
	Username string `json:"username"`
	// InstalledAt is when the shop was given the key, and OwnUse when the provider last used the key itself.
	InstalledAt time.Time `json:"at"`
	OwnUse      time.Time `json:"own_use"`
}

// recordUnconfirmed remembers that a shop was given a key.
func (s LocalCache) recordUnconfirmed(shop string, g unconfirmedInstall) {
	if s.Dir == "" {
		return
	}
	// Strings and times always encode.
	content, _ := json.Marshal(g)
	wholefile.Keep(s.unconfirmedFile(shop), content)
}

// lastUnconfirmed returns the key that a shop was given last; none where that is not known.
func (s LocalCache) lastUnconfirmed(shop string) (g unconfirmedInstall) {
	if s.Dir == "" {
		return unconfirmedInstall{}
	}
	content, err := os.ReadFile(s.unconfirmedFile(shop))
	if err != nil || json.Unmarshal(content, &g) != nil {
		return unconfirmedInstall{}
	}
	return g
}

// recordOwnUse remembers that the provider itself has used a key: that is no use by the shop that was given it.
func (s LocalCache) recordOwnUse(username string, at time.Time) {
	for _, shop := range s.shopsWithUnconfirmed(username) {
		if g := s.lastUnconfirmed(shop); g.OwnUse.Before(at) {
			g.OwnUse = at
			s.recordUnconfirmed(shop, g)
		}
	}
}

// shopsWithUnconfirmed returns the shops that were given a key last.
func (s LocalCache) shopsWithUnconfirmed(username string) []string {
	if s.Dir == "" {
		return nil
	}
	var shops []string
	// There is no folder where no shop hides its key.
	files, _ := os.ReadDir(s.unconfirmedDir())
	for _, file := range files {
		if shop, err := url.PathUnescape(file.Name()); err == nil && s.lastUnconfirmed(shop).Username == username {
			shops = append(shops, shop)
		}
	}
	return shops
}

func (s LocalCache) unconfirmedDir() string { return s.Dir + "-given" }

func (s LocalCache) unconfirmedFile(shop string) string {
	return filepath.Join(s.unconfirmedDir(), url.PathEscape(shop))
}

// NoteOwnUse notes that the provider itself uses a key now.
func (s *Shops) NoteOwnUse(username string) { s.cache.recordOwnUse(username, s.clock.Now()) }

// inferUsedKeys finds out, for the shops that hide whether they use a key, whether they use another one that they were given
// later. It returns whether one of them does.
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
		// If several shops have a key, its last use does not say which of them used it.
		shared := len(e.Shops.cache.shopsWithUnconfirmed(g.Username)) > 1 || e.Shops.Holds(g.Username)
		if g.Username != key.Username && !shared && usesNewKey(g, old, listed) {
			e.Shops.NoteUsedKey(shop, g.Username)
			learned = true
		}
	}
	return learned
}

// usesNewKey tells whether a shop is seen to use the key that it was given in place of an older one: somebody but the
// provider has used it, and nobody the older one since.
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
