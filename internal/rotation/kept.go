package rotation

import (
	"context"
	"errors"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// KeptKey is a key that could not be deleted, and why.
type KeptKey struct {
	Key kustom.Orphan
	Err error
	// idle says that the key may be deleted only if nothing used it for a time.
	idle bool
}

// IsInUse reports whether a shop holds the key. The key then belongs to that shop, and no later run tries to delete
// it.
func (k KeptKey) IsInUse() bool { return isInUse(k.Err) }

// IsRetryable reports whether shops prevented the deletion: one holds the key, or one could not be read.
func (k KeptKey) IsRetryable() bool { return isInUse(k.Err) || isUsageUnknown(k.Err) }

// IsPending reports whether a later step of the run may be able to delete the key, because a shop could not be
// read. The function that [Engine.StartOperation] returns reports the keys that stay pending.
func (k KeptKey) IsPending() bool { return isUsageUnknown(k.Err) }

// WaitsFor says for the user what the deletion waits for. It is empty if it does not wait.
func (k KeptKey) WaitsFor() string {
	var used *KeyStillUsedError
	switch {
	case errors.As(k.Err, &used):
		return awaitsIdle(used.UnusedFor)
	case mystore.IsNotConfirmed(k.Err):
		return awaitsFirstUse
	}
	return ""
}

// IsFailure reports whether the deletion failed and this run does not retry it. It returns false for a key that a
// shop uses or may use, and for one that is not idle or not confirmed yet.
func (k KeptKey) IsFailure() bool {
	var used *KeyStillUsedError
	return !k.IsRetryable() && !errors.As(k.Err, &used) && !mystore.IsNotConfirmed(k.Err)
}

// deleteByPolicy deletes a replaced key by the rules of its shop. Idle says that the key may be deleted only if
// nothing used it for a time.
func (e *Engine) deleteByPolicy(ctx context.Context, key kustom.Orphan, idle bool, rules Rules) (err error) {
	defer recoverInto(&err)
	if idle && rules.ReplacedKeys == DeleteUnusedKeys {
		return e.DeleteIdle(ctx, key, rules.UnusedFor)
	}
	return e.DeleteIfUnused(ctx, key, rules.evidence())
}

// evidence returns the time without use that replaces the answers of shops that can't be read; 0 if nothing replaces them.
func (r Rules) evidence() time.Duration {
	if r.ReplacedKeys != DeleteUnusedKeys {
		return 0
	}
	return r.UnusedFor
}
