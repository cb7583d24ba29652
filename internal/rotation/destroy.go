package rotation

import (
	"context"
	"errors"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// ClearShop empties a shop that still has the recorded key, and then deletes the key. Cleared is false where the
// shop has another key by now: it is left alone.
func (e *Engine) ClearShop(ctx context.Context, shop string, record Record) (cleared bool, err error) {
	defer recoverInto(&err)
	seen, err := e.Observe(ctx, shop, record.MerchantID, record.CredentialID)
	if err != nil {
		return false, err
	}
	e.walk.noteCleared(shop, seen)
	return e.Shops.Clear(ctx, shop, record.Username, record.Memory.UpdatedAt)
}

// Remaining is what an object that is destroyed leaves as it is.
type Remaining struct {
	// InstalledKey is the username of the key that another object of the walk has given the shop; empty where none has.
	InstalledKey string
	// OtherKeys are the usernames of the store's other keys, as the last read has recorded them, without those that
	// the walk has deleted.
	OtherKeys []string
}

// StopManaging lets go of a shop and its key, and returns what it leaves.
func (e *Engine) StopManaging(shop string, record Record) Remaining {
	given := e.Shops.StopManaging(shop, record.Username)
	others := slices.DeleteFunc(e.OtherKeys(record), func(username string) bool { return username == given })
	return Remaining{InstalledKey: given, OtherKeys: others}
}

// OtherKeys returns the usernames of the store's other keys, as the last read has recorded them, without those that the walk
// has deleted.
func (e *Engine) OtherKeys(record Record) []string {
	return slices.DeleteFunc(slices.Clone(record.Memory.OtherKeys), func(username string) bool {
		return username == record.Username || e.Keys.hasDeleted(username)
	})
}

// DeleteLeftovers deletes keys that were left over. One that did get into a shop is the shop's now.
func (e *Engine) DeleteLeftovers(ctx context.Context, keys []kustom.Orphan) error {
	var failures []error
	for _, key := range keys {
		if err := e.DeleteIfUnused(ctx, key, 0); err != nil && !isInUse(err) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
