package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

const (
	// ownUseMargin is how much later than the provider's own proof a key's last use must be to count as the shop's:
	// the portal's pages show minutes only.
	ownUseMargin = time.Minute
	// maxRounds limits how many keys connect generates for a shop if somebody else deletes each at once.
	maxRounds = 3
	// maxReplays limits how many keys of killed runs generate searches for.
	maxReplays = 20
)

// connect gives a shop a new key, and updates record. It returns the keys of earlier runs that it found and that
// must be deleted. If somebody moved the shop to another store since the plan, it returns a [*WrongStoreError], as
// a plan would.
func (e *Engine) connect(ctx context.Context, plan Plan, rules Rules, record *Record) ([]kustom.Orphan, error) {
	held, err := e.heldBefore(ctx, plan, rules, record)
	if err != nil {
		return nil, err
	}
	var leftovers []kustom.Orphan
	for round := 1; ; round++ {
		key, replayed, err := e.generate(ctx, plan, held, record)
		leftovers = append(leftovers, replayed...)
		if err != nil {
			return leftovers, err
		}
		replaced := plan.deletedNow()
		for _, leftover := range leftovers {
			replaced = append(replaced, refOfOrphan(leftover))
		}
		credentials, unconfirmed, err := e.installInPlace(ctx, plan.Shop, key, replaced)
		if vanished := (*KeyVanishedError)(nil); errors.As(err, &vanished) && round < maxRounds {
			held = credentials.KustomID
			continue
		}
		if err != nil {
			return leftovers, err
		}
		record.setKey(key.Key)
		record.Memory = Memory{
			UnconfirmedSince: unconfirmed, UpdatedAt: credentials.UpdatedAt, HeldUsername: credentials.KustomID,
			Store: plan.MerchantID, Replaceable: []KeyRef{refOf(key.Key)},
			Retired: record.Memory.Retired, Undeleted: record.Memory.Undeleted,
		}
		return leftovers, nil
	}
}

// heldBefore returns the username that a shop holds before it gets a new key, or the recorded one if the shop's page
// does not show it.
func (e *Engine) heldBefore(ctx context.Context, plan Plan, rules Rules, record *Record) (string, error) {
	e.Shops.NoteConfigured(plan.Shop, plan.MerchantID, record.Username)
	last := ""
	before, err := e.Shops.Credentials(ctx, plan.Shop)
	if mystore.IsNotShown(err) {
		last = e.Shops.LastHeld(plan.Shop, err)
		before.KustomID, err = record.Username, nil
	}
	if err != nil {
		return "", err
	}
	if store, ok := e.storeOf(ctx, cmp.Or(before.KustomID, last)); ok && !sameStore(store, plan.MerchantID) && !rules.AllowStoreChange {
		return "", &WrongStoreError{Shop: plan.Shop, Present: store, Wanted: plan.MerchantID}
	}
	if record.Username != "" {
		expected := append(usernamesOfRefs(plan.Delete, plan.Keep), record.Username, record.Memory.HeldUsername)
		e.WarnUnexpectedKey(plan.Shop, before.KustomID, expected...)
	}
	return before.KustomID, nil
}

// WarnUnexpectedKey adds a warning if a shop that is about to get a key holds one that the plan did not expect,
// because somebody has changed the shop since. The apply continues.
func (e *Engine) WarnUnexpectedKey(shop, held string, expected ...string) {
	if held == "" || slices.Contains(expected, held) || e.IsManaged(held) {
		return
	}
	e.Keys.warn(Warning{
		Summary: ShopChanged, Shop: shop,
		Detail: fmt.Sprintf("Shop %s held %s when this run was about to install another key. The plan did not expect "+
			"that, because someone has changed the shop since. This run does not delete %s.", shop, redactSecret(held), redactSecret(held)),
	})
}

func usernamesOfRefs(lists ...[]KeyRef) []string {
	var names []string
	for _, key := range slices.Concat(lists...) {
		names = append(names, key.Username)
	}
	return names
}

// generate generates the shop's new key. If this run is killed, the next one sends a request with the same
// idempotency key. The portal then answers with the key that this run generated, and generate returns that key as
// left over. If a run deleted its own key, the next run sends one request more, because it can't know that the
// idempotency key was already used.
func (e *Engine) generate(ctx context.Context, plan Plan, held string, record *Record) (kustom.NewKey, []kustom.Orphan, error) {
	var leftovers []kustom.Orphan
	request := kustom.Request{MerchantID: plan.MerchantID, Description: plan.description()}
	for n := range maxReplays {
		request.IdempotencyKey = idempotencyKey(plan, held, n)
		if record.Memory.hasUnanswered(request.IdempotencyKey) {
			continue
		}
		key, err := e.Keys.Generate(ctx, request)
		if replayed := (*kustom.ReplayedError)(nil); errors.As(err, &replayed) {
			if leftover := e.unrecordedKey(ctx, replayed.Orphan, plan, record); leftover != nil {
				leftovers = append(leftovers, *leftover)
			}
			continue
		}
		if kustom.IsLimitReached(err) && e.makeRoom(ctx, &leftovers, &record.Memory.Undeleted) {
			key, err = e.Keys.Generate(ctx, request)
		}
		return key, leftovers, err
	}
	request.IdempotencyKey = ""
	key, err := e.Keys.Generate(ctx, request)
	return key, leftovers, err
}

