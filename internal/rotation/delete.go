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

// This file deletes keys. A deletion is done when a later read lacks the key, whatever the answer to the request
// was.

// initialConfirmation is the first wait before a store is listed again that still lists a deleted key. Each later
// wait is twice as long.
const initialConfirmation = 2 * time.Second

// Delete deletes a key and confirms the deletion. It asks no shop: the caller knows that no shop can have the key's
// secret, or that the user wants the key deleted anyway.
func (k *Keys) Delete(ctx context.Context, orphan kustom.Orphan) error {
	return transport.WhileOutdated(func() error { return k.deleteNow(ctx, orphan, func() error { return nil }) })
}

// deleteNow is Delete for callers that have just asked the shops. If a person took too long to allow the deletion,
// it deletes nothing, and [transport.IsOutdated] reports true for the error. It calls again before each further
// request to the portal; an error of again ends the deletion.
func (k *Keys) deleteNow(ctx context.Context, orphan kustom.Orphan, again func() error) error {
	if orphan.CredentialID == "" {
		id, err := k.Identify(ctx, orphan)
		if err != nil {
			return k.steps.recordKept(ctx, orphan, err)
		}
		orphan.CredentialID = id
	}
	name := cmp.Or(orphan.Username, orphan.CredentialID)
	k.steps.record(ctx, StepDelete, orphan.MerchantID, name, Started, nil)
	confirmed, err := k.delete(ctx, orphan, again)
	outcome := outcomeOf(err)
	if err == nil && !confirmed {
		outcome = Accepted
	}
	k.steps.record(ctx, StepDelete, orphan.MerchantID, name, outcome, err)
	return err
}

