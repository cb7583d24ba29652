package rotation

import (
	"cmp"
	"context"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// This file is about keys that a step could not delete because of a shop that can't be read, and that a later step of the
// walk may find deletable: the object of that shop may have its turn later, and tell which store it belongs to. A person
// is told of such a key when no step is left that could delete it.

// PendingKey is a key that was to be deleted, and the shop that it was kept for.
type PendingKey struct {
	Shop string
	KeptKey
}

// pendingKey is what the walk knows of one.
type pendingKey struct {
	PendingKey
	rules Rules
	// told says that a person was told.
	told bool
}

// deferDeletion notes a key that a later step of this walk may find deletable.
func (e *Engine) deferDeletion(p pendingKey) {
	if !isUsageUnknown(p.Err) {
		return
	}
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	e.walk.pending = append(e.walk.pending, p)
}

// settle forgets that a key was pending.
func (w *walk) settle(key kustom.Orphan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = slices.DeleteFunc(w.pending, func(p pendingKey) bool { return p.Key == key })
}

// RetryPending deletes the keys that earlier steps of the walk had to keep because of a shop that could not be read,
// and that turned out to be deletable. The next read of their shops finds them gone.
func (e *Engine) RetryPending(ctx context.Context) {
	var err error
	defer recoverInto(&err)
	e.walk.mu.Lock()
	pending := e.walk.pending
	e.walk.pending = nil
	e.walk.mu.Unlock()
	for _, p := range pending {
		if !e.Shops.isBlocked(p.Key) {
			p.Err = e.retireOne(forShop(ctx, p.Shop, p.Key.MerchantID), p.Key, p.quiet, p.rules)
		}
		if p.Err != nil {
			e.walk.mu.Lock()
			e.walk.pending = append(e.walk.pending, p)
			e.walk.mu.Unlock()
		}
	}
}

// Enter notes that an object begins to change shops and keys. The returned function notes its end. Where no other object
// is under way then, it returns the keys that are pending and of which nobody has been told.
//
// Nothing tells a provider that the walk is over. With several objects at once, the last to end is the last of all: an
// object that ends is followed by the next while others are still under way.
func (e *Engine) Enter() (leave func() []PendingKey) {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	e.walk.underWay++
	return func() []PendingKey {
		e.walk.mu.Lock()
		defer e.walk.mu.Unlock()
		e.walk.underWay--
		if e.walk.underWay > 0 {
			return nil
		}
		var untold []PendingKey
		for i := range e.walk.pending {
			if p := &e.walk.pending[i]; !p.told {
				p.told = true
				untold = append(untold, p.PendingKey)
			}
		}
		slices.SortFunc(untold, func(a, b PendingKey) int { return cmp.Compare(a.Shop, b.Shop) })
		return untold
	}
}
