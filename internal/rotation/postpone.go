package rotation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// postponed has the confirmations of a shop that wait until all shops of a fleet are done, so that one listing
// serves all. It is safe for concurrent use.
type postponed struct {
	mu sync.Mutex
	// deleted are keys whose deletion the portal accepted.
	deleted []kustom.Orphan
	// installed is the key that the shop got, or nil.
	installed *kustom.Key
}

type postponedKey struct{}

// context returns a context in which confirmations are postponed.
func (p *postponed) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, postponedKey{}, p)
}

// postponeDeleted postpones the confirmation of a deletion. It returns false if ctx does not allow that.
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

// postponeInstalled postpones the check that an installed key exists. It returns false if ctx does not allow that.
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

// confirm confirms, after all members are done, that deleted keys are gone and installed ones exist. Otherwise it
// deletes or installs again. If ctx has ended, it still runs for [undoTimeout]: a deletion that nobody confirms
// would be forgotten.
func (f *Fleet) confirm(ctx context.Context) []Failure {
	if ctx.Err() != nil {
		detached, cancel := clock.Detach(ctx, f.Engine.clock, undoTimeout)
		defer cancel()
		ctx = detached
	}
	stores := map[string]bool{}
	for _, m := range f.Members {
		for _, key := range m.postponed.deleted {
			stores[key.MerchantID] = true
		}
		if m.postponed.installed != nil {
			stores[m.postponed.installed.MerchantID] = true
		}
	}
	for id := range stores {
		f.Engine.Keys.invalidate(id)
	}
	f.Engine.Keys.refreshStores(ctx, slices.Collect(maps.Keys(stores)))
	return f.each(ctx, f.WriteTimeout, f.confirmMember)
}

func (f *Fleet) confirmMember(ctx context.Context, m *Member) error {
	ctx = withShop(ctx, m.Name, m.store())
	for _, key := range m.postponed.deleted {
		if err := f.Engine.deleteAgain(ctx, key); err != nil {
			m.Kept = append(m.Kept, KeptKey{Key: key, Err: err})
			m.Record.Memory.Undeleted = append(m.Record.Memory.Undeleted, key)
		}
	}
	if m.postponed.installed == nil {
		return nil
	}
	listed, err := f.Engine.Keys.latest(ctx, m.postponed.installed.MerchantID)
	if err != nil {
		return nil //nolint:nilerr // The shop works; the next run looks again.
	}
	if _, ok := find(listed, m.postponed.installed.CredentialID); ok || f.Engine.checkExists(ctx, m.Name, *m.postponed.installed) == nil {
		return nil
	}
	// Somebody has deleted the key, so the shop needs another one at once.
	ctx, end := f.Engine.StartShop(ctx, m.Name, m.store())
	leftovers, err := f.Engine.connect(ctx, m.Plan, f.Rules, m.Record)
	end(err)
	m.Record.Memory.Undeleted = append(m.Record.Memory.Undeleted, leftovers...)
	return err
}

// deleteAgain deletes a key that the portal still lists.
func (e *Engine) deleteAgain(ctx context.Context, key kustom.Orphan) error {
	listed, err := e.Keys.latest(ctx, key.MerchantID)
	if _, still := find(listed, key.CredentialID); still && err == nil {
		return e.Keys.Delete(ctx, key)
	}
	e.steps.record(ctx, StepDelete, key.MerchantID, cmp.Or(key.Username, key.CredentialID), outcomeOf(err), err)
	return err
}
