package rotation

import (
	"context"
	"errors"
	"iter"
	"runtime/debug"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// This file has the interfaces to the vendors, and wraps them. A panic of a vendor's client becomes a
// [*PanicError], so that the engine treats it as any other inconclusive failure: it undoes or remembers the key
// that it generated.

// Portal is Kustom Portal, through its API or its pages. It is safe for concurrent use.
type Portal interface {
	// Ready returns why the portal can't be used yet, or nil.
	Ready() error
	// Generate generates a key. The error can be a [*kustom.ReplayedError] or a [*kustom.OrphanError].
	Generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error)
	// DeleteOrphan deletes a key. It returns nil if the key does not exist.
	DeleteOrphan(ctx context.Context, orphan kustom.Orphan) error
	// SupportsDescriptions reports whether a key can have a description, and a request an idempotency key.
	SupportsDescriptions() bool
	// Generated reports whether this portal itself generated the key in this process.
	Generated(credentialID string) bool
	// Key returns a key, or a [*kustom.NoKeyError].
	Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error)
	// Keys yields the keys of a store. If merchantID is empty, it yields those of all stores that the user can see.
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
	// Stores yields the stores that the user can see.
	Stores(ctx context.Context) iter.Seq2[kustom.Store, error]
}

// ShopService is Mystore, through its API or its pages. It is safe for concurrent use.
type ShopService interface {
	// Credentials returns a shop's credentials, or a [*mystore.NotInstalledError].
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
	// Install writes a pair to a shop.
	Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error)
	// Clear removes a shop's pair.
	Clear(ctx context.Context, shop string) (mystore.Credentials, error)
}

// Merchant is Kustom's merchant API. It is safe for concurrent use.
type Merchant interface {
	// Prove returns nil if the API accepts the pair, and a [*kustom.ProofError] otherwise.
	Prove(ctx context.Context, username, secret string) error
}

// identifier is a [Portal] that can find the key of an unanswered request.
type identifier interface {
	// Identify returns the ID of the key that an orphan's request generated.
	Identify(ctx context.Context, orphan kustom.Orphan) (string, error)
}

// portalCalls calls a portal and recovers from its panics.
type portalCalls struct{ to Portal }

// Ready is [Portal.Ready].
func (p portalCalls) Ready() (err error) {
	defer recoverInto(&err)
	return p.to.Ready()
}

// Generated is [Portal.Generated].
func (p portalCalls) Generated(credentialID string) bool { return p.to.Generated(credentialID) }

// SupportsDescriptions is [Portal.SupportsDescriptions].
func (p portalCalls) SupportsDescriptions() bool { return p.to.SupportsDescriptions() }

// Generate is [Portal.Generate]. If the portal panics, it may have generated the key, so the error is a
// [*kustom.OrphanError].
func (p portalCalls) Generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error) {
	key, err := p.generate(ctx, r)
	if panicked := (*PanicError)(nil); errors.As(err, &panicked) && r.IdempotencyKey != "" {
		orphan := kustom.Orphan{MerchantID: r.MerchantID, Description: r.Description, IdempotencyKey: r.IdempotencyKey}
		return key, &kustom.OrphanError{Orphan: orphan, Cause: panicked}
	}
	return key, err
}

func (p portalCalls) generate(ctx context.Context, r kustom.Request) (key kustom.NewKey, err error) {
	defer recoverInto(&err)
	return p.to.Generate(ctx, r)
}

// DeleteOrphan is [Portal.DeleteOrphan].
func (p portalCalls) DeleteOrphan(ctx context.Context, orphan kustom.Orphan) (err error) {
	defer recoverInto(&err)
	return p.to.DeleteOrphan(ctx, orphan)
}

func (p portalCalls) Key(ctx context.Context, merchantID, credentialID string) (key kustom.Key, err error) {
	defer recoverInto(&err)
	return p.to.Key(ctx, merchantID, credentialID)
}

func (p portalCalls) Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return recovering(func() iter.Seq2[kustom.Key, error] { return p.to.Keys(ctx, merchantID) })
}

// Stores is [Portal.Stores]. It redacts secrets in names and websites, and leaves out stores without a merchant ID.
func (p portalCalls) Stores(ctx context.Context) iter.Seq2[kustom.Store, error] {
	stores := recovering(func() iter.Seq2[kustom.Store, error] { return p.to.Stores(ctx) })
	return func(yield func(kustom.Store, error) bool) {
		for store, err := range stores {
			if err == nil && (store.MerchantID == "" || kustom.MayHoldSecret(store.MerchantID)) {
				continue
			}
			store.Name, store.Website = redactSecret(store.Name), redactSecret(store.Website)
			if !yield(store, err) {
				return
			}
		}
	}
}