// Generate generates a key for a caller that keeps its secret. The request is remembered on this machine until
// Generate returns. If the process is killed before that, or the portal's client panics, [Engine.DeleteAbandonedKeys] of
// a later run finds the key.
func (e *Engine) Generate(ctx context.Context, r kustom.Request) (key kustom.NewKey, err error) {
	var sent []string
	defer func() {
		if panicked := (*PanicError)(nil); errors.As(err, &panicked) {
			return
		}
		for _, idempotencyKey := range sent {
			e.requests.end(idempotencyKey)
		}
	}()
	defer recoverInto(&err)
	r.Announce = func(idempotencyKey string) {
		sent = append(sent, idempotencyKey)
		e.requests.begin(ctx, r.MerchantID, r.Description, idempotencyKey)
	}
	return e.Keys.Generate(ctx, r)
}

// idempotencyKey returns the idempotency key of the nth request for a key that replaces the one that the shop
// holds. It depends on the description too, because a portal may refuse an idempotency key with another request.
func idempotencyKey(plan Plan, held string, n int) string {
	name := fmt.Sprintf("kustom:%s/%s/%s/%q/%d", plan.MerchantID, plan.Shop, held, plan.description(), n)
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// unrecordedKey returns a key that an earlier run generated, or nil if the record or the plan has it. If the portal
// does not show the key, the key may be too young. The deletion lists the keys again.
func (e *Engine) unrecordedKey(ctx context.Context, orphan kustom.Orphan, plan Plan, record *Record) *kustom.Orphan {
	known := slices.Concat(plan.Keep, plan.Delete)
	if orphan.CredentialID == record.CredentialID || slices.ContainsFunc(known, func(k KeyRef) bool { return k.CredentialID == orphan.CredentialID }) {
		return nil
	}
	// The other run may still be about to install it: it proves a key for up to propagationWindow before that.
	now, age := e.clock.Now(), time.Duration(0)
	if key, err := e.Keys.portalCalls.Key(ctx, orphan.MerchantID, orphan.CredentialID); err == nil {
		orphan.Username, age = key.Username, max(0, now.Sub(key.CreatedAt))
	}
	orphan.Attempted = now.Add(max(0, propagationWindow-age))
	return &orphan
}

// makeRoom deletes keys that earlier runs left over, if the store has reached its limit of keys. It removes the
// deleted keys from the lists, and reports whether it deleted any.
func (e *Engine) makeRoom(ctx context.Context, lists ...*[]kustom.Orphan) bool {
	room := false
	for _, list := range lists {
		before := len(*list)
		*list = slices.DeleteFunc(slices.Clone(*list), func(key kustom.Orphan) bool { return e.DeleteIfUnused(ctx, key, 0) == nil })
		room = room || len(*list) < before
	}
	return room
}

// installInPlace installs a new key as installNewKey does, after it has cached which keys the new one replaces. A panic
// becomes a [*KeyStateUnknownError], because the shop may have the key.
func (e *Engine) installInPlace(ctx context.Context, shop string, key kustom.NewKey, replaced []KeyRef) (credentials mystore.Credentials, unconfirmed time.Time, err error) {
	defer func() {
		if panicked := (*PanicError)(nil); errors.As(err, &panicked) && len(undeletedKeys(err)) == 0 {
			orphan := refOf(key.Key).Orphan()
			orphan.Attempted = e.clock.Now()
			err = &KeyStateUnknownError{Key: orphan, Cause: err}
		}
	}()
	defer recoverInto(&err)
	e.Shops.cache.recordReplacement(shop, replacement{Username: key.Username, Keys: replaced})
	return e.installNewKey(ctx, shop, key)
}

// installNewKey proves a key, installs it in a shop and reads it back. After an error, the shop has its old key
// (I1), and the new one is deleted, unless the error is a [*KeyStateUnknownError]. After a [*KeyVanishedError], the
// shop holds a key that does not exist, and needs another one at once.
//
// Unconfirmed is when the key was proven, if the shop accepted it and its page does not show it. Otherwise it is
// zero.
func (e *Engine) installNewKey(ctx context.Context, shop string, key kustom.NewKey) (credentials mystore.Credentials, unconfirmed time.Time, err error) {
	if err := e.proveNew(ctx, key); err != nil {
		return mystore.Credentials{}, time.Time{}, e.undo(ctx, key.Key, err)
	}
	proven := e.clock.Now()
	credentials, err = e.Shops.Install(ctx, shop, Pair{Username: key.Username, Secret: key.Secret})
	switch {
	case mystore.IsNotConfirmed(err):
		credentials, unconfirmed, err = mystore.Credentials{KustomID: key.Username}, proven, nil
	case err != nil:
		credentials, err = e.resolveInstall(ctx, shop, key.Key, err)
	}
	if err != nil {
		return mystore.Credentials{}, time.Time{}, err
	}
	return credentials, unconfirmed, e.checkExists(ctx, shop, key.Key)
}

// proveNew checks right before the installation that the merchant API accepts a new key and that the store's keys
// can be listed.
func (e *Engine) proveNew(ctx context.Context, key kustom.NewKey) (err error) {
	defer recoverInto(&err)
	if err := e.Shops.Prove(ctx, Pair{Username: key.Username, Secret: key.Secret}); err != nil {
		return err
	}
	if _, err := e.Keys.Fresh(ctx, key.MerchantID); err != nil {
		return err
	}
	return ctx.Err()
}

// resolveInstall reads a shop after a failed installation, because the shop may have the pair all the same. It
// undoes the key only if nothing was written: a write that arrives late would leave the shop with a deleted key
// (I1).
func (e *Engine) resolveInstall(ctx context.Context, shop string, key kustom.Key, cause error) (mystore.Credentials, error) {
	if notWritten(cause) {
		return mystore.Credentials{}, e.undo(ctx, key, cause)
	}
	detached, cancel := clock.Detach(ctx, e.clock, e.Shops.service.cleanupTime(shop))
	defer cancel()
	attempted := e.clock.Now()
	e.Shops.shop(shop).markStale()
	credentials, err := e.Shops.Fresh(detached, shop)
	if err == nil && (credentials.KustomID != key.Username || credentials.Secret == mystore.SecretMissing) {
		err = &MismatchError{Shop: shop, Want: key.Username, Got: credentials.KustomID}
	}
	e.steps.record(detached, StepConfirm, key.MerchantID, key.Username, outcomeOf(err), err)
	if err == nil {
		return credentials, nil
	}
	orphan := refOf(key).Orphan()
	orphan.Attempted = attempted
	return mystore.Credentials{}, &KeyStateUnknownError{Key: orphan, Cause: cause, Cleanup: err}
}

// undo deletes a new key that no shop has. It returns cause, or a [*KeyStateUnknownError] if the deletion failed.
func (e *Engine) undo(ctx context.Context, key kustom.Key, cause error) error {
	ctx, cancel := clock.Detach(ctx, e.clock, e.Keys.cleanupTime())
	defer cancel()
	orphan := refOf(key).Orphan()
	if err := e.Keys.Delete(ctx, orphan); err != nil {
		return &KeyStateUnknownError{Key: orphan, Cause: cause, Cleanup: err}
	}
	return cause
}

// undeletedKeys returns the keys that must be deleted after err.
func undeletedKeys(err error) []kustom.Orphan {
	var unknown *KeyStateUnknownError
	if errors.As(err, &unknown) {
		return []kustom.Orphan{unknown.Key}
	}
	var orphan *kustom.OrphanError
	if errors.As(err, &orphan) {
		return []kustom.Orphan{orphan.Orphan}
	}
	return nil
}

// checkExists returns a [*KeyVanishedError] if somebody else deleted a key while a shop got it.
func (e *Engine) checkExists(ctx context.Context, shop string, key kustom.Key) error {
	if postponeInstalled(ctx, key) {
		return nil
	}
	return e.checkListedAfter(ctx, KeyVanishedError{shop, key.Username}, key.MerchantID, func() bool {
		_, err := e.Keys.portalCalls.Key(ctx, key.MerchantID, key.CredentialID)
		return isNoKey(err)
	})
}

// CheckInstalled returns a [*KeyVanishedError] if somebody deleted a key while a shop got it: the shop then holds a
// key that does not exist. It asks the portal only if this run has listed the store's keys before, because
// installing a pair needs no access to the portal.
func (e *Engine) CheckInstalled(ctx context.Context, shop string, pair Pair) (err error) {
	defer recoverInto(&err)
	merchantID, ok := kustom.StoreOf(pair.Username)
	if !ok || !e.Keys.hasListed(merchantID) {
		return nil
	}
	return e.checkListedAfter(ctx, KeyVanishedError{shop, pair.Username}, merchantID, func() bool {
		var proof *kustom.ProofError
		return errors.As(e.Shops.Prove(ctx, pair), &proof) && proof.Verdict == kustom.VerdictRefused
	})
}

// checkListedAfter returns vanished if the store's list lacks the key, gone confirms that, and both are still so
// after [PropagationDelay].
func (e *Engine) checkListedAfter(ctx context.Context, vanished KeyVanishedError, merchantID string, gone func() bool) error {
	for begun := e.clock.Now(); ; {
		e.Keys.invalidate(merchantID)
		listed, err := e.Keys.Fresh(ctx, merchantID)
		if err != nil {
			return nil //nolint:nilerr // The shop works; that the list can't be read keeps the old keys, and nothing else.
		}
		if slices.ContainsFunc(listed, func(k kustom.Key) bool { return k.Username == vanished.Username }) || !gone() {
			return nil
		}
		if e.clock.Now().Sub(begun) >= PropagationDelay {
			return &vanished
		}
		if e.clock.Sleep(ctx, PropagationDelay) != nil {
			return nil //nolint:nilerr // The shop works; the next run looks again.
		}
	}
}
