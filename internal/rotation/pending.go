package rotation

import (
	"cmp"
	"context"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// This file is about deletions that failed because of an unreadable shop. They may succeed later in the run, once
// the shop's own object has told which store the shop belongs to. The user gets a warning only when no step is left
// that could retry.

// PendingKey is a key that could not be deleted, and the shop that it was replaced in.
type PendingKey struct {
	Shop string
	KeptKey
}

// pendingKey is a PendingKey with what its retry needs.
type pendingKey struct {
	PendingKey
	rules Rules
	// reported reports that the user got a warning.
	reported bool
}

// deferDeletion records a key that a later step of this run may be able to delete.
func (e *Engine) deferDeletion(p pendingKey) {
	if !isUsageUnknown(p.Err) {
		return
	}
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	e.run.pending = append(e.run.pending, p)
}

// dropPending removes a key from the pending ones.
func (r *runState) dropPending(key kustom.Orphan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = slices.DeleteFunc(r.pending, func(p pendingKey) bool { return p.Key == key })
}

// RetryPending deletes the pending keys that no unreadable shop may use any more. The next read of their objects
// finds them gone.
func (e *Engine) RetryPending(ctx context.Context) {
	var err error
	defer recoverInto(&err)
	e.run.mu.Lock()
	pending := e.run.pending
	e.run.pending = nil
	e.run.mu.Unlock()
	for _, p := range pending {
		if !e.Shops.isBlocked(p.Key) {
			p.Err = e.deleteByPolicy(withShop(ctx, p.Shop, p.Key.MerchantID), p.Key, p.idle, p.rules)
		}
		if p.Err != nil {
			e.run.mu.Lock()
			e.run.pending = append(e.run.pending, p)
			e.run.mu.Unlock()
		}
	}
}

// StartOperation records that an object begins to change shops and keys. The returned function records its end. If
// no other operation is active then, it returns the pending keys that were not reported before.
//
// Terraform does not tell a provider when the run ends. If it runs several operations at once, the last one to end
// is the last of the run: Terraform starts the next one while others are active.
func (e *Engine) StartOperation() (leave func() []PendingKey) {
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	e.run.active++
	return func() []PendingKey {
		e.run.mu.Lock()
		defer e.run.mu.Unlock()
		e.run.active--
		if e.run.active > 0 {
			return nil
		}
		var untold []PendingKey
		for i := range e.run.pending {
			if p := &e.run.pending[i]; !p.reported {
				p.reported = true
				untold = append(untold, p.PendingKey)
			}
		}
		slices.SortFunc(untold, func(a, b PendingKey) int { return cmp.Compare(a.Shop, b.Shop) })
		return untold
	}
}
