package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// This file deletes keys. A deletion is done when a later read does not have the key, whatever the answer to
// the request was.

// firstConfirmation is the wait before a store is listed again that still has a deleted key; each later wait is
// twice as long.
const firstConfirmation = 2 * time.Second

// Delete deletes a key, and confirms it. It asks no shop: the caller knows that nobody uses the key, because
// its secret has gone nowhere, or because the user wants it deleted all the same.
func (k *Keys) Delete(ctx context.Context, orphan kustom.Orphan) error {
	return transport.WhileOutdated(func() error { return k.deleteNow(ctx, orphan, func() error { return nil }) })
}

// deleteNow is Delete for callers who know that nobody uses the key because they have just looked: where somebody
// took too long to allow the deletion, nothing is deleted, and [transport.IsOutdated] holds for the error. Before the
// portal is asked once more, again looks once more: its error ends the deletion.
func (k *Keys) deleteNow(ctx context.Context, orphan kustom.Orphan, again func() error) error {
	if orphan.CredentialID == "" {
		id, err := k.Identify(ctx, orphan)
		if err != nil {
			return k.steps.keep(ctx, orphan, err)
		}
		orphan.CredentialID = id
	}
	name := cmp.Or(orphan.Username, orphan.CredentialID)
	k.steps.note(ctx, StepDelete, orphan.MerchantID, name, Started, nil)
	confirmed, err := k.delete(ctx, orphan, again)
	outcome := outcomeOf(err)
	if err == nil && !confirmed {
		outcome = Accepted
	}
	k.steps.note(ctx, StepDelete, orphan.MerchantID, name, outcome, err)
	return err
}

// delete does the work of Delete. The deletion is not confirmed where that is postponed, or where nobody knows the
// key's ID.
func (k *Keys) delete(ctx context.Context, orphan kustom.Orphan, again func() error) (confirmed bool, err error) {
	begun := k.clock.Now()
	for wait := firstConfirmation; ; wait *= 2 {
		cause := k.DeleteOrphan(ctx, orphan)
		// A 404 for a key that is still listed is as uncertain as no answer: the list may lag, or the 404 be wrong.
		if cause != nil && !isUncertain(cause) && !transport.IsStatus(cause, http.StatusNotFound) {
			return false, cause
		}
		gone, confirmed, err := k.confirmDeleted(ctx, orphan, cause)
		if err != nil {
			return false, &unconfirmedError{errors.Join(cause, err)}
		}
		// Reads may not show a key yet that this walk has made, and what a deletion comes to may not know it.
		isOver := k.clock.Now().Sub(begun) >= PropagationDelay
		tooYoung := k.Made(orphan.CredentialID) && transport.IsStatus(cause, http.StatusNotFound) && !isUncertain(cause)
		if gone && (isOver || !tooYoung) {
			k.deleted(orphan)
			return confirmed, nil
		}
		if isOver {
			return false, &KeyNotDeletedError{Key: orphan, Cause: cause}
		}
		if err := k.clock.Sleep(ctx, wait); err != nil {
			return false, errors.Join(&KeyNotDeletedError{Key: orphan, Cause: cause}, err)
		}
		if err := again(); err != nil {
			return false, &unconfirmedError{errors.Join(err, cause)}
		}
	}
}

// unconfirmedError says that nobody knows what a deletion came to. To look at the shops again would not tell either.
type unconfirmedError struct{ error }

// Unwrap returns the causes.
func (e *unconfirmedError) Unwrap() error { return e.error }

// Outdated reports that a repetition is of no use.
func (e *unconfirmedError) Outdated() bool { return false }

