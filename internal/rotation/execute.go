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

// KeptKey is a key that was to be deleted and could not be.
type KeptKey struct {
	Key kustom.Orphan
	Err error
	// quiet says that the key goes only if it was not used for a time.
	quiet bool
}

// IsInUse tells whether a shop needs the key. Then it is that shop's, and it is not tried again.
func (k KeptKey) IsInUse() bool { return isInUse(k.Err) }

// IsRetryable tells whether it is for a shop that the key could not be deleted.
func (k KeptKey) IsRetryable() bool { return isInUse(k.Err) || isUsageUnknown(k.Err) }

// IsPending tells whether a later step of the walk may find the key deletable: it was kept because of a shop that could not
// be read. [Engine.Enter] tells who tells a person of it.
func (k KeptKey) IsPending() bool { return isUsageUnknown(k.Err) }

// WaitsFor says, in a sentence for a person, what the key's deletion waits for; empty where it does not wait.
func (k KeptKey) WaitsFor() string {
	var used *KeyStillUsedError
	switch {
	case errors.As(k.Err, &used):
		return unusedWait(used.UnusedFor)
	case mystore.IsNotConfirmed(k.Err):
		return firstUse
	}
	return ""
}

// IsFailure tells whether something went wrong, and nothing in this run tries again: the key is not one that a shop
// needs or may need, nor one that waits for the portal to show no use of it.
func (k KeptKey) IsFailure() bool {
	var used *KeyStillUsedError
	return !k.IsRetryable() && !errors.As(k.Err, &used) && !mystore.IsNotConfirmed(k.Err)
}

// Execute carries a plan out for one shop: it gives the shop a new key, or not, and deletes the keys that go. It
// brings record up to date. After an error the shop has the key that it had; what is left to do is in the
// record's memory in any case. The keys that had to stay are returned, each with the reason.
func (e *Engine) Execute(ctx context.Context, plan Plan, rules Rules, record *Record) (kept []KeptKey, err error) {
	defer e.RetryPending(ctx)
	defer recoverInto(&err)
	ctx = forShop(ctx, plan.Shop, plan.MerchantID)
	if rules.AllowStoreChange {
		e.Shops.Moves(plan.Shop)
	}
	var leftovers []kustom.Orphan
	if plan.Generate {
		if leftovers, err = e.connect(ctx, plan, rules, record); err != nil {
			record.Memory.Unsettled = slices.Concat(record.Memory.Unsettled, leftovers, unsettledKeys(err))
			return nil, err
		}
	}
	unsettled := slices.Concat(record.Memory.Unsettled, leftovers)
	if plan.Changes {
		record.Reason, record.KeysToDelete, record.KeysKept = plan.Reason, plan.Delete, plan.Keep
	}
	// An imported shop stays untouched until it gets its first triggers.
	record.Memory.Imported = record.Memory.Imported && len(record.Triggers) == 0
	if !plan.Generate && !plan.Changes && len(unsettled) == 0 {
		return nil, nil
	}
	retired := record.Memory.Retired
	record.Memory.Unsettled, record.Memory.Hidden, record.Memory.Retired = nil, nil, e.retiredBy(plan)
	going := goingKeys(plan.Delete, unsettled)
	if !record.Memory.UnconfirmedSince.IsZero() {
		return e.awaitUse(ctx, plan.Shop, going, &record.Memory), nil
	}
	e.Shops.Uses(plan.Shop, record.Memory.UsedKey)
	kept = e.retire(ctx, going, quietKeys(retired), rules, &record.Memory)
	e.Shops.sightings.settleReplacement(plan.Shop, record.Username, kept)
	return kept, nil
}

// awaitUse keeps keys until the shop is seen to use the one that took their place: it took it, and does not show
// whether it has it.
func (e *Engine) awaitUse(ctx context.Context, shop string, keys []kustom.Orphan, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range keys {
		kept = append(kept, KeptKey{Key: key, Err: e.steps.keep(ctx, key, &mystore.NotConfirmedError{Shop: shop})})
		if key.CredentialID == "" {
			memory.Unsettled = append(memory.Unsettled, key)
			continue
		}
		ref := KeyRef{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, WaitsFor: firstUse}
		memory.Retired = append(memory.Retired, RetiredKey{KeyRef: ref, CreatedAt: e.clock.Now()})
	}
	return kept
}

