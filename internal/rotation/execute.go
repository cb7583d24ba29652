package rotation

import (
	"context"
	"errors"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// KeptKey is a key that was to be deleted and could not be.
type KeptKey struct {
	Key kustom.Orphan
	Err error
}

// IsInUse tells whether a shop needs the key. Then it is that shop's, and it is not tried again.
func (k KeptKey) IsInUse() bool { return isInUse(k.Err) }

// IsRetryable tells whether it is for a shop that the key could not be deleted.
func (k KeptKey) IsRetryable() bool { return isInUse(k.Err) || isUsageUnknown(k.Err) }

// IsPending tells whether a later step of the walk may find the key deletable: it was kept because of a shop that could not
// be read. [Engine.Enter] tells who tells a person of it.
func (k KeptKey) IsPending() bool { return isUsageUnknown(k.Err) }

// WaitsFor says, in a sentence for a person, what the key's deletion waits for; empty where it does not wait.
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

// IsFailure tells whether something went wrong, and nothing in this run tries again: the key is not one that a shop
// needs or may need, nor one that waits for the portal to show no use of it.
func (k KeptKey) IsFailure() bool {
	var used *KeyStillUsedError
	return !k.IsRetryable() && !errors.As(k.Err, &used) && !mystore.IsNotConfirmed(k.Err)
}

// Execute carries a plan out for one shop: it gives the shop a new key, or not, and deletes the keys that go. It
// brings record up to date. After an error the shop has the key that it had; what is left to do is in the
// record's memory in any case. The keys that had to stay are returned, each with the reason.
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
	unsettled := slices.Concat(record.Memory.Undeleted, leftovers)
	if plan.Changes {
		record.Reason, record.KeysToDelete, record.KeysKept = plan.Reason, plan.Delete, plan.Keep
	}
	// An imported shop stays untouched until it gets its first triggers.
	record.Memory.Imported = record.Memory.Imported && len(record.Triggers) == 0
	if !plan.Generate && !plan.Changes && len(unsettled) == 0 {
		return nil, nil
	}
	retired := record.Memory.Retired
	record.Memory.Undeleted, record.Memory.BlockedBy, record.Memory.Retired = nil, nil, e.keysRetiredBy(plan)
	going := keysToDelete(plan.Delete, unsettled)
	if !record.Memory.UnconfirmedSince.IsZero() {
		return e.awaitUse(ctx, plan.Shop, going, &record.Memory), nil
	}
	e.Shops.NoteUsedKey(plan.Shop, record.Memory.UsedKey)
	kept = e.deleteReplaced(ctx, going, idleKeys(plan, retired), rules, &record.Memory)
	e.Shops.cache.settleReplacement(plan.Shop, record.Username, kept)
	return kept, nil
}

// awaitUse keeps keys until the shop is seen to use the one that took their place: it took it, and does not show
// whether it has it.
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

// keysRetiredBy returns the keys that a plan puts out of use without deleting them. It leaves out a key without an ID: somebody
// else made it for another store.
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

// idleKeys returns the IDs of the keys that go because they were not used for a time.
func idleKeys(plan Plan, retired []RetiredKey) map[string]bool {
	quiet := map[string]bool{}
	for _, key := range retired {
		if !plan.Generate {
			quiet[key.CredentialID] = true
		}
	}
	return quiet
}

// deletedNow returns the keys that are deleted as soon as the shop has another one.
func (p Plan) deletedNow() []KeyRef {
	return slices.DeleteFunc(slices.Clone(p.Delete), func(key KeyRef) bool { return key.WaitsFor != "" })
}

// keysToDelete returns the keys that go now, the unsettled of them with all that is known of them.
func keysToDelete(announced []KeyRef, unsettled []kustom.Orphan) []kustom.Orphan {
	keys := slices.Clone(unsettled)
	for _, key := range announced {
		known := slices.ContainsFunc(unsettled, func(o kustom.Orphan) bool { return o.CredentialID == key.CredentialID })
		if key.WaitsFor == "" && !known {
			keys = append(keys, key.Orphan())
		}
	}
	return keys
}

// deleteReplaced deletes keys. The shop works by now, so what can't be deleted is no error: it is remembered, and the
// next plan has it.
func (e *Engine) deleteReplaced(ctx context.Context, keys []kustom.Orphan, quiet map[string]bool, rules Rules, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range keys {
		err := e.deleteByPolicy(ctx, key, quiet[key.CredentialID], rules)
		e.walk.dropPending(key)
		if err == nil {
			continue
		}
		kept = append(kept, KeptKey{Key: key, Err: err})
		e.deferDeletion(pendingKey{PendingKey: PendingKey{Shop: subjectOf(ctx).shop, KeptKey: KeptKey{Key: key, Err: err}}, rules: rules})
		if still := (*KeyStillUsedError)(nil); errors.As(err, &still) {
			memory.Retired = append(memory.Retired, RetiredKey{
				KeyRef: KeyRef{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username}, CreatedAt: e.clock.Now(),
			})
		} else if !isInUse(err) {
			memory.Undeleted = append(memory.Undeleted, key)
			memory.BlockedBy = union(memory.BlockedBy, shopsNotShowing(err))
		}
	}
	return kept
}

// shopsNotShowing returns the shops that may use a key and do not show which one they have, nil where something else keeps
// the key from being deleted.
func shopsNotShowing(err error) []string {
	var unknown *KeyUsageUnknownError
	if !errors.As(err, &unknown) || !mystore.IsNotShown(unknown.Cause) {
		return nil
	}
	return unknown.Shops
}

// union returns the texts of both lists, each once and in order.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func (e *Engine) deleteByPolicy(ctx context.Context, key kustom.Orphan, quiet bool, rules Rules) (err error) {
	defer recoverInto(&err)
	if rules.ReplacedKeys != DeleteUnusedKeys {
		return e.DeleteIfUnused(ctx, key, 0)
	}
	if quiet {
		return e.DeleteIdle(ctx, key, rules.UnusedFor)
	}
	return e.DeleteIfUnused(ctx, key, rules.UnusedFor)
}

// RetryDeletions tries the keys once more that were kept for a shop: it, too, may have got another key by now.
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
		kept = append(kept, e.deleteReplaced(ctx, []kustom.Orphan{key.Key}, nil, rules, memory)...)
	}
	return kept
}