// confirmDeleted tells whether the portal does not have a key any more, and whether that is confirmed or only what
// the answer to the request says. After an inconclusive answer, a key that is missing from the list is fetched by itself
// before it counts as deleted.
func (k *Keys) confirmDeleted(ctx context.Context, orphan kustom.Orphan, cause error) (gone, confirmed bool, err error) {
	if orphan.CredentialID == "" {
		return cause == nil, false, nil
	}
	if cause == nil && postponeDeleted(ctx, orphan) {
		return true, false, nil
	}
	k.invalidate(orphan.MerchantID)
	listed, err := k.Fresh(ctx, orphan.MerchantID)
	if err != nil {
		return false, false, fmt.Errorf("confirming that key %s of store %s is deleted: %w", orphan.CredentialID, orphan.MerchantID, err)
	}
	if _, still := find(listed, orphan.CredentialID); still || cause == nil {
		return !still, true, nil
	}
	_, err = k.fetch(ctx, orphan.MerchantID, orphan.CredentialID)
	if isNoKey(err) {
		return true, true, nil
	}
	return false, false, err
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
		return e.steps.keep(ctx, key, err)
	}
	return e.deleteWhile(ctx, key, func() error { return e.checkDeletable(ctx, key, unusedFor) })
}

// deleteWhile deletes a key that may be deleted. It asks allowed each time right before it asks the portal.
func (e *Engine) deleteWhile(ctx context.Context, key kustom.Orphan, allowed func() error) error {
	return transport.WhileOutdated(func() error {
		if err := allowed(); err != nil {
			return e.steps.keep(ctx, key, err)
		}
		return e.Keys.deleteNow(ctx, key, allowed)
	})
}

// checkDeletable returns why a key may not be deleted now, as [Engine.DeleteUnused] does.
func (e *Engine) checkDeletable(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	quiet, made, err := e.checkListed(ctx, key, unusedFor)
	if err != nil {
		return err
	}
	usage := e.checkUnused(ctx, key, made)
	if e.learnUses(ctx, key, usage) {
		usage = e.checkUnused(ctx, key, made)
	}
	if usage != nil && (!isUsageUnknown(usage) || !quiet) {
		return usage
	}
	return nil
}

// checkUnused asks the shops. A key may be on its way into a shop that accepted it and does not show it yet: where it
// is younger than reads may lag, or an installation of it was attempted, the shops are read later than that.
func (e *Engine) checkUnused(ctx context.Context, key kustom.Orphan, made time.Time) error {
	if key.Username == "" {
		return nil
	}
	if made.Before(key.Attempted) {
		made = key.Attempted
	}
	settled := made.Add(PropagationDelay)
	now := e.clock.Now()
	if made.IsZero() || !now.Before(settled) {
		return e.Shops.Unused(ctx, key, time.Time{})
	}
	// Another run may still be about to install a key that was attempted, or that it has just made, in a shop that this walk
	// has written too.
	own := e.Keys.Made(key.CredentialID) || e.Shops.wasHeld(key.Username)
	if own && key.Attempted.IsZero() && !e.Shops.mayLag(key) {
		return e.Shops.Unused(ctx, key, time.Time{})
	}
	// The portal's clock may be ahead of this one. When an installation was attempted is told by this one.
	latest := now
	if latest.Before(key.Attempted) {
		latest = key.Attempted
	}
	if latest = latest.Add(PropagationDelay); settled.After(latest) {
		settled = latest
	}
	if err := sleepUntil(ctx, e.clock, settled); err != nil {
		return fmt.Errorf("the shops have not shown yet whether they use %s: %w", key.Username, err)
	}
	return e.Shops.Unused(ctx, key, settled)
}

// named returns a key with its ID and username, which shops are asked by. Where a portal can't tell which key a
// request made, both stay empty.
func (e *Engine) named(ctx context.Context, key kustom.Orphan) (kustom.Orphan, error) {
	if key.CredentialID == "" {
		var err error
		if key.CredentialID, err = e.Keys.Identify(ctx, key); err != nil {
			return key, err
		}
	}
	if key.Username != "" || key.CredentialID == "" {
		return key, nil
	}
	known, err := e.Keys.Key(ctx, key.MerchantID, key.CredentialID)
	key.Username = known.Username
	return key, err
}

