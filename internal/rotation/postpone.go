package rotation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// postponed is what remains to be confirmed of a shop when all shops of a fleet are done, so that one listing serves
// them all. It is safe for concurrent use.
type postponed struct {
	mu sync.Mutex
	// deleted are keys whose deletion was answered as documented.
	deleted []kustom.Orphan
	// installed is the key that the shop has got; nil where it has got none.
	installed *kustom.Key
}

type postponedKey struct{}

// in returns a context in which confirmations are postponed.
func (p *postponed) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, postponedKey{}, p)
}

// postponeDeleted notes a key whose deletion is to be confirmed later, and returns whether that is so.
func postponeDeleted(ctx context.Context, key kustom.Orphan) bool {
	p, ok := ctx.Value(postponedKey{}).(*postponed)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deleted = append(p.deleted, key)
	return true
}

// postponeInstalled notes a key whose existence is to be confirmed later, and returns whether that is so.
func postponeInstalled(ctx context.Context, key kustom.Key) bool {
	p, ok := ctx.Value(postponedKey{}).(*postponed)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.installed = &key
	return true
}

// confirm makes sure, when all members are done, that the keys that were deleted are gone, and that those that were
// installed exist. What turns out otherwise is done again. It does so, for a while, although ctx may be done: what nobody
// has confirmed would be forgotten.
func (f *Fleet) confirm(ctx context.Context) []Failure {
	if ctx.Err() != nil {
		detached, cancel := clock.Detach(ctx, f.Engine.clock, undoTimeout)
		defer cancel()
		ctx = detached
	}
	stores := map[string]bool{}
	for _, m := range f.Members {
		for _, key := range m.later.deleted {
			stores[key.MerchantID] = true
		}
		if m.later.installed != nil {
			stores[m.later.installed.MerchantID] = true
		}
	}
	for id := range stores {
		f.Engine.Keys.invalidate(id)
	}
	f.Engine.Keys.refreshStores(ctx, slices.Collect(maps.Keys(stores)))
	return f.each(ctx, f.WriteTimeout, f.confirmMember)
}

func (f *Fleet) confirmMember(ctx context.Context, m *Member) error {
	ctx = forShop(ctx, m.Name, m.store())
	for _, key := range m.later.deleted {
		if err := f.Engine.deleteAgain(ctx, key, f.Rules.evidence()); err != nil {
			m.Kept = append(m.Kept, KeptKey{Key: key, Err: err})
			if !isInUse(err) {
				m.Record.Memory.Unsettled = append(m.Record.Memory.Unsettled, key)
			}
		}
	}
	if m.later.installed == nil {
		return nil
	}
	listed, err := f.Engine.Keys.latest(ctx, m.later.installed.MerchantID)
	if err != nil {
		return nil //nolint:nilerr // The shop works; the next run looks again.
	}
	if _, ok := find(listed, m.later.installed.CredentialID); ok || f.Engine.checkExists(ctx, m.Name, *m.later.installed) == nil {
		return nil
	}
	// Somebody has deleted the key. The shop needs another one at once.
	ctx, end := f.Engine.Begin(ctx, m.Name, m.store())
	leftovers, err := f.Engine.connect(ctx, m.Plan, f.Rules, m.Record)
	end(err)
	m.Record.Memory.Unsettled = append(m.Record.Memory.Unsettled, leftovers...)
	return err
}

// deleteAgain deletes a key that the portal still lists. Meanwhile a shop may have got it.
func (e *Engine) deleteAgain(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	listed, err := e.Keys.latest(ctx, key.MerchantID)
	if _, still := find(listed, key.CredentialID); still && err == nil {
		return e.DeleteUnused(ctx, key, unusedFor)
	}
	e.steps.note(ctx, StepDelete, key.MerchantID, cmp.Or(key.Username, key.CredentialID), outcomeOf(err), err)
	return err
}
