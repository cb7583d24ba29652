package rotation

import (
	"context"
	"errors"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// HasLostKeys reports whether a killed run on this machine requested a key of a store and did not save the answer.
func (e *Engine) HasLostKeys(merchantID string) bool { return len(e.requests.lost(merchantID)) > 0 }

// DeleteLostKeys deletes the keys of a store that killed runs on this machine requested and did not save. No shop
// has their secrets. It returns the keys that it could not delete.
func (e *Engine) DeleteLostKeys(ctx context.Context, merchantID string) []KeptKey {
	e.walk.deletingLost.Lock()
	defer e.walk.deletingLost.Unlock()
	var kept []KeptKey
	for _, key := range e.requests.lost(merchantID) {
		key, err := e.deleteLost(ctx, key)
		if err != nil {
			kept = append(kept, KeptKey{Key: key, Err: err})
			continue
		}
		e.requests.forget(key.IdempotencyKey)
	}
	return kept
}

// deleteLost deletes the key of a killed run's request. It keeps a key that was used or that a shop holds.
func (e *Engine) deleteLost(ctx context.Context, key kustom.Orphan) (named kustom.Orphan, err error) {
	named = key
	defer recoverInto(&err)
	if named.CredentialID, err = e.Keys.Identify(ctx, key); err != nil {
		return named, err
	}
	known, err := e.Keys.Key(ctx, key.MerchantID, named.CredentialID)
	if isNoKey(err) {
		return named, nil
	}
	if err != nil {
		return named, err
	}
	named.Username = known.Username
	if e.Keys.Generated(known.CredentialID) || !MayBeOrphaned(known) {
		return named, nil
	}
	if err := e.checkUnused(ctx, named, known.LatestCreation()); isInUse(err) {
		return named, nil
	}
	return named, e.Keys.Delete(ctx, named)
}

// LostKeys returns the keys that earlier runs requested for a shop without a recorded key, and whose answers were
// lost. It repeats the requests with the same idempotency keys. If one generates a new key, LostKeys deletes that
// at once. It returns none if the portal has no idempotency keys: each request would generate another key.
func (e *Engine) LostKeys(ctx context.Context, shop string, record Record) ([]kustom.Orphan, error) {
	if !e.Keys.SupportsDescriptions() {
		return nil, nil
	}
	holds, err := e.Shops.Credentials(ctx, shop)
	if err != nil && !isNotInstalled(err) {
		return nil, err
	}
	description := DefaultDescription
	if record.Description != nil {
		description = *record.Description
	}
	plan := Plan{Shop: shop, MerchantID: record.MerchantID, Description: &description}
	var lost []kustom.Orphan
	for n := range maxReplays {
		request := kustom.Request{MerchantID: plan.MerchantID, Description: description, IdempotencyKey: idempotencyKey(plan, holds.KustomID, n)}
		key, err := e.Keys.Generate(ctx, request)
		if replayed := (*kustom.ReplayedError)(nil); errors.As(err, &replayed) {
			if orphan := e.unrecordedKey(ctx, replayed.Orphan, plan, &record); orphan != nil {
				lost = append(lost, *orphan)
			}
			continue
		}
		if err != nil {
			return lost, err
		}
		return lost, e.undo(ctx, key.Key, nil)
	}
	return lost, nil
}
