package rotation

import (
	"context"
	"errors"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// OrphansByReplay returns the orphaned keys of a shop without a recorded key: earlier runs requested them, and the
// answers were lost. It finds them without any local file, on every machine: it repeats the requests with the same
// idempotency keys. If one generates a new key, OrphansByReplay deletes that at once. It returns none if the portal has
// no idempotency keys: each request would generate another key.
func (e *Engine) OrphansByReplay(ctx context.Context, shop string, record Record) ([]kustom.Orphan, error) {
	if !e.Keys.SupportsDescriptions() {
		return nil, nil
	}
	holds, err := e.Shops.Credentials(ctx, shop)
	if err != nil && !isNotInstalled(err) {
		return nil, err
	}
	description := DefaultDescription
	if record.Description != nil {
		description = *record.Description
	}
	plan := Plan{Shop: shop, MerchantID: record.MerchantID, Description: &description}
	var orphans []kustom.Orphan
	for n := range maxReplays {
		request := kustom.Request{MerchantID: plan.MerchantID, Description: description, IdempotencyKey: idempotencyKey(plan, holds.KustomID, n)}
		key, err := e.Keys.Generate(ctx, request)
		if replayed := (*kustom.ReplayedError)(nil); errors.As(err, &replayed) {
			if orphan := e.unrecordedKey(ctx, replayed.Orphan, plan, &record); orphan != nil {
				orphans = append(orphans, *orphan)
			}
			continue
		}
		if err != nil {
			return orphans, err
		}
		return orphans, e.undo(ctx, key.Key, nil)
	}
	return orphans, nil
}