// delete is Delete without the journal. Confirmed is false if the confirmation is postponed or the key's ID is
// unknown.
func (k *Keys) delete(ctx context.Context, orphan kustom.Orphan, again func() error) (confirmed bool, err error) {
	begun := k.clock.Now()
	for wait := initialConfirmation; ; wait *= 2 {
		cause := k.DeleteOrphan(ctx, orphan)
		// A 404 for a key that is still listed is inconclusive: the list may be stale, or the 404 wrong.
		if cause != nil && !isUncertain(cause) && !transport.IsStatus(cause, http.StatusNotFound) {
			return false, cause
		}
		gone, confirmed, err := k.confirmDeleted(ctx, orphan, cause)
		if err != nil {
			return false, &unconfirmedError{errors.Join(cause, err)}
		}
		// A key that this run generated may not be visible yet: in a list, or to the server that handles the deletion.
		isOver := k.clock.Now().Sub(begun) >= PropagationDelay
		tooYoung := k.Generated(orphan.CredentialID) && transport.IsStatus(cause, http.StatusNotFound) && !isUncertain(cause)
		if gone && (isOver || !tooYoung) {
			k.noteDeleted(orphan)
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

// unconfirmedError means that the result of a deletion is unknown. Another read of the shops would not show the result.
type unconfirmedError struct{ error }

// Unwrap returns the causes.
func (e *unconfirmedError) Unwrap() error { return e.error }

// Outdated reports false: the deletion must not be repeated.
func (e *unconfirmedError) Outdated() bool { return false }

// confirmDeleted reports whether a key is gone, and whether a read has confirmed that. After an inconclusive
// answer, it fetches a key that is missing from the list by itself before the key counts as deleted.
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
		return false, false, fmt.Errorf("confirm that key %s of store %s is deleted: %w", orphan.CredentialID, orphan.MerchantID, err)
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

// DeleteIfUnused deletes a key that no shop uses. Otherwise it returns a [*KeyInUseError] or a
// [*KeyUsageUnknownError], and deletes nothing. It does not wait for shops to change.
//
// If not every shop could be asked, a key that was idle for unusedFor is deleted all the same, unless an unreadable
// shop was last seen with it. Zero disables that.
func (e *Engine) DeleteIfUnused(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	return e.deleteIf(ctx, key, func(key kustom.Orphan) error { return e.checkDeletable(ctx, key, unusedFor, false) })
}

// DeleteIdle deletes a key as [Engine.DeleteIfUnused] does, but only if it was idle. Otherwise it returns a
// [*KeyStillUsedError].
func (e *Engine) DeleteIdle(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	return e.deleteIf(ctx, key, func(key kustom.Orphan) error { return e.checkDeletable(ctx, key, unusedFor, true) })
}

// deleteIf identifies a key and deletes it if check allows that. It calls check each time right before it asks the
// portal. A key that is gone is no error.
func (e *Engine) deleteIf(ctx context.Context, key kustom.Orphan, check func(kustom.Orphan) error) error {
	key, err := e.identify(ctx, key)
	if isNoKey(err) {
		return nil
	}
	if err != nil {
		return e.steps.recordKept(ctx, key, err)
	}
	allowed := func() error { return check(key) }
	return transport.WhileOutdated(func() error {
		if err := allowed(); err != nil {
			return e.steps.recordKept(ctx, key, err)
		}
		return e.Keys.deleteNow(ctx, key, allowed)
	})
}

// checkDeletable returns why [Engine.DeleteIfUnused] may not delete a key now, or nil. If onlyIdle is set, the key must
// also be idle, whatever the shops answer.
func (e *Engine) checkDeletable(ctx context.Context, key kustom.Orphan, unusedFor time.Duration, onlyIdle bool) error {
	idle, installed, err := e.checkListed(ctx, key, unusedFor)
	if err != nil {
		return err
	}
	if onlyIdle && !idle {
		return &KeyStillUsedError{Username: key.Username, UnusedFor: unusedFor}
	}
	usage := e.checkUnused(ctx, key, installed)
	if e.inferUsedKeys(ctx, key, usage) {
		usage = e.checkUnused(ctx, key, installed)
	}
	var unknown *KeyUsageUnknownError
	// A shop may sell nothing for longer than unusedFor, and still need the key that it was last seen with.
	if usage == nil || errors.As(usage, &unknown) && idle && !unknown.LastHeld {
		return nil
	}
	return usage
}

// checkUnused asks the shops whether they use a key. A shop may have accepted the key and not show it yet. So for a
// young key, and for one that a run tried to install, the shops are read after [PropagationDelay].
func (e *Engine) checkUnused(ctx context.Context, key kustom.Orphan, installed time.Time) error {
	if key.Username == "" {
		return nil
	}
	if installed.Before(key.Attempted) {
		installed = key.Attempted
	}
	settled := installed.Add(PropagationDelay)
	now := e.clock.Now()
	if installed.IsZero() || !now.Before(settled) {
		return e.Shops.CheckUnused(ctx, key, time.Time{})
	}
	// Another run may still be about to install a key that it has just generated or tried to install, even in a
	// shop that this run has written.
	own := e.Keys.Generated(key.CredentialID) || e.Shops.wasHeld(key.Username)
	if own && key.Attempted.IsZero() && !e.Shops.mayBeStale(key) {
		return e.Shops.CheckUnused(ctx, key, time.Time{})
	}
	// The portal's clock may be ahead of this machine's, which set key.Attempted.
	latest := now
	if latest.Before(key.Attempted) {
		latest = key.Attempted
	}
	if latest = latest.Add(PropagationDelay); settled.After(latest) {
		settled = latest
	}
	if err := sleepUntil(ctx, e.clock, settled); err != nil {
		return fmt.Errorf("it is not known yet which shops use %s: %w", key.Username, err)
	}
	return e.Shops.CheckUnused(ctx, key, settled)
}

// identify returns a key with its ID and username, which the guard needs. Both stay empty if the portal can't find
// the key of a request.
func (e *Engine) identify(ctx context.Context, key kustom.Orphan) (kustom.Orphan, error) {
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

// checkListed lists the store's keys right before a deletion, and returns an error if the ID now belongs to another
// username. It reports whether the key was idle, and when it may have been installed in a shop, or zero if that is
// unknown.
func (e *Engine) checkListed(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) (idle bool, installed time.Time, err error) {
	if key.CredentialID == "" {
		return true, time.Time{}, nil
	}
	found, ok, err := e.Keys.readForDeletion(ctx, key, unusedFor)
	if err != nil {
		return false, time.Time{}, err
	}
	if ok && key.Username != "" && found.Username != key.Username {
		return false, time.Time{}, fmt.Errorf("delete key %s of store %s: the portal lists it as %s, not as %s",
			key.CredentialID, key.MerchantID, found.Username, key.Username)
	}
	if !ok {
		// A stale list does not show a new key.
		return false, e.clock.Now(), nil
	}
	return IsIdle(found, unusedFor, e.clock.Now()), e.installedAt(found), nil
}

// installedAt returns the latest time at which somebody may have installed a key: its generation or, if this run has seen no
// shop with it, its last use. Another run proves a key before it installs it.
func (e *Engine) installedAt(key kustom.Key) time.Time {
	if key.LastUsedAt != nil && key.LastUsedAt.After(key.CreatedAt) && !e.Shops.wasHeld(key.Username) {
		return key.LatestUse()
	}
	return key.LatestCreation()
}

// readForDeletion returns a listed key right before its deletion. If the portal lists the store's keys itself
// before each deletion, an older list is enough, unless the key's last use matters.
func (k *Keys) readForDeletion(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) (found kustom.Key, ok bool, err error) {
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

// DeleteOnceUnused waits until no shop uses a key or ctx ends, and then deletes the key as [Engine.DeleteIfUnused]
// does.
func (e *Engine) DeleteOnceUnused(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	if key.Username != "" {
		if err := e.Shops.AwaitUnused(ctx, key); err != nil && !isUsageUnknown(err) {
			return e.steps.recordKept(ctx, key, err)
		}
	}
	return e.DeleteIfUnused(ctx, key, unusedFor)
}

// IsIdle reports whether a key was unused for a time until now. A key that was never used is idle since its
// creation. It returns false if the time is zero or less, or if the portal shows neither the key's creation nor its
// last use.
func IsIdle(key kustom.Key, unusedFor time.Duration, now time.Time) bool {
	if unusedFor <= 0 {
		return false
	}
	last := key.LatestUse()
	return !last.IsZero() && !now.Before(last.Add(unusedFor))
}

// MayBeOrphaned reports whether a run may have generated a key and not installed it: nothing has used it after the
// proof that follows its creation.
func MayBeOrphaned(key kustom.Key) bool {
	return key.LastUsedAt == nil || key.LastUsedAt.Sub(key.CreatedAt) <= propagationWindow
}

// deleteAgain deletes a key that the portal still lists, unless a shop has got it meanwhile.
func (e *Engine) deleteAgain(ctx context.Context, key kustom.Orphan, unusedFor time.Duration) error {
	listed, err := e.Keys.latest(ctx, key.MerchantID)
	if _, still := find(listed, key.CredentialID); still && err == nil {
		return e.DeleteIfUnused(ctx, key, unusedFor)
	}
	e.steps.record(ctx, StepDelete, key.MerchantID, cmp.Or(key.Username, key.CredentialID), outcomeOf(err), err)
	return err
}
