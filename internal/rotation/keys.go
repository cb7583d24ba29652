package rotation

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// PortalKeys is what keys are made, read and deleted through.
type PortalKeys interface {
	KeyService
	Ready() error
	Made(credentialID string) bool
	Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error)
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
}

// Keys knows, for one walk of Terraform over a configuration, the keys of the account (I7). The
// first few keys and stores that are asked for are read one by one, so that a small configuration
// does not list a large account. When more are asked for, all keys are listed once, in pages, for
// everybody. What is made and deleted through Keys it knows. It is safe for concurrent use.
type Keys struct {
	PortalKeys

	// turn is held by who lists all keys; the others wait for the list.
	turn chan struct{}

	mu    sync.Mutex
	asked map[string]bool
	// expected says that more will be asked for than is read one by one.
	expected bool
	// stores holds the keys of the stores that have been listed, by merchant ID.
	stores map[string][]kustom.Key
	// complete says that all stores have been listed.
	complete bool
	// tooMany says that the account has more keys than are kept.
	tooMany bool
	// made and gone are what this walk itself has made and deleted. They mend a list that was under
	// way meanwhile.
	made []kustom.Key
	gone []kustom.Orphan
}

const (
	// fewReads is how many keys or stores are read one by one before all are listed.
	fewReads = 3
	// mostKeys bounds how many keys are kept; at a few hundred bytes each, some ten megabytes.
	mostKeys = 50_000
)

// NewKeys returns what is known of the portal's keys, which is nothing yet.
func NewKeys(portal PortalKeys) *Keys {
	return &Keys{
		PortalKeys: portal, turn: make(chan struct{}, 1),
		asked: map[string]bool{}, stores: map[string][]kustom.Key{},
	}
}

// Key returns a key, or a [*kustom.NoKeyError] when there is none. One that is not in a list is
// asked for by itself: a list alone is not believed that a key is gone.
func (k *Keys) Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	listed, err := k.list(ctx, merchantID, merchantID+"/"+credentialID)
	if err != nil {
		return kustom.Key{}, err
	}
	for _, key := range listed {
		if key.CredentialID == credentialID {
			return key, nil
		}
	}
	return k.PortalKeys.Key(ctx, merchantID, credentialID)
}

// Keys yields the keys of one store or, if merchantID is empty, of all stores that the user can see.
// A store of which no list has any is asked for by itself: the user may not be able to see it.
func (k *Keys) Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		listed, err := k.list(ctx, merchantID, merchantID)
		if err == nil && len(listed) == 0 {
			listed, err = k.read(ctx, merchantID)
		}
		if err != nil {
			yield(kustom.Key{}, err)
			return
		}
		for _, key := range listed {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// Generate makes a key; see [kustom.Portal.Generate].
func (k *Keys) Generate(ctx context.Context, merchantID, description string) (kustom.Key, error) {
	key, err := k.PortalKeys.Generate(ctx, merchantID, description)
	if err != nil {
		return kustom.Key{}, err
	}
	known := key
	known.Secret = ""
	k.mu.Lock()
	defer k.mu.Unlock()
	k.made = append(k.made, known)
	k.add(known)
	return key, nil
}

// Discard deletes a key; see [kustom.Portal.Discard].
func (k *Keys) Discard(ctx context.Context, orphan kustom.Orphan) error {
	if err := k.PortalKeys.Discard(ctx, orphan); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = append(k.gone, orphan)
	k.remove(orphan)
	return nil
}

// Expect says that the keys of these stores are going to be asked for. Where they are more than a few, all
// keys are listed meanwhile, for as long as ctx allows. A failure is left to those who ask.
func (k *Keys) Expect(ctx context.Context, merchantIDs []string) {
	if k.expect(merchantIDs) {
		go func() { _ = k.listAll(ctx) }()
	}
}

// expect notes what is going to be asked for, and returns whether that is new and needs a list.
func (k *Keys) expect(merchantIDs []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	unlisted := map[string]bool{}
	for _, id := range merchantIDs {
		if _, ok := k.stores[id]; !ok {
			unlisted[id] = true
		}
	}
	if k.expected || k.complete || len(unlisted) <= fewReads {
		return false
	}
	k.expected = true
	return true
}

// add adds a key to its store's list, if there is one and the key is not in it. The caller holds
// k.mu.
func (k *Keys) add(key kustom.Key) {
	same := func(o kustom.Key) bool { return o.CredentialID == key.CredentialID }
	listed, ok := k.stores[key.MerchantID]
	if (ok || k.complete) && !slices.ContainsFunc(listed, same) {
		k.stores[key.MerchantID] = append(slices.Clip(listed), key)
	}
}

// remove removes a key from its store's list, if there is one. The caller holds k.mu.
func (k *Keys) remove(orphan kustom.Orphan) {
	same := func(o kustom.Key) bool { return o.CredentialID == orphan.CredentialID }
	if listed, ok := k.stores[orphan.MerchantID]; ok {
		k.stores[orphan.MerchantID] = slices.DeleteFunc(slices.Clone(listed), same)
	}
}

// list returns what lists have of a store's keys, or of all. It has none while what is asked for is
// among the first few.
func (k *Keys) list(ctx context.Context, merchantID, what string) ([]kustom.Key, error) {
	if listed, few := k.recall(merchantID, what); few {
		return listed, nil
	}
	if err := k.listAll(ctx); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if merchantID != "" || !k.complete {
		return k.stores[merchantID], nil
	}
	var all []kustom.Key
	for _, keys := range k.stores {
		all = append(all, keys...)
	}
	return all, nil
}

// recall returns what is listed of a store, and whether all need not be listed for what is asked.
func (k *Keys) recall(merchantID, what string) (listed []kustom.Key, few bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if merchantID == "" || k.complete {
		return nil, false
	}
	if listed, ok := k.stores[merchantID]; ok {
		return listed, true
	}
	if len(k.asked) < fewReads && !k.expected {
		k.asked[what] = true
	}
	return nil, k.asked[what]
}

// read reads the keys of one store, or of all, and remembers those of a store.
func (k *Keys) read(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	var keys []kustom.Key
	for key, err := range k.PortalKeys.Keys(ctx, merchantID) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if merchantID == "" {
		return keys, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stores[merchantID] = keys
	k.mend()
	return k.stores[merchantID], nil
}

// mend brings lists up to date with what this walk has done. The caller holds k.mu.
func (k *Keys) mend() {
	for _, key := range k.made {
		k.add(key)
	}
	for _, orphan := range k.gone {
		k.remove(orphan)
	}
}

// listAll lists all keys, unless somebody has. A failure is not remembered.
func (k *Keys) listAll(ctx context.Context) error {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return fmt.Errorf("listing API keys: %w", ctx.Err())
	}
	k.mu.Lock()
	done := k.complete || k.tooMany
	k.mu.Unlock()
	if done {
		return nil
	}
	stores, n := map[string][]kustom.Key{}, 0
	for key, err := range k.PortalKeys.Keys(ctx, "") {
		if err != nil {
			return err
		}
		if n++; n > mostKeys {
			break
		}
		stores[key.MerchantID] = append(stores[key.MerchantID], key)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n > mostKeys {
		k.tooMany = true
		return nil
	}
	k.stores, k.complete = stores, true
	k.mend()
	return nil
}
