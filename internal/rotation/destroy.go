package rotation

import (
	"context"
	"errors"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// ClearShop clears a shop that still has the recorded key. Cleared is false if the shop has another key: it is left
// unchanged.
func (e *Engine) ClearShop(ctx context.Context, shop string, record Record) (cleared bool, err error) {
	defer recoverInto(&err)
	seen, err := e.Observe(ctx, shop, record.MerchantID, record.CredentialID)
	if err != nil {
		return false, err
	}
	e.run.noteCleared(shop, seen)
	return e.Shops.Clear(ctx, shop, record.Username, record.Memory.UpdatedAt)
}

// Remaining is what the destruction of an object leaves unchanged.
type Remaining struct {
	// InstalledKey is the username of the key that another object of the run installed in the shop, or empty.
	InstalledKey string
	// OtherKeys are the usernames of the store's other keys; see [Engine.OtherKeys].
	OtherKeys []string
}

// StopManaging leaves a destroyed object's shop and key unchanged, and returns what remains.
func (e *Engine) StopManaging(shop string, record Record) Remaining {
	given := e.Shops.StopManaging(shop, record.Username)
	others := slices.DeleteFunc(e.OtherKeys(record), func(username string) bool { return username == given })
	return Remaining{InstalledKey: given, OtherKeys: others}
}

// OtherKeys returns the usernames of the store's other keys at the last read, without those that this run has
// deleted.
func (e *Engine) OtherKeys(record Record) []string {
	return slices.DeleteFunc(slices.Clone(record.Memory.OtherKeys), func(username string) bool {
		return username == record.Username || e.Keys.hasDeleted(username)
	})
}

// DeleteLeftovers deletes keys of earlier runs. It is no error if a shop holds one: that shop now owns the key.
func (e *Engine) DeleteLeftovers(ctx context.Context, keys []kustom.Orphan) error {
	var failures []error
	for _, key := range keys {
		if err := e.DeleteIfUnused(ctx, key, 0); err != nil && !isInUse(err) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
