package rotation

import (
	"context"
	"fmt"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// KeyService is what keys are made and deleted through.
type KeyService interface {
	Generate(ctx context.Context, merchantID, description string) (kustom.Key, error)
	Discard(ctx context.Context, orphan kustom.Orphan) error
}

// Connector gives shops new keys and retires old ones. A key's secret is in memory for as long as
// that takes, and nowhere else (I2). It is safe for concurrent use.
type Connector struct {
	keys  KeyService
	shops *Shops
}

// NewConnector returns a connector of the shops with keys of the portal.
func NewConnector(keys KeyService, shops *Shops) *Connector {
	return &Connector{keys: keys, shops: shops}
}

// UnsettledError says that a new key may have got into a shop or not, or could not be deleted again,
// and so has to be looked after later (I3).
type UnsettledError struct {
	Key kustom.Orphan
	// Cause is why the shop was not connected; Cleanup why the key was not deleted.
	Cause, Cleanup error
}

// Error implements error.
func (e *UnsettledError) Error() string {
	return fmt.Sprintf("key %s may be left behind: %v", e.Key.Username, e.Cause)
}

// Unwrap returns the causes.
func (e *UnsettledError) Unwrap() []error { return []error{e.Cause, e.Cleanup} }

// undoTimeout bounds what is done after a failure or a cancellation to leave nothing behind.
const undoTimeout = 20 * time.Second

// Connect makes a key, proves it, installs it in the shop and reads it back. The key that it
// returns has no secret. On any error the shop has the key that it had (I1), and the new one is
// deleted, or the error is an [*UnsettledError] or a [*kustom.OrphanError].
func (c *Connector) Connect(ctx context.Context, shop, merchantID, description string) (kustom.Key, mystore.Credentials, error) {
	key, err := c.keys.Generate(ctx, merchantID, description)
	if err != nil {
		return kustom.Key{}, mystore.Credentials{}, err
	}
	pair := Pair{Username: key.Username, Secret: key.Secret}
	key.Secret = ""
	if err := c.shops.Prove(ctx, pair); err != nil {
		return kustom.Key{}, mystore.Credentials{}, c.undo(ctx, key, err)
	}
	if err := ctx.Err(); err != nil {
		return kustom.Key{}, mystore.Credentials{}, c.undo(ctx, key, err)
	}
	holds, err := c.shops.Install(ctx, shop, pair)
	if err != nil {
		return c.reconsider(ctx, shop, key, err)
	}
	return key, holds, nil
}

// reconsider looks whether a pair whose installation failed is in the shop all the same. Then the
// way leads on, not back. Only a write that certainly did not happen is undone: one that may still
// arrive would leave the shop with a key that is deleted (I1).
func (c *Connector) reconsider(ctx context.Context, shop string, key kustom.Key, cause error) (kustom.Key, mystore.Credentials, error) {
	if notWritten(cause) {
		return kustom.Key{}, mystore.Credentials{}, c.undo(ctx, key, cause)
	}
	detached, cancel := clock.Detach(ctx, c.shops.clock, undoTimeout)
	defer cancel()
	holds, err := c.shops.fresh(detached, shop)
	if err == nil && holds.KustomID == key.Username && holds.SecretSet {
		return key, holds, nil
	}
	if err == nil {
		err = &MismatchError{Shop: shop, Want: key.Username, Got: holds.KustomID}
	}
	return kustom.Key{}, mystore.Credentials{}, &UnsettledError{Key: orphan(key), Cause: cause, Cleanup: err}
}

// notWritten tells whether err, from an installation, says that nothing was written.
func notWritten(err error) bool {
	return isNotInstalled(err) || transport.DidNothing(err)
}

// undo deletes a new key that no shop has got, and returns cause.
func (c *Connector) undo(ctx context.Context, key kustom.Key, cause error) error {
	ctx, cancel := clock.Detach(ctx, c.shops.clock, undoTimeout)
	defer cancel()
	if err := c.keys.Discard(ctx, orphan(key)); err != nil {
		return &UnsettledError{Key: orphan(key), Cause: cause, Cleanup: err}
	}
	return cause
}

func orphan(key kustom.Key) kustom.Orphan {
	return kustom.Orphan{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username}
}

// Retire deletes a key, unless a configured shop holds it: then it stays, and the error is a
// [*HeldError] (I1). It does not wait.
func (c *Connector) Retire(ctx context.Context, key kustom.Orphan) error {
	if key.Username != "" {
		holders, err := c.shops.holders(ctx, key.Username)
		if err != nil {
			return err
		}
		if len(holders) > 0 {
			return &HeldError{Username: key.Username, Shops: holders}
		}
	}
	return c.keys.Discard(ctx, key)
}
