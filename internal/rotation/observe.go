package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Observation is the result of reading a shop and its store's keys.
type Observation struct {
	MerchantID  string
	Credentials mystore.Credentials
	// Missing is set if the shop has no Klarna Checkout V3.
	Missing error
	// NotShown is set if the shop's page does not show which key it has. Credentials and Held are then empty.
	NotShown error
	// ClearedUsername is the username that the shop had before this run cleared it, or empty.
	ClearedUsername string
	// LastHeld is the username that the shop last had as far as is known, if its page does not show its key. Only the
	// start of the username may be known.
	LastHeld string
	// Elsewhere is the merchant ID of the store that lists the shop's key, if the username does not tell it.
	Elsewhere string
	// Recorded is the shop's recorded key, and Held the key of the store that the shop holds. Both are nil if there
	// is none.
	Recorded, Held *kustom.Key
	// OtherKeys are the store's other keys.
	OtherKeys []kustom.Key
	// Replaced are the keys that the shop's current key replaced and that were not deleted, as far as this
	// machine's cache knows.
	Replaced []KeyRef
}

// Observe reads a shop and its store's keys. CredentialID is the ID of the shop's recorded key, or empty.
func (e *Engine) Observe(ctx context.Context, shop, merchantID, credentialID string) (Observation, error) {
	e.Shops.NoteConfigured(shop, merchantID, "")
	seen := Observation{MerchantID: merchantID, ClearedUsername: e.Shops.ClearedUsername(shop)}
	var err error
	seen.Credentials, err = e.Shops.ConfirmedCredentials(ctx, shop)
	var missing *mystore.NotInstalledError
	var unshown *mystore.NotShownError
	switch {
	case errors.As(err, &missing):
		seen.Missing = missing
	case errors.As(err, &unshown):
		seen.NotShown, seen.LastHeld = unshown, e.Shops.LastHeld(shop, err)
	case err != nil:
		return Observation{}, err
	}
	for key, err := range e.Keys.Keys(ctx, merchantID) {
		if err != nil {
			return Observation{}, err
		}
		seen.add(key, credentialID)
	}
	if err := e.confirmMissing(ctx, &seen, credentialID); err != nil {
		return Observation{}, err
	}
	seen.Replaced = e.Shops.cache.replacedBy(shop, seen.Credentials.KustomID)
	if err := e.confirmUnlisted(ctx, shop, &seen); err != nil {
		return Observation{}, err
	}
	if seen.Held == nil {
		seen.Elsewhere, _ = e.storeOf(ctx, seen.Credentials.KustomID)
	}
	return seen, nil
}

