package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Observation is what was found of a shop and of its store's keys.
type Observation struct {
	MerchantID  string
	Credentials mystore.Credentials
	// Missing is set where the shop has no Klarna Checkout V3.
	Missing error
	// NotShown is set where the shop's page does not show which key it has. Holds and Held are empty then.
	NotShown error
	// ClearedUsername is the username that the shop had when this walk emptied it.
	ClearedUsername string
	// Recorded is the key that is recorded for the shop, and Held the key of the store that the shop holds; nil where
	// there is none.
	Recorded, Held *kustom.Key
	// OtherKeys are the store's other keys.
	OtherKeys []kustom.Key
	// Replaced are the keys that the shop's present key took the place of, as far as this machine knows, and that were
	// not deleted so far.
	Replaced []KeyRef
}

// Observe looks at a shop and its store's keys. CredentialID is the key that is recorded for the shop, empty
// where there is none.
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
		seen.NotShown = unshown
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
	return seen, e.confirmUnlisted(ctx, shop, &seen)
}

// confirmUnlisted looks again for the key that the shop holds, where the list of its store does not have it: a list
// can miss a key that moves while it is paged. Klarna's own keys are not in the portal's lists.
func (e *Engine) confirmUnlisted(ctx context.Context, shop string, seen *Observation) error {
	if seen.Held != nil {
		e.walk.forgetMissed(e.Shops.cache, shop)
	}
	store, _ := kustom.StoreOf(seen.Credentials.KustomID)
	if seen.Held != nil || store != seen.MerchantID || kustom.FormOf(seen.Credentials.KustomID) != kustom.UsernameKustom {
		return nil
	}
	first := e.walk.firstMissed(e.Shops.cache, shop, missed{Username: seen.Credentials.KustomID, At: e.Keys.listedTime(seen.MerchantID)})
	if err := sleepUntil(ctx, e.clock, first.Add(PropagationDelay)); err != nil {
		return fmt.Errorf("looking again for the key of shop %s: %w", shop, err)
	}
	listed, err := e.Keys.Fresh(ctx, seen.MerchantID)
	if err != nil {
		return err
	}
	for _, key := range listed {
		if key.Username == seen.Credentials.KustomID {
			e.walk.forgetMissed(e.Shops.cache, shop)
			seen.add(key, "")
		}
	}
	return nil
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

// confirmMissing looks again for the recorded key where the list does not have it.
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

// ObserveNew looks at a shop that no object has taken over yet, as it was before this walk has cleared it, if
// it has.
func (e *Engine) ObserveNew(ctx context.Context, shop, merchantID string) (Observation, error) {
	seen, ok := e.walk.clearedShop(shop)
	if !ok || seen.MerchantID != merchantID {
		return e.Observe(ctx, shop, merchantID, "")
	}
	seen.Recorded = nil
	return seen, nil
}

// store returns the store that the shop's present key belongs to, and whether it is known.
func (o Observation) store() (string, bool) {
	if o.Held != nil {
		return o.MerchantID, true
	}
	return kustom.StoreOf(o.Credentials.KustomID)
}

// replaceable are the keys that go out of use when the shop gets a new one.
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

// otherStoreKeys is the other store's key that goes out of use in this shop. Other shops may use it.
func (o Observation) otherStoreKeys() []KeyRef {
	store, ok := o.store()
	if !ok || store == o.MerchantID {
		return nil
	}
	return []KeyRef{{MerchantID: store, Username: o.Credentials.KustomID}}
}

// interrupted returns the keys that a run of this machine was about to delete, and did not come to: it gave the shop the
// key that it holds, and was killed. What a store's other keys look like proves nothing of that kind: any of them may be
// another team's or another system's.
func (o Observation) interrupted() []KeyRef {
	var keys []KeyRef
	for _, key := range o.OtherKeys {
		if slices.ContainsFunc(o.Replaced, func(r KeyRef) bool { return r.MerchantID == key.MerchantID && r.CredentialID == key.CredentialID }) {
			keys = append(keys, refOf(key))
		}
	}
	return keys
}

func usernames(keys []kustom.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Username)
	}
	return names
}
