package rotation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// OrphanCandidates returns the keys of a store that killed runs may have left behind. They have this description, if the portal shows
// descriptions. Nothing has used them since they were made, no shop that can be asked holds them, and no object that this
// walk has read has them. They look like keys of another state, so the provider names them and does not delete them. It returns
// each key once in a walk.
//
// The caller has a use for the known keys, and made its own key at since, which is zero if it has none. If the portal shows
// no descriptions, Strays leaves out the keys that are older than that: they are probably not the run's.
//
// Every plan calls it, and not only the plan that makes the next key: its list may have been stale, and after a killed
// -replace no plan makes a key.
func (e *Engine) OrphanCandidates(ctx context.Context, merchantID, description string, since time.Time, known ...KeyRef) ([]kustom.Key, error) {
	var strays []kustom.Key
	for key, err := range e.Keys.Keys(ctx, merchantID) {
		if err != nil {
			return nil, err
		}
		ours := key.Description != nil && *key.Description == description
		if !e.Keys.SupportsDescriptions() {
			ours = !key.CreatedAt.Before(since)
		}
		if !ours || contains(known, refOf(key)) || !MayBeOrphaned(key) || e.Keys.Generated(key.CredentialID) || e.IsManaged(key.Username) || e.mayBeHeld(ctx, key) {
			continue
		}
		if e.walk.isFirstNamed(key.Username) {
			strays = append(strays, key)
		}
	}
	return strays, nil
}

// OrphanCandidatesFor returns the strays, as [Engine.Strays] does, of the store that a shop is planned for. Where the portal shows
// no descriptions and the shop gets a new key, there are none: [Plan.Others] has all keys.
func (e *Engine) OrphanCandidatesFor(ctx context.Context, config Config, plan Plan, record *Record) ([]kustom.Key, error) {
	if config.MerchantID == "" || config.NoDescriptions && (plan.Generate || record == nil) {
		return nil, nil
	}
	description := DefaultDescription
	if config.Description != nil {
		description = *config.Description
	}
	known, since := slices.Concat(plan.Delete, plan.Keep), time.Time{}
	if record != nil {
		since = record.CreatedAt
		known = append(known, record.Key())
		known = append(known, record.Memory.undeletedRefs()...)
		for _, key := range record.Memory.Retired {
			known = append(known, key.KeyRef)
		}
	}
	return e.OrphanCandidates(ctx, config.MerchantID, description, since, known...)
}

// mayBeHeld tells whether a shop holds a key, or may hold it and can't be read. A person who reads that nothing uses a
// key deletes it. Where no shop can be asked at all, nothing is known of shops, and the person is the one to look.
func (e *Engine) mayBeHeld(ctx context.Context, key kustom.Key) bool {
	if e.Shops.Holds(key.Username) {
		return true
	}
	err := e.Shops.CheckUnused(ctx, refOf(key).Orphan(), time.Time{})
	if unknown := (*KeyUsageUnknownError)(nil); errors.As(err, &unknown) {
		return len(unknown.Shops) > 0
	}
	return err != nil
}
