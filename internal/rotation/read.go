package rotation

import (
	"cmp"
	"context"
	"errors"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Read reads a managed shop, and records what the next plan needs.
func (e *Engine) Read(ctx context.Context, shop string, record *Record) (err error) {
	defer recoverInto(&err)
	memory := &record.Memory
	e.Shops.NoteConfigured(shop, record.MerchantID, cmp.Or(memory.HeldUsername, record.Username))
	seen, err := e.Observe(ctx, shop, record.MerchantID, record.CredentialID)
	if err != nil {
		return err
	}
	retired, err := e.existingRetired(ctx, memory.withInterrupted(seen))
	if err != nil {
		return err
	}
	if memory.Undeleted, err = e.existing(ctx, memory.Undeleted); err != nil {
		return err
	}
	importing := memory.IsImporting()
	if importing {
		if err := cmp.Or(seen.Missing, seen.NotShown); err != nil {
			return err
		}
		seen.Recorded = seen.Held
		memory.UpdatedAt = seen.Credentials.UpdatedAt
	}
	memory.confirmUse(seen, e.Shops.cache.lastUnconfirmed(shop))
	e.Shops.NoteUsedKey(shop, memory.UsedKey)
	memory.DueReason = seen.dueReason(memory.UpdatedAt, record.Username)
	memory.ObservedAt, memory.Retired = e.clock.Now(), retired
	memory.Replaceable, memory.OtherStoreKeys = append(seen.replaceable(), seen.unreplaced(record)...), seen.otherStoreKeys()
	memory.HeldUsername, memory.OtherKeys = seen.Credentials.KustomID, usernames(seen.OtherKeys)
	memory.Store, memory.Gone = seen.shownStore(), seen.gone()
	if seen.Recorded != nil {
		record.setKey(*seen.Recorded)
	}
	if memory.IsUnfinished() || importing {
		// The next plan must differ from the last one.
		record.Reason, record.KeysToDelete, record.KeysKept = "", nil, nil
	}
	return nil
}

// ReadShop reads a shop into the cache. It is no error if the shop has no Klarna Checkout V3, or if its page does
// not show which key it has.
func (e *Engine) ReadShop(ctx context.Context, shop string) error {
	if _, err := e.Shops.Credentials(ctx, shop); err != nil && !isNotInstalled(err) && !mystore.IsNotShown(err) {
		return err
	}
	return nil
}

// existingRetired returns the retired keys that still exist, with their last use.
func (e *Engine) existingRetired(ctx context.Context, keys []RetiredKey) ([]RetiredKey, error) {
	var still []RetiredKey
	for _, key := range keys {
		now, err := e.Keys.Key(ctx, key.MerchantID, key.CredentialID)
		if isNoKey(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		key.CreatedAt, key.LastUsedAt, key.Precision = now.CreatedAt, now.LastUsedAt, now.Precision
		still = append(still, key)
	}
	return still, nil
}

// existing returns the undeleted keys that still exist or may exist.
func (e *Engine) existing(ctx context.Context, keys []kustom.Orphan) ([]kustom.Orphan, error) {
	var still []kustom.Orphan
	for _, key := range keys {
		if key.CredentialID != "" {
			_, err := e.Keys.Key(ctx, key.MerchantID, key.CredentialID)
			if isNoKey(err) {
				continue
			}
			if notListed := (*NotListedError)(nil); err != nil && !errors.As(err, &notListed) {
				return nil, err
			}
		}
		still = append(still, key)
	}
	return still, nil
}
