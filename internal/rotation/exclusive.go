package rotation

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// StoreKey is a key of a store as it was found, and the shops that hold it. It holds no secret.
type StoreKey struct {
	KeyRef
	LastUsedAt *time.Time `json:"last_used_at"`
	// Shops are the shops that hold the key.
	Shops []string `json:"shops,omitempty"`
}

// Inventory returns the store's keys, the oldest first, and which shops hold them. A shop that can't be read is
// a warning's matter: before a key is deleted, it is asked again.
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
		found = append(found, StoreKey{KeyRef: refOf(i.Key), LastUsedAt: i.LastUsedAt, Shops: i.Shops})
	}
	return found, unread, nil
}

// NotMade leaves out the keys that this walk has generated. No plan has named them, and they may be on their way
// into a shop that does not hold them yet (I1).
func (e *Engine) NotMade(keys []StoreKey) []StoreKey {
	var others []StoreKey
	for _, key := range keys {
		if !e.Keys.Made(key.CredentialID) {
			others = append(others, key)
		}
	}
	return others
}

// Evidence says what lets a key be deleted although not every shop, or none, could be asked.
type Evidence struct {
	// UnusedFor is the time without use that counts as evidence; 0 where none counts.
	UnusedFor time.Duration
	// Unverified says that the user wants keys deleted although no shop could be asked.
	Unverified bool
}

// DeleteAll deletes keys of a store, and returns for each what has kept it from being deleted. It waits for the
// shops that still use one of them to get another, beside each other and beside the deletions: one shop that does
// not move must not keep the rest.
func (e *Engine) DeleteAll(ctx context.Context, keys []StoreKey, evidence Evidence) []error {
	errs := make([]error, len(keys))
	var waits sync.WaitGroup
	for i, key := range keys {
		errs[i] = e.deleteListed(ctx, key.KeyRef, evidence)
		if isInUse(errs[i]) {
			waits.Go(func() {
				defer recoverInto(&errs[i])
				if errs[i] = e.Shops.AwaitUnused(ctx, key.Orphan()); errs[i] == nil {
					errs[i] = e.deleteListed(ctx, key.KeyRef, evidence)
				}
			})
		}
	}
	waits.Wait()
	return errs
}

func (e *Engine) deleteListed(ctx context.Context, key KeyRef, evidence Evidence) (err error) {
	defer recoverInto(&err)
	err = e.DeleteUnused(ctx, key.Orphan(), evidence.UnusedFor)
	var unknown *KeyUsageUnknownError
	if evidence.Unverified && errors.As(err, &unknown) && len(unknown.Shops) == 0 && unknown.Cause == nil {
		return e.Keys.Delete(ctx, key.Orphan())
	}
	return err
}