// Identify returns the ID of the key that an orphan's request generated, or an empty ID if the portal can't find
// it.
func (p portalCalls) Identify(ctx context.Context, orphan kustom.Orphan) (id string, err error) {
	defer recoverInto(&err)
	if portal, ok := p.to.(identifier); ok {
		return portal.Identify(ctx, orphan)
	}
	return "", nil
}

// relister is a [Portal] that may list a store's keys itself right before it deletes one of them.
type relister interface{ ListsBeforeDeletion() bool }

// listsBeforeDeletion reports whether the portal lists the store's keys before each deletion.
func (p portalCalls) listsBeforeDeletion() bool {
	portal, ok := p.to.(relister)
	return ok && portal.ListsBeforeDeletion()
}

// storeLister is a [Portal] that may have no list of all stores' keys. Its Keys then reads one store after the
// other.
type storeLister interface{ ListsByStore() bool }

// listsByStore reports whether a list of all keys takes a request for each store.
func (p portalCalls) listsByStore() bool {
	portal, ok := p.to.(storeLister)
	return ok && portal.ListsByStore()
}

// slowPortal is a [Portal] on whose pages a cleanup needs more than [undoTimeout], such as to ask a user before each click.
type slowPortal interface{ CleanupTime() time.Duration }

// cleanupTime limits the deletion of a key after a failure or a cancellation.
func (p portalCalls) cleanupTime() time.Duration {
	if portal, ok := p.to.(slowPortal); ok {
		return max(undoTimeout, portal.CleanupTime())
	}
	return undoTimeout
}

// SlowShopService is a [ShopService] that reads the pages of some shops, which can take longer than [undoTimeout].
type SlowShopService interface {
	ShopService
	// CleanupTime is how long the read of a shop may take that finds out whether an interrupted write was done. It is 0 for a
	// shop without pages.
	CleanupTime(shop string) time.Duration
}

// shopCalls calls a shop service and recovers from its panics.
type shopCalls struct{ ShopService }

// cleanupTime limits the read of a shop after a failure or a cancellation.
func (s shopCalls) cleanupTime(shop string) time.Duration {
	if service, ok := s.ShopService.(SlowShopService); ok {
		return max(undoTimeout, service.CleanupTime(shop))
	}
	return undoTimeout
}

// Credentials returns a [*mystore.NotShownError] if the shop masks its Kustom ID.
func (s shopCalls) Credentials(ctx context.Context, shop string) (credentials mystore.Credentials, err error) {
	defer recoverInto(&err)
	credentials, err = s.ShopService.Credentials(ctx, shop)
	if err == nil && mystore.IsMasked(credentials.KustomID) {
		return mystore.Credentials{}, &mystore.NotShownError{Shop: shop, Masked: redactSecret(credentials.KustomID)}
	}
	return credentials, err
}

func (s shopCalls) Install(ctx context.Context, shop, kustomID, kustomSecret string) (credentials mystore.Credentials, err error) {
	defer recoverInto(&err)
	return s.ShopService.Install(ctx, shop, kustomID, kustomSecret)
}

func (s shopCalls) Clear(ctx context.Context, shop string) (credentials mystore.Credentials, err error) {
	defer recoverInto(&err)
	return s.ShopService.Clear(ctx, shop)
}

// merchantCalls calls the merchant API and recovers from its panics.
type merchantCalls struct{ Merchant }

func (m merchantCalls) Prove(ctx context.Context, username, secret string) (err error) {
	defer recoverInto(&err)
	return m.Merchant.Prove(ctx, username, secret)
}

// recovering yields the items of a sequence. A panic of the sequence becomes its last error. A panic of the
// consumer is not recovered.
func recovering[T any](open func() iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if failure := rangeOver(open, yield); failure != nil {
			var none T
			yield(none, failure)
		}
	}
}

// rangeOver yields the items of a sequence, and returns its panic as an error, unless the consumer has stopped it.
func rangeOver[T any](open func() iter.Seq2[T, error], yield func(T, error) bool) (failure error) {
	yielding, ended := false, false
	defer func() {
		if yielding {
			return
		}
		if value := recover(); value != nil && !ended {
			failure = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	open()(func(item T, err error) bool {
		yielding = true
		ended = !yield(item, err)
		yielding = false
		return !ended
	})
	return nil
}
