package rotation

import (
	"context"
	"errors"
	"iter"
	"runtime/debug"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// This file stands between the engine and the vendors. A panic of a vendor's client becomes a [*PanicError], so
// that the engine goes on as after any other inconclusive failure: a key that was made is undone or
// remembered.

// identifier finds out which key a request made that was not answered.
type identifier interface {
	// Identify returns the ID of the key that an orphan's request made.
	Identify(ctx context.Context, orphan kustom.Orphan) (string, error)
}

// portalCalls are the calls of a portal.
type portalCalls struct{ to Portal }

// Ready returns why the portal can't be used yet, nil where it can.
func (p portalCalls) Ready() (err error) {
	defer recoverInto(&err)
	return p.to.Ready()
}

// Made reports whether the portal has made the key itself, in this process.
func (p portalCalls) Made(credentialID string) bool { return p.to.Made(credentialID) }

// DescribesKeys reports whether a key can be given a description.
func (p portalCalls) DescribesKeys() bool { return p.to.DescribesKeys() }

// Generate returns an orphan where the portal panics: it may have made the key.
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

// DeleteOrphan deletes a key. It is no error where there is none.
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

// Stores yields the stores that the user can see. It hides secrets in what describes them, and leaves out what has no
// merchant ID.
func (p portalCalls) Stores(ctx context.Context) iter.Seq2[kustom.Store, error] {
	stores := recovering(func() iter.Seq2[kustom.Store, error] { return p.to.Stores(ctx) })
	return func(yield func(kustom.Store, error) bool) {
		for store, err := range stores {
			if err == nil && (store.MerchantID == "" || kustom.MayHoldSecret(store.MerchantID)) {
				continue
			}
			store.Name, store.Website = withoutSecret(store.Name), withoutSecret(store.Website)
			if !yield(store, err) {
				return
			}
		}
	}
}

// Identify returns the ID of the key that an orphan's request made; empty where the portal can't tell.
func (p portalCalls) Identify(ctx context.Context, orphan kustom.Orphan) (id string, err error) {
	defer recoverInto(&err)
	if portal, ok := p.to.(identifier); ok {
		return portal.Identify(ctx, orphan)
	}
	return "", nil
}

// relister tells whether a portal lists a store's keys itself right before it deletes one of them.
type relister interface{ ListsBeforeDeletion() bool }

// listsBeforeDeletion tells whether the portal does.
func (p portalCalls) listsBeforeDeletion() bool {
	portal, ok := p.to.(relister)
	return ok && portal.ListsBeforeDeletion()
}

// storewise tells whether a portal has no list of several stores' keys: what it yields of all, it has read store by store.
type storewise interface{ ListsByStore() bool }

// listsByStore tells whether the portal does.
func (p portalCalls) listsByStore() bool {
	portal, ok := p.to.(storewise)
	return ok && portal.ListsByStore()
}

// shopCalls are the calls of a shop service.
type shopCalls struct{ ShopService }

// Credentials returns a [*mystore.NotShownError] where the shop masks its Kustom ID.
func (s shopCalls) Credentials(ctx context.Context, shop string) (holds mystore.Credentials, err error) {
	defer recoverInto(&err)
	holds, err = s.ShopService.Credentials(ctx, shop)
	if err == nil && mystore.IsMasked(holds.KustomID) {
		return mystore.Credentials{}, &mystore.NotShownError{Shop: shop, Masked: withoutSecret(holds.KustomID)}
	}
	return holds, err
}

func (s shopCalls) Install(ctx context.Context, shop, kustomID, kustomSecret string) (holds mystore.Credentials, err error) {
	defer recoverInto(&err)
	return s.ShopService.Install(ctx, shop, kustomID, kustomSecret)
}

func (s shopCalls) Clear(ctx context.Context, shop string) (holds mystore.Credentials, err error) {
	defer recoverInto(&err)
	return s.ShopService.Clear(ctx, shop)
}

// merchantCalls are the calls of the merchant API.
type merchantCalls struct{ Merchant }

func (m merchantCalls) Prove(ctx context.Context, username, secret string) (err error) {
	defer recoverInto(&err)
	return m.Merchant.Prove(ctx, username, secret)
}

// recovering yields what a sequence does. A panic of the sequence is its last error; one of whoever ranges over it
// goes on.
func recovering[T any](open func() iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if failure := rangeOver(open, yield); failure != nil {
			var none T
			yield(none, failure)
		}
	}
}

// rangeOver returns what ended a sequence that whoever ranges over it has not ended.
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
