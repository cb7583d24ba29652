package rotation

import (
	"context"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// HasAbandonedRequests reports whether a killed run on this machine requested a key of a store and did not save the
// answer. Its request is then in [Requests.Dir].
func (e *Engine) HasAbandonedRequests(merchantID string) bool {
	return len(e.requests.abandoned(merchantID)) > 0
}

// DeleteAbandonedKeys deletes the keys that the abandoned requests for a store generated: no shop has their secrets. It
// returns the keys that it could not delete. It is safe for concurrent use.
func (e *Engine) DeleteAbandonedKeys(ctx context.Context, merchantID string) []KeptKey {
	var kept []KeptKey
	if err := e.run.deletingAbandoned.Acquire(ctx, 1); err != nil {
		for _, key := range e.requests.abandoned(merchantID) {
			kept = append(kept, KeptKey{Key: key, Err: fmt.Errorf("wait for another deletion: %w", err)})
		}
		return kept
	}
	defer e.run.deletingAbandoned.Release(1)
	for _, key := range e.requests.abandoned(merchantID) {
		key, err := e.deleteAbandoned(ctx, key)
		if err != nil {
			kept = append(kept, KeptKey{Key: key, Err: err})
			continue
		}
		e.requests.forget(key.IdempotencyKey)
	}
	return kept
}

// deleteAbandoned deletes the key of a killed run's request. It keeps a key that was used or that a shop holds.
func (e *Engine) deleteAbandoned(ctx context.Context, key kustom.Orphan) (named kustom.Orphan, err error) {
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