// connect gives a shop a new key, and records it. It returns the keys that turned up meanwhile and have to be
// deleted. A shop that was moved to another store since the plan is refused as it would be by a plan.
func (e *Engine) connect(ctx context.Context, plan Plan, rules Rules, record *Record) ([]kustom.Orphan, error) {
	e.Shops.Belongs(plan.Shop, plan.MerchantID, record.Username)
	last := ""
	before, err := e.Shops.Credentials(ctx, plan.Shop)
	if mystore.IsNotShown(err) {
		last = e.Shops.LastHeld(plan.Shop, err)
		before.KustomID, err = record.Username, nil
	}
	if err != nil {
		return nil, err
	}
	if store, ok := e.storeOf(ctx, cmp.Or(before.KustomID, last)); ok && store != plan.MerchantID && !rules.AllowStoreChange {
		return nil, &WrongStoreError{Shop: plan.Shop, Present: store, Wanted: plan.MerchantID}
	}
	if record.Username != "" {
		e.NoteDisplaced(plan.Shop, before.KustomID, append(usernamesOfRefs(plan.Delete, plan.Keep), record.Username, record.Memory.Holds)...)
	}
	var leftovers []kustom.Orphan
	for round := 1; ; round++ {
		key, replayed, err := e.generate(ctx, plan, before.KustomID, record)
		leftovers = append(leftovers, replayed...)
		if err != nil {
			return leftovers, err
		}
		going := plan.going()
		for _, left := range leftovers {
			going = append(going, KeyRef{MerchantID: left.MerchantID, CredentialID: left.CredentialID, Username: left.Username})
		}
		holds, unconfirmed, err := e.giveInPlace(ctx, plan.Shop, key, going)
		if vanished := (*KeyVanishedError)(nil); errors.As(err, &vanished) && round < maxRounds {
			before = holds
			continue
		}
		if err != nil {
			return leftovers, err
		}
		record.take(key.Key)
		record.Memory = Memory{
			UnconfirmedSince: unconfirmed, UpdatedAt: holds.UpdatedAt, Holds: holds.KustomID, Store: plan.MerchantID, Replaceable: []KeyRef{refOf(key.Key)},
			Imported: false, Retired: record.Memory.Retired, Unsettled: record.Memory.Unsettled,
		}
		return leftovers, nil
	}
}

// NoteDisplaced warns of a key that a shop holds when it is about to get another one, and that is none of those that the
// plan expected there: somebody has changed the shop since. A saved plan goes on all the same.
func (e *Engine) NoteDisplaced(shop, held string, expected ...string) {
	if held == "" || slices.Contains(expected, held) || e.IsManaged(held) {
		return
	}
	e.Keys.warn(Warning{
		Summary: ShopChanged,
		Detail: fmt.Sprintf("Shop %s held %s when this run was about to give it another key, and the plan did not expect that: somebody has changed "+
			"the shop since. This run does not delete %s.", shop, withoutSecret(held), withoutSecret(held)),
	})
}

func usernamesOfRefs(lists ...[]KeyRef) []string {
	var names []string
	for _, key := range slices.Concat(lists...) {
		names = append(names, key.Username)
	}
	return names
}

const (
	// ownUse is how much later than the engine's own proof of a key its last use has to be to be the shop's: the
	// portal's pages show it to the minute.
	ownUse = time.Minute
	// maxRounds is how many keys a shop is given one after the other, where somebody deletes them meanwhile.
	maxRounds = 3
	// maxReplays is how many keys of runs that were killed are looked for.
	maxReplays = 20
)

// generate generates the shop's new key. The request has an idempotency key that the next run derives too, if
// this one is killed: the portal then answers with the ID of the key that was made, and that one is returned as
// left over. After a run that failed and undid its key, the next one pays for that with one request: no record of a
// new shop could tell it that the first idempotency key is spent.
func (e *Engine) generate(ctx context.Context, plan Plan, holds string, record *Record) (kustom.NewKey, []kustom.Orphan, error) {
	var leftovers []kustom.Orphan
	request := kustom.Request{MerchantID: plan.MerchantID, Description: plan.description()}
	for n := range maxReplays {
		request.IdempotencyKey = idempotencyKey(plan, holds, n)
		if record.Memory.awaits(request.IdempotencyKey) {
			continue
		}
		key, err := e.Keys.Generate(ctx, request)
		if replayed := (*kustom.ReplayedError)(nil); errors.As(err, &replayed) {
			if leftover := e.leftover(ctx, replayed.Orphan, plan, record); leftover != nil {
				leftovers = append(leftovers, *leftover)
			}
			continue
		}
		if kustom.IsLimitReached(err) && e.makeRoom(ctx, &leftovers, &record.Memory.Unsettled) {
			key, err = e.Keys.Generate(ctx, request)
		}
		return key, leftovers, err
	}
	request.IdempotencyKey = ""
	key, err := e.Keys.Generate(ctx, request)
	return key, leftovers, err
}

