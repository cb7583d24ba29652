package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Observation is what was found of a shop and of its store's keys.
type Observation struct {
	MerchantID string
	Holds      mystore.Credentials
	// Missing is set where the shop has no Klarna Checkout V3.
	Missing error
	// Unshown is set where the shop's page does not show which key it has. Holds and Held are empty then.
	Unshown error
	// Emptied is the username that the shop had when this walk emptied it.
	Emptied string
	// LastHeld is the username that the shop was last known to have, where its page does not show which key it has now;
	// only its beginning may be known.
	LastHeld string
	// Elsewhere is the store in whose list the shop's key is, where the form of its username does not tell; empty where that
	// is not known.
	Elsewhere string
	// Own is the key that is recorded for the shop, and Held the key of the store that the shop holds; nil where
	// there is none.
	Own, Held *kustom.Key
	// Others are the store's other keys.
	Others []kustom.Key
	// Replaced are the keys that the shop's present key took the place of, as far as this machine knows, and that were
	// not deleted so far.
	Replaced []KeyRef
}

// walk is what the objects of a walk share.
type walk struct {
	// losing is held by the one who deletes keys that were lost.
	losing sync.Mutex

	mu sync.Mutex
	// cleared are the shops that were cleared in this walk, as they were before. Where Terraform replaces an
	// object, it plans the new one again after the old one is gone, and rejects the apply if the shop's
	// condition then leads to another plan.
	cleared map[string]Observation
	// owners has what kind of object each shop is in.
	owners map[string]string
	// missing are the keys that shops hold and that were not listed.
	missing map[string]missed
	// managed are the usernames of the keys that objects of their own have.
	managed map[string]bool
	// named are the usernames of the keys that a person was told of as left behind.
	named map[string]bool
	// pending are keys whose deletion waits for what the walk learns of shops.
	pending []pendingKey
	// underWay counts the objects that are changing shops and keys.
	underWay int
}

func (w *walk) rememberCleared(shop string, seen Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cleared == nil {
		w.cleared = map[string]Observation{}
	}
	w.cleared[shop] = seen
}

func (w *walk) clearedShop(shop string) (Observation, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, ok := w.cleared[shop]
	return seen, ok
}

// Claim notes that an object of the configuration, of the given kind, owns a shop. The error is an
// [*OwnedTwiceError] where another one does: each would undo what the other has done, at every apply. It is to
// be called once for each object and walk.
func (e *Engine) Claim(shop, kind string) error {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	if e.walk.owners == nil {
		e.walk.owners = map[string]string{}
	}
	// A shop's name is part of an address, where case does not count.
	name := strings.ToLower(shop)
	if first, owned := e.walk.owners[name]; owned {
		return &OwnedTwiceError{Shop: shop, First: first, Second: kind}
	}
	e.walk.owners[name] = kind
	return nil
}

// ForgetClaims forgets what [Engine.Claim] has noted: another run validates its objects with this engine.
func (e *Engine) ForgetClaims() {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	e.walk.owners = nil
}

// Manage notes that an object of this walk has a key of its own, and deletes it when it is destroyed or replaced.
func (e *Engine) Manage(username string) {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	if e.walk.managed == nil {
		e.walk.managed = map[string]bool{}
	}
	e.walk.managed[username] = true
}

// IsManaged tells whether an object of this walk that was read so far has a key.
func (e *Engine) IsManaged(username string) bool {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	return e.walk.managed[username]
}

// missed is a username that a shop held, and that no list of its store had at a time.
type missed struct {
	Username string    `json:"username"`
	At       time.Time `json:"at"`
}

// missedFor is how long it counts that an earlier run has missed a key.
const missedFor = time.Hour

// missedAt returns when the key that a shop holds was first missed, by this walk or by an earlier run of this machine:
// the plan and the apply need not both wait for the portal's lag.
func (w *walk) missedAt(sightings Sightings, shop string, now missed) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, ok := w.missing[shop]
	if !ok {
		first = sightings.lastMissed(shop)
	}
	if first.Username != now.Username || now.At.Sub(first.At) > missedFor || now.At.Before(first.At) {
		first = now
		sightings.recordMissed(shop, now)
	}
	if w.missing == nil {
		w.missing = map[string]missed{}
	}
	w.missing[shop] = first
	return first.At
}

// found forgets that the key of a shop was missed.
func (w *walk) found(sightings Sightings, shop string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.missing, shop)
	sightings.forgetMissed(shop)
}

