package rotation

import (
	"context"
	"errors"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// LimitReachedError means that a store has reached its limit of keys. Unused are those of its keys that were never
// used.
type LimitReachedError struct {
	MerchantID string
	Unused     []kustom.Key
	Cause      error
}

// Error implements error.
func (e *LimitReachedError) Error() string { return e.Cause.Error() }

// Unwrap returns the portal's error.
func (e *LimitReachedError) Unwrap() error { return e.Cause }

// WithUnusedKeys turns the error of a reached limit into a [*LimitReachedError]. It returns any other error
// unchanged.
func (e *Engine) WithUnusedKeys(ctx context.Context, merchantID string, err error) error {
	if !kustom.IsLimitReached(err) {
		return err
	}
	full := &LimitReachedError{MerchantID: merchantID, Cause: err}
	for key, listErr := range e.Keys.Keys(ctx, merchantID) {
		if listErr != nil {
			return err
		}
		if key.LastUsedAt == nil {
			full.Unused = append(full.Unused, key)
		}
	}
	return full
}

// DescribeStores adds the stores' names and websites to a [*WrongStoreError]. It returns any other error unchanged.
func (e *Engine) DescribeStores(ctx context.Context, err error) error {
	var wrong *WrongStoreError
	if !errors.As(err, &wrong) {
		return err
	}
	return &WrongStoreError{Shop: wrong.Shop, Present: e.describeStore(ctx, wrong.Present), Wanted: e.describeStore(ctx, wrong.Wanted)}
}

// WithMissingStore turns a [*WrongStoreError] into a [*StoreNotFoundError] if the user can't see the configured store: its
// merchant ID may have a typing error. Otherwise, it is [Engine.DescribeStores].
func (e *Engine) WithMissingStore(ctx context.Context, err error) error {
	var wrong *WrongStoreError
	if !errors.As(err, &wrong) {
		return err
	}
	var missing *StoreNotFoundError
	if errors.As(e.Keys.checkStore(ctx, wrong.Wanted), &missing) {
		return missing
	}
	return e.DescribeStores(ctx, err)
}

func (e *Engine) describeStore(ctx context.Context, merchantID string) string {
	store, ok := e.Keys.Store(ctx, merchantID)
	switch {
	case !ok || store.Name == "" && store.Website == "":
		return merchantID
	case store.Website == "":
		return fmt.Sprintf("%s (%s)", merchantID, store.Name)
	case store.Name == "":
		return fmt.Sprintf("%s (%s)", merchantID, store.Website)
	}
	return fmt.Sprintf("%s (%s, %s)", merchantID, store.Name, store.Website)
}