// storeOf returns the store that a key in a shop belongs to, by the form of its username or by the list that has it. A
// portal that is read store by store is not searched for it.
func (e *Engine) storeOf(ctx context.Context, username string) (merchantID string, ok bool) {
	if store, ok := storeIn(username); ok || shownUsername(username) == "" || e.Keys.listsByStore() {
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

// sameStore reports whether two merchant IDs may be those of one store. A shop may show a username, and with it the
// letters of the merchant ID, in another case.
func sameStore(a, b string) bool { return strings.EqualFold(a, b) }

// confirmUnlisted lists the store's keys again if the list lacks the key that the shop holds: a list can miss a key
// that moves between pages. Klarna's own keys are never in the portal's lists.
func (e *Engine) confirmUnlisted(ctx context.Context, shop string, seen *Observation) error {
	if seen.Held != nil {
		e.run.forgetMissed(e.Shops.cache, shop)
	}
	store, _ := kustom.StoreOf(seen.Credentials.KustomID)
	if seen.Held != nil || store != seen.MerchantID || kustom.FormOf(seen.Credentials.KustomID) != kustom.UsernameKustom {
		return nil
	}
	first := e.run.firstMissed(e.Shops.cache, shop, missed{Username: seen.Credentials.KustomID, At: e.Keys.listedTime(seen.MerchantID)})
	if err := sleepUntil(ctx, e.clock, first.Add(PropagationDelay)); err != nil {
		return fmt.Errorf("look again for the key of shop %s: %w", shop, err)
	}
	listed, err := e.Keys.Fresh(ctx, seen.MerchantID)
	if err != nil {
		return err
	}
	for _, key := range listed {
		if key.Username == seen.Credentials.KustomID {
			e.run.forgetMissed(e.Shops.cache, shop)
			seen.add(key, "")
		}
	}
	return nil
}

// gone returns the username of the key that the shop holds if the store does not have it, or an empty string. A key of another
// form than Kustom's can exist without being listed.
func (o Observation) gone() string {
	id := o.Credentials.KustomID
	store, known := storeIn(id)
	if o.Held != nil || !known || !sameStore(store, o.MerchantID) || kustom.FormOf(id) != kustom.UsernameKustom {
		return ""
	}
	isHeld := func(key kustom.Key) bool { return sameUsername(id, key.Username) }
	if o.Recorded != nil && isHeld(*o.Recorded) || slices.ContainsFunc(o.OtherKeys, isHeld) {
		return ""
	}
	return id
}

func (o *Observation) add(key kustom.Key, credentialID string) {
	if key.CredentialID == credentialID {
		o.Recorded = &key
	}
	if key.Username == o.Credentials.KustomID {
		o.Held = &key
	}
	if key.CredentialID != credentialID && key.Username != o.Credentials.KustomID {
		o.OtherKeys = append(o.OtherKeys, key)
	}
}

// confirmMissing fetches the recorded key by itself if the list lacks it.
func (e *Engine) confirmMissing(ctx context.Context, seen *Observation, credentialID string) error {
	if credentialID == "" || seen.Recorded != nil {
		return nil
	}
	key, err := e.Keys.Key(ctx, seen.MerchantID, credentialID)
	if isNoKey(err) {
		return nil
	}
	if err != nil {
		return err
	}
	seen.add(key, credentialID)
	return nil
}

// ObserveNew observes a shop that no object manages yet. If this run has cleared the shop, it returns the
// observation from before that.
func (e *Engine) ObserveNew(ctx context.Context, shop, merchantID string) (Observation, error) {
	seen, ok := e.run.clearedShop(shop)
	if !ok || seen.MerchantID != merchantID {
		return e.Observe(ctx, shop, merchantID, "")
	}
	seen.Recorded = nil
	return seen, nil
}

// store returns the merchant ID of the store that the shop's current key belongs to, and whether it is known.
func (o Observation) store() (string, bool) {
	if o.Held != nil {
		return o.MerchantID, true
	}
	if o.Elsewhere != "" {
		return o.Elsewhere, true
	}
	return storeIn(cmp.Or(o.Credentials.KustomID, o.LastHeld))
}

// shownStore returns the store that the shop itself shows; empty where it shows none. What earlier runs have seen of a shop that
// has been taken over tells less than its record.
func (o Observation) shownStore() string {
	var unshown *mystore.NotShownError
	if errors.As(o.NotShown, &unshown) {
		o.LastHeld = unshown.Masked
	}
	store, _ := o.store()
	return store
}

// replaceable returns the keys of the store that a new key replaces.
func (o Observation) replaceable() []KeyRef {
	var keys []KeyRef
	if o.Recorded != nil {
		keys = append(keys, refOf(*o.Recorded))
	}
	if o.Held != nil && (o.Recorded == nil || o.Held.CredentialID != o.Recorded.CredentialID) {
		keys = append(keys, refOf(*o.Held))
	}
	return keys
}

// otherStoreKeys returns the key of another store that a new key replaces. Other shops may use it.
func (o Observation) otherStoreKeys() []KeyRef {
	store, ok := o.store()
	if !ok || sameStore(store, o.MerchantID) || o.Credentials.KustomID == "" {
		return nil
	}
	return []KeyRef{{MerchantID: store, Username: o.Credentials.KustomID}}
}

// interrupted returns the keys that a run on this machine was about to delete when it was killed, after it gave the
// shop its current key. Only the cache can tell: any other key of the store may belong to another team or system.
func (o Observation) interrupted() []KeyRef {
	var keys []KeyRef
	for _, key := range o.OtherKeys {
		if slices.ContainsFunc(o.Replaced, func(r KeyRef) bool { return r.MerchantID == key.MerchantID && r.CredentialID == key.CredentialID }) {
			keys = append(keys, refOf(key))
		}
	}
	return keys
}

// unreplaced returns the keys that a failed run was to replace by the shop's first key. The shop may have that key all
// the same, and then no longer shows the replaced ones.
func (o Observation) unreplaced(record *Record) []KeyRef {
	if record.CredentialID != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(record.Memory.Replaceable), func(key KeyRef) bool {
		return !slices.ContainsFunc(o.OtherKeys, func(other kustom.Key) bool { return contains([]KeyRef{refOf(other)}, key) })
	})
}

func usernames(keys []kustom.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Username)
	}
	return names
}