// Observe looks at a shop and its store's keys. CredentialID is the key that is recorded for the shop, empty
// where there is none.
func (e *Engine) Observe(ctx context.Context, shop, merchantID, credentialID string) (Observation, error) {
	e.Shops.Belongs(shop, merchantID, "")
	seen := Observation{MerchantID: merchantID, Emptied: e.Shops.Emptied(shop)}
	var err error
	seen.Holds, err = e.Shops.Settled(ctx, shop)
	var missing *mystore.NotInstalledError
	var unshown *mystore.NotShownError
	switch {
	case errors.As(err, &missing):
		seen.Missing = missing
	case errors.As(err, &unshown):
		seen.Unshown, seen.LastHeld = unshown, e.Shops.LastHeld(shop, err)
	case err != nil:
		return Observation{}, err
	}
	for key, err := range e.Keys.Keys(ctx, merchantID) {
		if err != nil {
			return Observation{}, err
		}
		seen.sort(key, credentialID)
	}
	if err := e.confirmMissing(ctx, &seen, credentialID); err != nil {
		return Observation{}, err
	}
	seen.Replaced = e.Shops.sightings.replacedBy(shop, seen.Holds.KustomID)
	if err := e.confirmUnlisted(ctx, shop, &seen); err != nil {
		return Observation{}, err
	}
	if seen.Held == nil {
		seen.Elsewhere, _ = e.storeOf(ctx, seen.Holds.KustomID)
	}
	return seen, nil
}

// storeOf returns the store that a key in a shop belongs to, by the form of its username or by the list that has it. A
// portal that is read store by store is not searched for it.
func (e *Engine) storeOf(ctx context.Context, username string) (merchantID string, ok bool) {
	if store, ok := storeIn(username); ok || held(username) == "" || e.Keys.listsByStore() {
		return store, ok
	}
	for key, err := range e.Keys.Keys(ctx, "") {
		if err != nil {
			return "", false
		}
		if sameUsername(username, key.Username) {
			return key.MerchantID, true
		}
	}
	return "", false
}

// storeIn returns the store that a username names, in whatever case or with whatever white space a shop shows it.
func storeIn(username string) (merchantID string, ok bool) {
	username = plainUsername(username)
	if store, ok := kustom.StoreOf(username); ok {
		return store, true
	}
	return kustom.StoreOf(strings.ToUpper(username))
}

// confirmUnlisted looks again for the key that the shop holds, where the list of its store does not have it: a list
// can miss a key that moves while it is paged. Klarna's own keys are not in the portal's lists.
func (e *Engine) confirmUnlisted(ctx context.Context, shop string, seen *Observation) error {
	if seen.Held != nil {
		e.walk.found(e.Shops.sightings, shop)
	}
	store, _ := kustom.StoreOf(seen.Holds.KustomID)
	if seen.Held != nil || store != seen.MerchantID || kustom.FormOf(seen.Holds.KustomID) != kustom.UsernameKustom {
		return nil
	}
	first := e.walk.missedAt(e.Shops.sightings, shop, missed{Username: seen.Holds.KustomID, At: e.Keys.lookedAt(seen.MerchantID)})
	if err := sleepUntil(ctx, e.clock, first.Add(PropagationDelay)); err != nil {
		return fmt.Errorf("looking again for the key of shop %s: %w", shop, err)
	}
	listed, err := e.Keys.Fresh(ctx, seen.MerchantID)
	if err != nil {
		return err
	}
	for _, key := range listed {
		if key.Username == seen.Holds.KustomID {
			e.walk.found(e.Shops.sightings, shop)
			seen.sort(key, "")
		}
	}
	return nil
}

func (o *Observation) sort(key kustom.Key, credentialID string) {
	if key.CredentialID == credentialID {
		o.Own = &key
	}
	if key.Username == o.Holds.KustomID {
		o.Held = &key
	}
	if key.CredentialID != credentialID && key.Username != o.Holds.KustomID {
		o.Others = append(o.Others, key)
	}
}

// confirmMissing looks again for the recorded key where the list does not have it.
func (e *Engine) confirmMissing(ctx context.Context, seen *Observation, credentialID string) error {
	if credentialID == "" || seen.Own != nil {
		return nil
	}
	key, err := e.Keys.Key(ctx, seen.MerchantID, credentialID)
	if isNoKey(err) {
		return nil
	}
	if err != nil {
		return err
	}
	seen.sort(key, credentialID)
	return nil
}

// ObserveNew looks at a shop that no object has taken over yet, as it was before this walk has cleared it, if
// it has.
func (e *Engine) ObserveNew(ctx context.Context, shop, merchantID string) (Observation, error) {
	seen, ok := e.walk.clearedShop(shop)
	if !ok || seen.MerchantID != merchantID {
		return e.Observe(ctx, shop, merchantID, "")
	}
	seen.Own = nil
	return seen, nil
}