// DeleteQuiet deletes a key as DeleteUnused does, if it was not used for a time. Otherwise it returns a
// [*KeyStillUsedError].
func (e *Engine) DeleteQuiet(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	key, err := e.named(ctx, key)
	if isNoKey(err) {
		return nil
	}
	if err != nil {
		return e.steps.keep(ctx, key, err)
	}
	return e.deleteWhile(ctx, key, func() error {
		quiet, _, err := e.checkListed(ctx, key, unusedFor)
		if err != nil {
			return err
		}
		if !quiet {
			return &KeyStillUsedError{Username: key.Username, UnusedFor: unusedFor}
		}
		return e.checkDeletable(ctx, key, unusedFor)
	})
}

// checkListed reads the store's keys right before a deletion: the ID must still be that of the key with this
// username. It tells whether the key was not used for a time, and when it may have gotten into a shop; zero where that is
// not known.
func (e *Engine) checkListed(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) (quiet bool, made time.Time, err error) {
	if key.CredentialID == "" {
		return true, time.Time{}, nil
	}
	found, ok, err := e.Keys.beforeDeletion(ctx, key, unusedFor)
	if err != nil {
		return false, time.Time{}, err
	}
	if ok && key.Username != "" && found.Username != key.Username {
		return false, time.Time{}, fmt.Errorf("deleting key %s of store %s: the portal lists it as %s, not as %s",
			key.CredentialID, key.MerchantID, found.Username, key.Username)
	}
	if !ok {
		// A list that lags does not show a new key yet.
		return false, e.clock.Now(), nil
	}
	return Quiet(found, unusedFor, e.clock.Now()), e.movedAt(found), nil
}

// movedAt returns when a key may have gotten into a shop: when it was made or, where this walk has seen no shop with it, when
// somebody used it last. Another run proves a key before it installs it.
func (e *Engine) movedAt(key kustom.Key) time.Time {
	if key.LastUsedAt != nil && key.LastUsedAt.After(key.CreatedAt) && !e.Shops.wasHeld(key.Username) {
		return key.LatestUse()
	}
	return key.LatestCreation()
}

// beforeDeletion returns what the portal lists of a key right before it is deleted. Where the portal lists the store's
// keys once more by itself, and deletes only what it then finds, a list of before will do, unless it is to tell when the
// key was used last.
func (k *Keys) beforeDeletion(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) (found kustom.Key, ok bool, err error) {
	if unusedFor <= 0 && k.listsBeforeDeletion() {
		listed, err := k.latest(ctx, key.MerchantID)
		if err != nil {
			return kustom.Key{}, false, err
		}
		if found, ok := find(listed, key.CredentialID); ok {
			return found, true, nil
		}
	}
	listed, err := k.Fresh(ctx, key.MerchantID)
	if err != nil {
		return kustom.Key{}, false, err
	}
	found, ok = find(listed, key.CredentialID)
	return found, ok, nil
}

// DeleteWhenUnused deletes a key as soon as no shop uses it, within the time that ctx allows.
func (e *Engine) DeleteWhenUnused(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	if key.Username != "" {
		if err := e.Shops.AwaitUnused(ctx, key); err != nil && !isUsageUnknown(err) {
			return e.steps.keep(ctx, key, err)
		}
	}
	return e.DeleteUnused(ctx, key, unusedFor)
}

// Quiet tells whether a key was not used for a time before now: its last use, or its making where it was never
// used, is longer ago. Zero means that no such evidence counts. Where the portal tells of neither, there is no evidence.
func Quiet(key kustom.Key, unusedFor time.Duration, now time.Time) bool {
	if unusedFor <= 0 {
		return false
	}
	last := key.LatestUse()
	return !last.IsZero() && !now.Before(last.Add(unusedFor))
}

// Stray tells whether a key may be one that a run made and did not come to install: nothing but the proof that
// follows its making has used it.
func Stray(key kustom.Key) bool {
	return key.LastUsedAt == nil || key.LastUsedAt.Sub(key.CreatedAt) <= propagationWindow
}
