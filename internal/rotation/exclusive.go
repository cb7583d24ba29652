package rotation

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// InstallTime is how long a run may take between generating a key and installing it in a shop. In between, Terraform
// may apply a thousand other objects, a vendor may limit the rate, and a person may have to confirm.
const InstallTime = time.Hour

// StoreKey is a key of a store with the shops that hold it. It holds no secret.
type StoreKey struct {
	KeyRef
	LastUsedAt *time.Time `json:"last_used_at"`
	// Shops are the shops that hold the key.
	Shops []string `json:"shops,omitempty"`
	// YoungUntil is zero, or the time until which another run may be about to install the key: it is younger than
	// [InstallTime], and this run has seen no shop with it.
	YoungUntil time.Time `json:"young_until,omitzero"`
}

// Inventory returns the store's keys, the oldest first, and the shops that hold them. An unreadable shop is
// only a warning here, because it is asked again before a key is deleted.
func (e *Engine) Inventory(ctx context.Context, merchantID string) ([]StoreKey, []ShopFailure, error) {
	var keys []kustom.Key
	for key, err := range e.Keys.Keys(ctx, merchantID) {
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, key)
	}
	holders, unread, err := e.Shops.Holders(ctx)
	if err != nil {
		return nil, nil, err
	}
	found := make([]StoreKey, 0, len(keys))
	for _, i := range Integrations(keys, holders) {
		found = append(found, StoreKey{KeyRef: refOf(i.Key), LastUsedAt: i.LastUsedAt, Shops: i.Shops, YoungUntil: e.youngUntil(i)})
	}
	return found, unread, nil
}

func (e *Engine) youngUntil(i Integration) time.Time {
	until := i.LatestCreation().Add(InstallTime)
	if len(i.Shops) > 0 || e.Shops.wasHeld(i.Username) || !until.After(e.clock.Now()) {
		return time.Time{}
	}
	return until
}

// NotGenerated drops the keys that this run generated. No plan names them, and they may be about to be installed in
// a shop (I1).
func (e *Engine) NotGenerated(keys []StoreKey) []StoreKey {
	var others []StoreKey
	for _, key := range keys {
		if !e.Keys.Generated(key.CredentialID) {
			others = append(others, key)
		}
	}
	return others
}

// Evidence says what allows a key's deletion if not every shop could be asked.
type Evidence struct {
	// UnusedFor is the time without use that counts as evidence; 0 if none counts.
	UnusedFor time.Duration
	// Unverified reports that the user wants keys deleted even if no shop could be asked.
	Unverified bool
}

// DeleteAll deletes keys of a store, as [Engine.Inventory] has just returned them. For each key it returns why it was
// not deleted, or nil. It waits for shops that still use a key to get another one. It does not wait until a key
// is no longer young: for that it returns a [*KeyTooYoungError]. The waits run at the same time as the deletions, so one shop does
// not delay the rest.
func (e *Engine) DeleteAll(ctx context.Context, keys []StoreKey, evidence Evidence) []error {
	errs := make([]error, len(keys))
	var waits sync.WaitGroup
	for i, key := range keys {
		errs[i] = e.deleteListed(ctx, key, evidence)
		if isInUse(errs[i]) {
			waits.Go(func() {
				defer recoverInto(&errs[i])
				if errs[i] = e.Shops.AwaitUnused(ctx, key.Orphan()); errs[i] == nil {
					errs[i] = e.deleteListed(ctx, key, evidence)
				}
			})
		}
	}
	waits.Wait()
	return errs
}

func (e *Engine) deleteListed(ctx context.Context, key StoreKey, evidence Evidence) (err error) {
	defer recoverInto(&err)
	if !key.YoungUntil.IsZero() {
		return e.steps.recordKept(ctx, key.Orphan(), &KeyTooYoungError{Username: key.Username, Until: key.YoungUntil})
	}
	err = e.DeleteIfUnused(ctx, key.Orphan(), evidence.UnusedFor)
	var unknown *KeyUsageUnknownError
	if evidence.Unverified && errors.As(err, &unknown) && len(unknown.Shops) == 0 && unknown.Cause == nil {
		return e.Keys.Delete(ctx, key.Orphan())
	}
	return err
}