// store returns the store that the shop's present key belongs to, and whether it is known.
func (o Observation) store() (string, bool) {
	if o.Held != nil {
		return o.MerchantID, true
	}
	if o.Elsewhere != "" {
		return o.Elsewhere, true
	}
	return storeIn(cmp.Or(o.Holds.KustomID, o.LastHeld))
}

// shownStore returns the store that the shop itself shows; empty where it shows none. What earlier runs have seen of a shop that
// has been taken over tells less than its record.
func (o Observation) shownStore() string {
	var unshown *mystore.NotShownError
	if errors.As(o.Unshown, &unshown) {
		o.LastHeld = unshown.Masked
	}
	store, _ := o.store()
	return store
}

// replaceable are the keys that go out of use when the shop gets a new one.
func (o Observation) replaceable() []KeyRef {
	var keys []KeyRef
	if o.Own != nil {
		keys = append(keys, refOf(*o.Own))
	}
	if o.Held != nil && (o.Own == nil || o.Held.CredentialID != o.Own.CredentialID) {
		keys = append(keys, refOf(*o.Held))
	}
	return keys
}

// foreign is the other store's key that goes out of use in this shop. Other shops may use it.
func (o Observation) foreign() []KeyRef {
	store, ok := o.store()
	if !ok || store == o.MerchantID || o.Holds.KustomID == "" {
		return nil
	}
	return []KeyRef{{MerchantID: store, Username: o.Holds.KustomID}}
}

// interrupted returns the keys that a run of this machine was about to delete, and did not come to: it gave the shop the
// key that it holds, and was killed. What a store's other keys look like proves nothing of that kind: any of them may be
// another team's or another system's.
func (o Observation) interrupted() []KeyRef {
	var keys []KeyRef
	for _, key := range o.Others {
		if slices.ContainsFunc(o.Replaced, func(r KeyRef) bool { return r.MerchantID == key.MerchantID && r.CredentialID == key.CredentialID }) {
			keys = append(keys, refOf(key))
		}
	}
	return keys
}

// RetiredKey is a key that has gone out of use and was not deleted: because its policy keeps it, or until it is
// unused.
type RetiredKey struct {
	KeyRef
	CreatedAt  time.Time     `json:"created_at"`
	LastUsedAt *time.Time    `json:"last_used_at"`
	Precision  time.Duration `json:"precision,omitempty"`
	// Interrupted says that an earlier run was about to delete the key, and was killed.
	Interrupted bool `json:"interrupted,omitempty"`
}

func (k RetiredKey) isQuiet(unusedFor time.Duration, now time.Time) bool {
	return Quiet(kustom.Key{CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, Precision: k.Precision}, unusedFor, now)
}

// withInterrupted adds to the retired keys of a shop those that a killed run was about to delete. The record has not
// heard of that run. After a second one that was killed, nothing but this machine's note has the keys of the first.
func (m Memory) withInterrupted(seen Observation) []RetiredKey {
	known, retired := m.unsettled(), slices.Clone(m.Retired)
	for _, key := range m.Retired {
		known = append(known, key.KeyRef)
	}
	for _, key := range seen.interrupted() {
		if !contains(known, key) {
			retired = append(retired, RetiredKey{KeyRef: key, Interrupted: true})
		}
	}
	return retired
}

// retired returns the retired keys that still exist, with their last use.
func (e *Engine) retired(ctx context.Context, keys []RetiredKey) ([]RetiredKey, error) {
	var still []RetiredKey
	for _, key := range keys {
		now, err := e.Keys.Key(ctx, key.MerchantID, key.CredentialID)
		if isNoKey(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		key.CreatedAt, key.LastUsedAt, key.Precision = now.CreatedAt, now.LastUsedAt, now.Precision
		still = append(still, key)
	}
	return still, nil
}

// stillThere returns the keys that an earlier run could not delete and that still exist, or may.
func (e *Engine) stillThere(ctx context.Context, keys []kustom.Orphan) ([]kustom.Orphan, error) {
	var still []kustom.Orphan
	for _, key := range keys {
		if key.CredentialID != "" {
			_, err := e.Keys.Key(ctx, key.MerchantID, key.CredentialID)
			if isNoKey(err) {
				continue
			}
			if notListed := (*NotListedError)(nil); err != nil && !errors.As(err, &notListed) {
				return nil, err
			}
		}
		still = append(still, key)
	}
	return still, nil
}

func usernames(keys []kustom.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Username)
	}
	return names
}
