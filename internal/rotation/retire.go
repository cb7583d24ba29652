package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// This file deletes keys. A deletion is done when a later read does not have the key, whatever the answer to
// the request was.

// firstConfirmation is the wait before a store is listed again that still has a deleted key; each later wait is
// twice as long.
const firstConfirmation = 2 * time.Second

// identifier finds out which key a request made that was not answered.
type identifier interface {
	// Identify returns the ID of the key that an orphan's request made.
	Identify(ctx context.Context, orphan kustom.Orphan) (string, error)
}

// Delete deletes a key, and confirms it. It asks no shop: the caller knows that nobody uses the key, because
// its secret has gone nowhere, or because the user wants it deleted all the same.
func (k *Keys) Delete(ctx context.Context, orphan kustom.Orphan) error {
	if orphan.CredentialID == "" {
		var err error
		if orphan, err = k.identify(ctx, orphan); err != nil {
			return err
		}
	}
	begun := k.clock.Now()
	for wait := firstConfirmation; ; wait *= 2 {
		cause := k.Discard(ctx, orphan)
		if cause != nil && !isUncertain(cause) {
			return cause
		}
		gone, err := k.confirmDeleted(ctx, orphan, cause)
		if err != nil {
			return errors.Join(cause, err)
		}
		if gone {
			k.deleted(orphan)
			return nil
		}
		if k.clock.Now().Sub(begun) >= PropagationDelay {
			return &KeyNotDeletedError{Key: orphan, Cause: cause}
		}
		if err := k.clock.Sleep(ctx, wait); err != nil {
			return errors.Join(&KeyNotDeletedError{Key: orphan, Cause: cause}, err)
		}
	}
}

// identify returns an orphan with its ID, where the portal can tell which key a request made.
func (k *Keys) identify(ctx context.Context, orphan kustom.Orphan) (kustom.Orphan, error) {
	portal, ok := k.Portal.(identifier)
	if !ok {
		return orphan, nil
	}
	id, err := portal.Identify(ctx, orphan)
	if err != nil {
		return orphan, err
	}
	orphan.CredentialID = id
	return orphan, nil
}

// confirmDeleted tells whether the portal does not have a key any more. After an answer that tells nothing, a
// list alone does not count: the key is fetched by itself too.
func (k *Keys) confirmDeleted(ctx context.Context, orphan kustom.Orphan, cause error) (bool, error) {
	if orphan.CredentialID == "" {
		return cause == nil, nil
	}
	k.invalidate(orphan.MerchantID)
	listed, err := k.Fresh(ctx, orphan.MerchantID)
	if err != nil {
		return false, fmt.Errorf("confirming that key %s of store %s is deleted: %w", orphan.CredentialID, orphan.MerchantID, err)
	}
	if _, still := find(listed, orphan.CredentialID); still || cause == nil {
		return !still, nil
	}
	_, err = k.fetch(ctx, orphan.MerchantID, orphan.CredentialID)
	if isNoKey(err) {
		return true, nil
	}
	return false, err
}

// DeleteUnused deletes a key that no shop uses. Otherwise it returns a [*KeyInUseError] or a
// [*KeyUsageUnknownError], with nothing deleted. It does not wait for shops to move on.
//
// UnusedFor is the evidence that counts where not every shop could be asked: the portal shows no use of the key
// for that long. Zero means that no such evidence counts.
func (e *Engine) DeleteUnused(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	key, err := e.named(ctx, key)
	if isNoKey(err) {
		return nil
	}
	if err != nil {
		return err
	}
	notBefore, err := e.awaitArrival(ctx, key)
	if err != nil {
		return err
	}
	var usage error
	if key.Username != "" {
		usage = e.Shops.Unused(ctx, key, notBefore)
	}
	if usage != nil && (!isUsageUnknown(usage) || unusedFor <= 0) {
		return usage
	}
	if quiet, err := e.checkListed(ctx, key, unusedFor); err != nil {
		return err
	} else if usage != nil && !quiet {
		return usage
	}
	return e.Keys.Delete(ctx, key)
}

// named returns a key with its username, which shops are asked by. A key whose ID is not known is identified first:
// its request may have been sent again meanwhile, and the key be in use. Where the portal can't identify it, it
// stays without both.
func (e *Engine) named(ctx context.Context, key kustom.Orphan) (kustom.Orphan, error) {
	if key.Username != "" {
		return key, nil
	}
	if key.CredentialID == "" {
		identified, err := e.Keys.identify(ctx, key)
		if err != nil || identified.CredentialID == "" {
			return identified, err
		}
		key = identified
	}
	known, err := e.Keys.Key(ctx, key.MerchantID, key.CredentialID)
	key.Username = known.Username
	return key, err
}

// DeleteQuiet deletes a key as DeleteUnused does, if it was not used for a time. Otherwise it returns a
// [*KeyStillUsedError].
func (e *Engine) DeleteQuiet(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	quiet, err := e.checkListed(ctx, key, unusedFor)
	if err != nil {
		return err
	}
	if !quiet {
		return &KeyStillUsedError{Username: key.Username, UnusedFor: unusedFor}
	}
	return e.DeleteUnused(ctx, key, unusedFor)
}

// awaitArrival waits until a read of a shop shows what was written into it with this key, if anything was. It
// returns the time that shops must be read after.
func (e *Engine) awaitArrival(ctx context.Context, key kustom.Orphan) (time.Time, error) {
	if key.Attempted.IsZero() {
		return time.Time{}, nil
	}
	settled := key.Attempted.Add(PropagationDelay)
	return settled, sleepUntil(ctx, e.clock, settled)
}

// checkListed reads the store's keys right before a deletion: the ID must still be that of the key with this
// username. It tells whether the key was not used for a time.
func (e *Engine) checkListed(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) (quiet bool, err error) {
	if key.CredentialID == "" {
		return true, nil
	}
	listed, err := e.Keys.Fresh(ctx, key.MerchantID)
	if err != nil {
		return false, err
	}
	found, ok := find(listed, key.CredentialID)
	if ok && key.Username != "" && found.Username != key.Username {
		return false, fmt.Errorf("deleting key %s of store %s: the portal lists it as %s, not as %s",
			key.CredentialID, key.MerchantID, found.Username, key.Username)
	}
	return ok && Quiet(found, unusedFor, e.clock.Now()), nil
}

// DeleteWhenUnused deletes a key as soon as no shop uses it, within the time that ctx allows.
func (e *Engine) DeleteWhenUnused(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	if key.Username != "" {
		if err := e.Shops.AwaitUnused(ctx, key); err != nil && !isUsageUnknown(err) {
			return err
		}
	}
	return e.DeleteUnused(ctx, key, unusedFor)
}

// Quiet tells whether a key was not used for a time before now: its last use, or its making where it was never
// used, is longer ago. Zero means that no such evidence counts.
func Quiet(key kustom.Key, unusedFor time.Duration, now time.Time) bool {
	if unusedFor <= 0 {
		return false
	}
	last := key.CreatedAt
	if key.LastUsedAt != nil && key.LastUsedAt.After(last) {
		last = *key.LastUsedAt
	}
	return !now.Before(last.Add(unusedFor))
}
