package rotation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// repairTime is how much older than a shop's key an orphaned key can be. The run that repairs a killed one generates its key
// later than that run did.
const repairTime = 24 * time.Hour

// OrphanCandidates returns the keys of a store that killed runs may have left behind. They have the given
// description, if the portal shows descriptions. Nothing has used them since their creation, no readable shop holds
// them, and no object of this run manages them. They may also be keys of another state, so the provider names them
// and does not delete them. It returns each key once per run.
//
// It leaves out the known keys. If the portal shows no descriptions, it also leaves out the keys that are more than
// repairTime older than the caller's own key: probably no run has generated them. Since is the creation of that key, or
// zero if there is none.
//
// Every plan calls it, and not only one that generates a key: an earlier list may have been stale, and after a
// killed -replace no plan generates a key.
func (e *Engine) OrphanCandidates(ctx context.Context, merchantID, description string, since time.Time, known ...KeyRef) ([]kustom.Key, error) {
	var strays []kustom.Key
	for key, err := range e.Keys.Keys(ctx, merchantID) {
		if err != nil {
			return nil, err
		}
		ours := key.Description != nil && *key.Description == description
		if !e.Keys.SupportsDescriptions() {
			ours = !key.CreatedAt.Before(since.Add(-repairTime))
		}
		if !ours || contains(known, refOf(key)) || !MayBeOrphaned(key) || e.Keys.Generated(key.CredentialID) || e.IsManaged(key.Username) || e.mayBeHeld(ctx, key) {
			continue
		}
		if e.run.isFirstNamed(key.Username) {
			strays = append(strays, key)
		}
	}
	return strays, nil
}

// OrphanCandidatesFor returns [Engine.OrphanCandidates] of the store of a planned shop. It returns none if the
// portal shows no descriptions and the shop gets a new key: [Plan.OtherKeys] then has all keys.
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

// mayBeHeld reports whether a shop holds a key, or may hold it and can't be read. Users delete a key that the
// provider calls unused. It returns false if there is no shop to ask: the user then has to look.
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
