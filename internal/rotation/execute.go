package rotation

import (
	"context"
	"errors"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Execute carries out a plan for one shop: it gives the shop a new key, if the plan says so, and deletes keys. It
// updates record, also if it returns an error: the shop then has its old key, and record.Memory has what is left to
// do. It returns the keys that it could not delete.
func (e *Engine) Execute(ctx context.Context, plan Plan, rules Rules, record *Record) (kept []KeptKey, err error) {
	defer e.RetryPending(ctx)
	defer recoverInto(&err)
	ctx = withShop(ctx, plan.Shop, plan.MerchantID)
	if rules.AllowStoreChange {
		e.Shops.NoteStoreChange(plan.Shop)
	}
	var leftovers []kustom.Orphan
	if plan.Generate {
		if leftovers, err = e.connect(ctx, plan, rules, record); err != nil {
			record.Memory.Undeleted = slices.Concat(record.Memory.Undeleted, leftovers, undeletedKeys(err))
			return nil, err
		}
	}
	undeleted := slices.Concat(record.Memory.Undeleted, leftovers)
	if plan.Changes {
		record.Reason, record.KeysToDelete, record.KeysKept = plan.Reason, plan.Delete, plan.Keep
	}
	// An imported shop stays unchanged until it gets its first triggers.
	record.Memory.Imported = record.Memory.Imported && len(record.Triggers) == 0
	if !plan.Generate && !plan.Changes && len(undeleted) == 0 {
		return nil, nil
	}
	retired := record.Memory.Retired
	record.Memory.Undeleted, record.Memory.BlockedBy, record.Memory.Retired = nil, nil, e.keysRetiredBy(plan)
	toDelete := keysToDelete(plan.Delete, undeleted)
	if !record.Memory.UnconfirmedSince.IsZero() {
		return e.awaitUse(ctx, plan.Shop, toDelete, &record.Memory), nil
	}
	e.Shops.NoteUsedKey(plan.Shop, record.Memory.UsedKey)
	kept = e.deleteReplaced(ctx, toDelete, idleKeys(retired), rules, &record.Memory)
	e.Shops.cache.settleReplacement(plan.Shop, record.Username, kept)
	return kept, nil
}

// awaitUse keeps replaced keys until the shop is seen to use its new key. The shop accepted that key, and its page
// does not show it.
func (e *Engine) awaitUse(ctx context.Context, shop string, keys []kustom.Orphan, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range keys {
		kept = append(kept, KeptKey{Key: key, Err: e.steps.recordKept(ctx, key, &mystore.NotConfirmedError{Shop: shop})})
		if key.CredentialID == "" {
			memory.Undeleted = append(memory.Undeleted, key)
			continue
		}
		ref := KeyRef{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, WaitsFor: awaitsFirstUse}
		memory.Retired = append(memory.Retired, RetiredKey{KeyRef: ref, CreatedAt: e.clock.Now()})
	}
	return kept
}

// keysRetiredBy returns the keys that a plan replaces without deleting them. It leaves out a key without an ID,
// which is a key of another store.
func (e *Engine) keysRetiredBy(plan Plan) []RetiredKey {
	var retired []RetiredKey
	for _, key := range slices.Concat(plan.Delete, plan.Keep) {
		waits := key.WaitsFor != ""
		key.WaitsFor = ""
		if (waits || contains(plan.Keep, key)) && key.CredentialID != "" {
			retired = append(retired, RetiredKey{KeyRef: key, CreatedAt: e.clock.Now()})
		}
	}
	return retired
}

// idleKeys returns the IDs of the retired keys. They are deleted because they were idle, and stay if they are no
// longer idle at the apply, whether or not the shop gets a new key.
func idleKeys(retired []RetiredKey) map[string]bool {
	idle := map[string]bool{}
	for _, key := range retired {
		idle[key.CredentialID] = true
	}
	return idle
}

// deletedNow returns the keys to delete as soon as the shop has its new key.
func (p Plan) deletedNow() []KeyRef {
	return slices.DeleteFunc(slices.Clone(p.Delete), func(key KeyRef) bool { return key.WaitsFor != "" })
}

// keysToDelete returns the keys to delete now. The undeleted ones keep the details of their requests.
func keysToDelete(announced []KeyRef, undeleted []kustom.Orphan) []kustom.Orphan {
	keys := slices.Clone(undeleted)
	for _, key := range announced {
		known := slices.ContainsFunc(undeleted, func(o kustom.Orphan) bool { return o.CredentialID == key.CredentialID })
		if key.WaitsFor == "" && !known {
			keys = append(keys, key.Orphan())
		}
	}
	return keys
}

// deleteReplaced deletes keys. The shop already works with its new key, so a failed deletion is no error: memory
// has the key for the next plan.
func (e *Engine) deleteReplaced(ctx context.Context, keys []kustom.Orphan, idle map[string]bool, rules Rules, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range keys {
		err := e.deleteByPolicy(ctx, key, idle[key.CredentialID], rules)
		e.run.dropPending(key)
		if err == nil {
			continue
		}
		left := KeptKey{Key: key, Err: err, idle: idle[key.CredentialID]}
		kept = append(kept, left)
		e.deferDeletion(pendingKey{PendingKey: PendingKey{Shop: subjectOf(ctx).shop, KeptKey: left}, rules: rules})
		if still := (*KeyStillUsedError)(nil); errors.As(err, &still) {
			memory.Retired = append(memory.Retired, RetiredKey{
				KeyRef: refOfOrphan(key), CreatedAt: e.clock.Now(),
			})
		} else if !isInUse(err) {
			memory.Undeleted = append(memory.Undeleted, key)
			memory.BlockedBy = union(memory.BlockedBy, shopsNotShowing(err))
		}
	}
	return kept
}

// shopsNotShowing returns the shops that prevented a deletion because their pages do not show which key they have,
// or nil if something else prevented it.
func shopsNotShowing(err error) []string {
	var unknown *KeyUsageUnknownError
	if !errors.As(err, &unknown) || !mystore.IsNotShown(unknown.Cause) {
		return nil
	}
	return unknown.Shops
}

// union returns the sorted texts of both lists, without duplicates.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// RetryDeletions retries the deletions that shops prevented: they may have other keys by now.
func (e *Engine) RetryDeletions(ctx context.Context, left []KeptKey, rules Rules, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range left {
		if ctx.Err() != nil || !key.IsRetryable() {
			kept = append(kept, key)
			continue
		}
		memory.Undeleted = slices.DeleteFunc(memory.Undeleted, func(o kustom.Orphan) bool { return o == key.Key })
		if len(memory.Undeleted) == 0 {
			memory.BlockedBy = nil
		}
		kept = append(kept, e.deleteReplaced(ctx, []kustom.Orphan{key.Key}, map[string]bool{key.Key.CredentialID: key.idle}, rules, memory)...)
	}
	return kept
}