// Generate generates a key for whoever keeps its secret. Until it returns, the request is remembered on this machine:
// where the process is killed meanwhile, [Engine.DeleteLost] of a later run finds the key. The same is so where the
// portal's client panics.
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

// idempotencyKey derives the idempotency key of the nth request for a key that takes the place of the one that
// the shop holds. The description is part of the request: portals may refuse an idempotency key that another request
// was sent with.
func idempotencyKey(plan Plan, holds string, n int) string {
	name := fmt.Sprintf("kustom:%s/%s/%s/%q/%d", plan.MerchantID, plan.Shop, holds, plan.description(), n)
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// leftover returns a key that an earlier run made and nobody has recorded; nil where it is known. Where the portal does not
// show it, it may be too young to be shown: whoever deletes it looks again.
func (e *Engine) leftover(ctx context.Context, orphan kustom.Orphan, plan Plan, record *Record) *kustom.Orphan {
	known := slices.Concat(plan.Keep, plan.Delete)
	if orphan.CredentialID == record.CredentialID || slices.ContainsFunc(known, func(k KeyRef) bool { return k.CredentialID == orphan.CredentialID }) {
		return nil
	}
	// The run that made it may have been installing it, or may be alive: it proves a key for up to propagationWindow
	// before it installs it.
	now, age := e.clock.Now(), time.Duration(0)
	if key, err := e.Keys.portalCalls.Key(ctx, orphan.MerchantID, orphan.CredentialID); err == nil {
		orphan.Username, age = key.Username, max(0, now.Sub(key.CreatedAt))
	}
	orphan.Attempted = now.Add(max(0, propagationWindow-age))
	return &orphan
}

// makeRoom deletes keys that earlier runs left over, where the store has as many keys as it may have. It takes those
// that are gone out of the lists, and tells whether there are any.
func (e *Engine) makeRoom(ctx context.Context, lists ...*[]kustom.Orphan) bool {
	room := false
	for _, list := range lists {
		before := len(*list)
		*list = slices.DeleteFunc(slices.Clone(*list), func(key kustom.Orphan) bool { return e.DeleteUnused(ctx, key, 0) == nil })
		room = room || len(*list) < before
	}
	return room
}

// giveInPlace gives a shop a key as [Engine.give] does, in place of keys that go. A panic becomes a [*KeyStateUnknownError]: it
// may have come before or after the shop got the key.
func (e *Engine) giveInPlace(ctx context.Context, shop string, key kustom.NewKey, going []KeyRef) (holds mystore.Credentials, unconfirmed time.Time, err error) {
	defer func() {
		if panicked := (*PanicError)(nil); errors.As(err, &panicked) && len(unsettledKeys(err)) == 0 {
			orphan := refOf(key.Key).Orphan()
			orphan.Attempted = e.clock.Now()
			err = &KeyStateUnknownError{Key: orphan, Cause: err}
		}
	}()
	defer recoverInto(&err)
	e.Shops.sightings.recordReplacement(shop, replacement{Username: key.Username, Keys: going})
	return e.give(ctx, shop, key)
}

// give proves a key, installs it in a shop and reads it back. On any error the shop has the key that it had
// (I1), and the new one is deleted, or the error is a [*KeyStateUnknownError]. Only after a
// [*KeyVanishedError] the shop holds a key that does not exist, and needs another one at once.
//
// Unconfirmed is when the key was proven, where the shop took it and does not show whether it has it; zero where
// it does.
func (e *Engine) give(ctx context.Context, shop string, key kustom.NewKey) (holds mystore.Credentials, unconfirmed time.Time, err error) {
	if err := e.proveNew(ctx, key); err != nil {
		return mystore.Credentials{}, time.Time{}, e.undo(ctx, key.Key, err)
	}
	proven := e.clock.Now()
	holds, err = e.Shops.Install(ctx, shop, Pair{Username: key.Username, Secret: key.Secret})
	switch {
	case mystore.IsNotConfirmed(err):
		holds, unconfirmed, err = mystore.Credentials{KustomID: key.Username}, proven, nil
	case err != nil:
		holds, err = e.settle(ctx, shop, key.Key, err)
	}
	if err != nil {
		return mystore.Credentials{}, time.Time{}, err
	}
	return holds, unconfirmed, e.checkExists(ctx, shop, key.Key)
}

// proveNew proves a new key, and that the portal has it, right before it is installed.
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

// checkExists makes sure that a key that a shop has just got was not deleted by somebody else meanwhile.
func (e *Engine) checkExists(ctx context.Context, shop string, key kustom.Key) error {
	if postponeInstalled(ctx, key) {
		return nil
	}
	return e.checkListedAfter(ctx, KeyVanishedError{shop, key.Username}, key.MerchantID, func() bool {
		_, err := e.Keys.portalCalls.Key(ctx, key.MerchantID, key.CredentialID)
		return isNoKey(err)
	})
}

// CheckInstalled makes sure that a key that somebody else made was not deleted while a shop got it. Otherwise it returns a
// [*KeyVanishedError]: the shop holds a key that does not exist. It asks the portal only about a store whose keys this walk
// has listed before: to give a shop a key needs no access to the portal.
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

// checkListedAfter returns vanished if the store's list does not have the key, gone says so too, and both are so again when
// no read can be stale any more.
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

// settle looks whether a pair whose installation failed is in the shop all the same. Only a write that
// certainly did not happen is undone: one that may still arrive would leave the shop with a key that is deleted
// (I1).
func (e *Engine) settle(ctx context.Context, shop string, key kustom.Key, cause error) (mystore.Credentials, error) {
	if notWritten(cause) {
		return mystore.Credentials{}, e.undo(ctx, key, cause)
	}
	detached, cancel := clock.Detach(ctx, e.clock, undoTimeout)
	defer cancel()
	attempted := e.clock.Now()
	e.Shops.shop(shop).outdate()
	holds, err := e.Shops.Fresh(detached, shop)
	if err == nil && (holds.KustomID != key.Username || holds.Secret == mystore.SecretMissing) {
		err = &MismatchError{Shop: shop, Want: key.Username, Got: holds.KustomID}
	}
	e.steps.note(detached, StepConfirm, key.MerchantID, key.Username, outcomeOf(err), err)
	if err == nil {
		return holds, nil
	}
	orphan := refOf(key).Orphan()
	orphan.Attempted = attempted
	return mystore.Credentials{}, &KeyStateUnknownError{Key: orphan, Cause: cause, Cleanup: err}
}

// undo deletes a new key that no shop has got, and returns cause.
func (e *Engine) undo(ctx context.Context, key kustom.Key, cause error) error {
	ctx, cancel := clock.Detach(ctx, e.clock, undoTimeout)
	defer cancel()
	orphan := refOf(key).Orphan()
	if err := e.Keys.Delete(ctx, orphan); err != nil {
		return &KeyStateUnknownError{Key: orphan, Cause: cause, Cleanup: err}
	}
	return cause
}

// unsettledKeys returns the keys that err says to look after.
func unsettledKeys(err error) []kustom.Orphan {
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

// retiredBy returns the keys that a plan puts out of use without deleting them. It leaves out a key without an ID: somebody
// else made it for another store.
func (e *Engine) retiredBy(plan Plan) []RetiredKey {
	var retired []RetiredKey
	for _, key := range slices.Concat(plan.Delete, plan.Keep) {
		waits := key.WaitsFor != ""
		key.WaitsFor = ""
		if (waits || contains(plan.Keep, key)) && key.CredentialID != "" {
			retired = append(retired, RetiredKey{KeyRef: key, CreatedAt: e.clock.Now()})
		}
	}
	return retired
}

// quietKeys returns the IDs of the keys that go because they were not used for a time. Where that is no longer so when the
// plan is applied, they stay, whether or not the shop gets a new key.
func quietKeys(retired []RetiredKey) map[string]bool {
	quiet := map[string]bool{}
	for _, key := range retired {
		quiet[key.CredentialID] = true
	}
	return quiet
}

// going returns the keys that are deleted as soon as the shop has another one.
func (p Plan) going() []KeyRef {
	return slices.DeleteFunc(slices.Clone(p.Delete), func(key KeyRef) bool { return key.WaitsFor != "" })
}

// goingKeys returns the keys that go now, the unsettled of them with all that is known of them.
func goingKeys(announced []KeyRef, unsettled []kustom.Orphan) []kustom.Orphan {
	keys := slices.Clone(unsettled)
	for _, key := range announced {
		known := slices.ContainsFunc(unsettled, func(o kustom.Orphan) bool { return o.CredentialID == key.CredentialID })
		if key.WaitsFor == "" && !known {
			keys = append(keys, key.Orphan())
		}
	}
	return keys
}

// retire deletes keys. The shop works by now, so what can't be deleted is no error: it is remembered, and the
// next plan has it.
func (e *Engine) retire(ctx context.Context, keys []kustom.Orphan, quiet map[string]bool, rules Rules, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range keys {
		err := e.retireOne(ctx, key, quiet[key.CredentialID], rules)
		e.walk.settle(key)
		if err == nil {
			continue
		}
		left := KeptKey{Key: key, Err: err, quiet: quiet[key.CredentialID]}
		kept = append(kept, left)
		e.deferDeletion(pendingKey{PendingKey: PendingKey{Shop: workOf(ctx).shop, KeptKey: left}, rules: rules})
		if still := (*KeyStillUsedError)(nil); errors.As(err, &still) {
			memory.Retired = append(memory.Retired, RetiredKey{
				KeyRef: KeyRef{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username}, CreatedAt: e.clock.Now(),
			})
		} else if !isInUse(err) {
			memory.Unsettled = append(memory.Unsettled, key)
			memory.Hidden = union(memory.Hidden, hiddenShops(err))
		}
	}
	return kept
}

// hiddenShops returns the shops that may use a key and do not show which one they have, nil where something else keeps
// the key from being deleted.
func hiddenShops(err error) []string {
	var unknown *KeyUsageUnknownError
	if !errors.As(err, &unknown) || !mystore.IsNotShown(unknown.Cause) {
		return nil
	}
	return unknown.Shops
}

// union returns the texts of both lists, each once and in order.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func (e *Engine) retireOne(ctx context.Context, key kustom.Orphan, quiet bool, rules Rules) (err error) {
	defer recoverInto(&err)
	if quiet && rules.ReplacedKeys == DeleteUnusedKeys {
		return e.DeleteQuiet(ctx, key, rules.UnusedFor)
	}
	return e.DeleteUnused(ctx, key, rules.evidence())
}

// evidence returns the time without use that counts where not every shop can be asked; 0 where none counts.
func (r Rules) evidence() time.Duration {
	if r.ReplacedKeys != DeleteUnusedKeys {
		return 0
	}
	return r.UnusedFor
}

// RetireAgain tries the keys once more that were kept for a shop: it, too, may have got another key by now.
func (e *Engine) RetireAgain(ctx context.Context, left []KeptKey, rules Rules, memory *Memory) []KeptKey {
	var kept []KeptKey
	for _, key := range left {
		if ctx.Err() != nil || !key.IsRetryable() {
			kept = append(kept, key)
			continue
		}
		memory.Unsettled = slices.DeleteFunc(memory.Unsettled, func(o kustom.Orphan) bool { return o == key.Key })
		if len(memory.Unsettled) == 0 {
			memory.Hidden = nil
		}
		kept = append(kept, e.retire(ctx, []kustom.Orphan{key.Key}, map[string]bool{key.Key.CredentialID: key.quiet}, rules, memory)...)
	}
	return kept
}

// Read looks at a shop that has been taken over, and records for the next plan what has to be done.
func (e *Engine) Read(ctx context.Context, shop string, record *Record) (err error) {
	defer recoverInto(&err)
	memory := &record.Memory
	e.Shops.Belongs(shop, record.MerchantID, cmp.Or(memory.Holds, record.Username))
	seen, err := e.Observe(ctx, shop, record.MerchantID, record.CredentialID)
	if err != nil {
		return err
	}
	retired, err := e.retired(ctx, memory.withInterrupted(seen))
	if err != nil {
		return err
	}
	if memory.Unsettled, err = e.stillThere(ctx, memory.Unsettled); err != nil {
		return err
	}
	importing := memory.Importing()
	if importing {
		if err := cmp.Or(seen.Missing, seen.Unshown); err != nil {
			return err
		}
		seen.Own = seen.Held
		memory.UpdatedAt = seen.Holds.UpdatedAt
	}
	memory.confirm(seen, e.Shops.sightings.lastGiven(shop))
	e.Shops.Uses(shop, memory.UsedKey)
	memory.Due = seen.dueReason(memory.UpdatedAt, record.Username)
	memory.ObservedAt, memory.Retired = e.clock.Now(), retired
	memory.Replaceable, memory.Foreign = seen.replaceable(), seen.foreign()
	memory.Holds, memory.Others = seen.Holds.KustomID, usernames(seen.Others)
	memory.Store = seen.shownStore()
	if seen.Own != nil {
		record.take(*seen.Own)
	}
	if memory.IsUnfinished() || importing {
		// What is planned next must differ from what was planned last.
		record.Reason, record.KeysToDelete, record.KeysKept = "", nil, nil
	}
	return nil
}

// confirm takes note of what shows that the shop has the key that it was given: its page, or a use of the key that is
// later than the engine's own, and than what the provider has done with it on this machine since.
func (m *Memory) confirm(seen Observation, last given) {
	if seen.Unshown == nil {
		if !m.UnconfirmedSince.IsZero() {
			m.UpdatedAt = seen.Holds.UpdatedAt
		}
		m.UnconfirmedSince, m.UsedKey = time.Time{}, ""
		return
	}
	if seen.Own == nil || seen.Own.LastUsedAt == nil || m.UnconfirmedSince.IsZero() {
		return
	}
	own := m.UnconfirmedSince
	if last.Username == seen.Own.Username && last.OwnUse.After(own) {
		own = last.OwnUse
	}
	if seen.Own.LastUsedAt.After(own.Add(ownUse)) {
		m.UnconfirmedSince, m.UsedKey = time.Time{}, seen.Own.Username
	}
}

// Release empties a shop that still has the recorded key, and then deletes the key. Cleared is false where the
// shop has another key by now: it is left alone.
func (e *Engine) Release(ctx context.Context, shop string, record Record) (cleared bool, err error) {
	defer recoverInto(&err)
	seen, err := e.Observe(ctx, shop, record.MerchantID, record.CredentialID)
	if err != nil {
		return false, err
	}
	e.walk.rememberCleared(shop, seen)
	return e.Shops.Clear(ctx, shop, record.Username, record.Memory.UpdatedAt)
}

// Left is what an object that is destroyed leaves as it is.
type Left struct {
	// Given is the username of the key that another object of the walk has given the shop; empty where none has.
	Given string
	// Others are the usernames of the store's other keys, as the last read has recorded them, without those that
	// the walk has deleted.
	Others []string
}

// Leave lets go of a shop and its key, and returns what it leaves.
func (e *Engine) Leave(shop string, record Record) Left {
	given := e.Shops.Leave(shop, record.Username)
	others := slices.DeleteFunc(e.Standing(record), func(username string) bool { return username == given })
	return Left{Given: given, Others: others}
}

// Standing returns the usernames of the store's other keys, as the last read has recorded them, without those that the walk
// has deleted.
func (e *Engine) Standing(record Record) []string {
	return slices.DeleteFunc(slices.Clone(record.Memory.Others), func(username string) bool {
		return username == record.Username || e.Keys.hasDeleted(username)
	})
}

// DeleteLeftovers deletes keys that were left over. One that did get into a shop is the shop's now.
func (e *Engine) DeleteLeftovers(ctx context.Context, keys []kustom.Orphan) error {
	var failures []error
	for _, key := range keys {
		if err := e.DeleteUnused(ctx, key, 0); err != nil && !isInUse(err) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// take takes over what the portal tells of the shop's key.
func (r *Record) take(key kustom.Key) {
	r.MerchantID, r.CredentialID, r.Username, r.Host = key.MerchantID, key.CredentialID, key.Username, key.Host
	r.CreatedAt, r.ExpiresAt, r.Description = key.CreatedAt, key.ExpiresAt, key.Description
}
