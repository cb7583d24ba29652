package rotation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Keys caches the account's keys for one run (I7). It reads the first few keys and stores one by one, so
// that a small configuration does not list a large account. When more are needed, it lists all keys once for all
// callers. It knows the keys that it generated and deleted itself. It drops keys of other stores than the one it
// asked for. It is safe for concurrent use.
type Keys struct {
	portalCalls
	clock clock.Clock
	steps *stepRecorder

	// listing is held by the goroutine that lists all keys. The others wait for its list.
	listing *semaphore.Weighted

	mu          sync.Mutex
	singleReads map[string]bool
	// prefetching reports that more keys will be needed than are read one by one.
	prefetching bool
	// stores has the last list of each store's keys, by merchant ID, and listed is the number of keys in them.
	stores map[string]storeList
	listed int
	// complete reports that all stores were listed, at listedAt.
	complete bool
	listedAt time.Time
	// tooMany reports that the account has more keys than are cached.
	tooMany bool
	// generated and deletedKeys are this run's own changes, by merchant ID. They correct lists that were read
	// meanwhile.
	generated   map[string][]kustom.Key
	deletedKeys map[string][]kustom.Orphan
	// deletedUsernames has the usernames of deletedKeys.
	deletedUsernames map[string]bool
	// visible has the stores that the user can see, or is nil before they are listed.
	visible  map[string]kustom.Store
	warnings []Warning
	// sequence counts listings and invalidations. stale has the number of each store's last invalidation.
	sequence int
	stale    map[string]int
	// running and next are the current refresh of several stores and the one that follows it. single has the
	// refreshes of one store, by merchant ID.
	running, next *refresh
	single        map[string]*refresh
	// singles counts the refreshes of one store since singlesFrom. shared is the number of the last listing of all
	// stores.
	singles     int
	singlesFrom time.Time
	shared      int
}

// storeList is a store's keys from one listing.
type storeList struct {
	// raw is what the portal listed, and keys is raw with this run's own changes.
	keys, raw []kustom.Key
	// at is when the listing began, and sequence its number among all listings and invalidations.
	at       time.Time
	sequence int
}

const (
	// listThreshold is how many keys or stores are read one by one before all are listed.
	listThreshold = 3
	// listThresholdByStore is the same if a list of all takes several pages too.
	listThresholdByStore = 4
	// maxCachedKeys limits the cache to some ten megabytes, at a few hundred bytes for a key.
	maxCachedKeys = 50_000
	// keysPerPage is how many keys one answer of the portal lists.
	keysPerPage = 100
	// maxSharedRequests is how many requests a listing of all stores may take if several callers share it. With
	// more requests, each caller would wait longer than for a request for its own store.
	maxSharedRequests = 3
	// refreshTimeout limits a refresh. Several callers wait for it, so the context of one of them can't.
	refreshTimeout = 2 * time.Minute
)

// NewKeys returns an empty cache of the portal's keys.
func NewKeys(portal Portal, c clock.Clock) *Keys {
	return &Keys{
		portalCalls: portalCalls{portal}, clock: c, listing: semaphore.NewWeighted(1),
		singleReads: map[string]bool{}, stores: map[string]storeList{}, stale: map[string]int{},
		generated: map[string][]kustom.Key{}, deletedKeys: map[string][]kustom.Orphan{}, deletedUsernames: map[string]bool{},
		single: map[string]*refresh{},
	}
}

// Key returns a key, or a [*kustom.NoKeyError]. It fetches a key that is missing from the list by itself, and again
// after [PropagationDelay], before the key counts as deleted. For a missing key that this run generated, the error
// is a [*NotListedError].
func (k *Keys) Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	listed, err := k.list(ctx, merchantID, merchantID+"/"+credentialID)
	if err != nil {
		return kustom.Key{}, err
	}
	if key, ok := find(listed, credentialID); ok {
		return key, nil
	}
	looked := k.listedTime(merchantID)
	key, err := k.fetch(ctx, merchantID, credentialID)
	if !isNoKey(err) {
		return key, err
	}
	return k.retryMissing(ctx, merchantID, credentialID, looked)
}

// fetch reads one key from the portal.
func (k *Keys) fetch(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	key, err := k.portalCalls.Key(ctx, merchantID, credentialID)
	if err != nil {
		return kustom.Key{}, err
	}
	if err := checkKey(key, merchantID); err != nil {
		return kustom.Key{}, fmt.Errorf("read API key %s of store %s: %w", credentialID, merchantID, err)
	}
	return redactKey(key), nil
}

// retryMissing reads a key again that was missing at the given time, after [PropagationDelay].
func (k *Keys) retryMissing(ctx context.Context, merchantID, credentialID string, missing time.Time) (kustom.Key, error) {
	if k.Generated(credentialID) {
		return kustom.Key{}, &NotListedError{MerchantID: merchantID, CredentialID: credentialID}
	}
	if err := sleepUntil(ctx, k.clock, missing.Add(PropagationDelay)); err != nil {
		return kustom.Key{}, fmt.Errorf("look again for API key %s of store %s: %w", credentialID, merchantID, err)
	}
	listed, err := k.Fresh(ctx, merchantID)
	if err != nil {
		return kustom.Key{}, err
	}
	if key, ok := find(listed, credentialID); ok {
		return key, nil
	}
	return k.fetch(ctx, merchantID, credentialID)
}

// listedTime returns when the store's keys were last listed, or the present time if they were not.
func (k *Keys) listedTime(merchantID string) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if listed, ok := k.stores[merchantID]; ok {
		return listed.at
	}
	if k.complete {
		return k.listedAt
	}
	return k.clock.Now()
}

func find(keys []kustom.Key, credentialID string) (kustom.Key, bool) {
	i := slices.IndexFunc(keys, func(key kustom.Key) bool { return key.CredentialID == credentialID })
	if i < 0 {
		return kustom.Key{}, false
	}
	return keys[i], true
}

// Keys yields the keys of a store. If merchantID is empty, it yields those of all stores that the user can see. It
// ends at the first error. The error is a [*StoreNotFoundError] for a store without keys that the user can't see.
func (k *Keys) Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		listed, err := k.list(ctx, merchantID, merchantID)
		if err == nil && len(listed) == 0 && merchantID != "" {
			if listed, err = k.read(ctx, merchantID); err == nil && len(listed) == 0 {
				err = k.checkStore(ctx, merchantID)
			}
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

// checkStore returns a [*StoreNotFoundError] if the user can't see a store. An empty list of keys does not show
// that.
func (k *Keys) checkStore(ctx context.Context, merchantID string) error {
	stores, err := k.visibleStores(ctx)
	if err != nil {
		return err
	}
	if _, ok := stores[merchantID]; !ok {
		return &StoreNotFoundError{MerchantID: merchantID}
	}
	return nil
}

// Store returns a store, and whether the user can see it.
func (k *Keys) Store(ctx context.Context, merchantID string) (kustom.Store, bool) {
	stores, err := k.visibleStores(ctx)
	store, ok := stores[merchantID]
	return store, ok && err == nil
}

// visibleStores returns the stores that the user can see. It lists them once.
func (k *Keys) visibleStores(ctx context.Context) (map[string]kustom.Store, error) {
	k.mu.Lock()
	known := k.visible
	k.mu.Unlock()
	if known != nil {
		return known, nil
	}
	stores := map[string]kustom.Store{}
	for store, err := range k.Stores(ctx) {
		if err != nil {
			return nil, err
		}
		stores[store.MerchantID] = store
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.visible = stores
	return stores, nil
}

// Generate generates a key, as [Portal.Generate] does. If the answer does not fit the request, Generate deletes the
// key and returns an error. If it panics after the portal has generated a key, the error is a [*kustom.OrphanError].
func (k *Keys) Generate(ctx context.Context, r kustom.Request) (key kustom.NewKey, err error) {
	defer func() {
		if panicked := (*PanicError)(nil); errors.As(err, &panicked) && key.CredentialID != "" {
			err = &kustom.OrphanError{Orphan: refOf(key.Key).Orphan(), Cause: panicked}
			key = kustom.NewKey{}
		}
	}()
	defer recoverInto(&err)
	if r.Description != "" && !k.SupportsDescriptions() {
		return kustom.NewKey{}, ErrNoDescriptions
	}
	k.steps.record(ctx, StepGenerate, r.MerchantID, "", Started, nil)
	key, err = k.generate(ctx, r)
	k.steps.record(ctx, StepGenerate, r.MerchantID, key.Username, outcomeOf(err), err)
	return key, err
}

func (k *Keys) generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error) {
	key, err := k.portalCalls.Generate(ctx, r)
	if err != nil {
		return kustom.NewKey{}, err
	}
	if err := checkNewKey(key, r); err != nil {
		return kustom.NewKey{}, k.discard(ctx, key, r, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generated[key.MerchantID] = append(k.generated[key.MerchantID], key.Key)
	k.add(key.Key)
	return key, nil
}

// discard deletes a key that can't be used, even if ctx has ended.
func (k *Keys) discard(ctx context.Context, key kustom.NewKey, r kustom.Request, cause error) error {
	ctx, cancel := clock.Detach(ctx, k.clock, k.cleanupTime())
	defer cancel()
	cause = fmt.Errorf("generate an API key for store %s: %w", r.MerchantID, cause)
	o := kustom.Orphan{MerchantID: r.MerchantID, CredentialID: key.CredentialID, Description: r.Description, IdempotencyKey: r.IdempotencyKey}
	if k.isListed(r.MerchantID, key.CredentialID) {
		// The answer names an older key, so it does not tell the new one's ID.
		o.CredentialID = ""
		return &kustom.OrphanError{Orphan: o, Cause: cause, Cleanup: errKeyUnidentified}
	}
	if err := k.Delete(ctx, o); err != nil {
		return &kustom.OrphanError{Orphan: o, Cause: cause, Cleanup: err}
	}
	return cause
}

// errKeyUnidentified means that an answer does not name the new key.
var errKeyUnidentified = errors.New("the answer does not say which key was generated")

// isListed reports whether a cached list has a key.
func (k *Keys) isListed(merchantID, credentialID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, listed := find(k.stores[merchantID].keys, credentialID)
	return listed
}

// noteDeleted records that this run deleted a key.
func (k *Keys) noteDeleted(orphan kustom.Orphan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deletedKeys[orphan.MerchantID] = append(k.deletedKeys[orphan.MerchantID], orphan)
	k.deletedUsernames[orphan.Username] = true
	k.remove(orphan)
	k.markStale(orphan.MerchantID)
}

// hasDeleted reports whether this run deleted the key with a username.
func (k *Keys) hasDeleted(username string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.deletedUsernames[username]
}

// Warnings returns the warnings that are about one of the shops or about none, each once.
func (k *Keys) Warnings(shops ...string) []Warning {
	k.mu.Lock()
	defer k.mu.Unlock()
	var mine, others []Warning
	for _, w := range k.warnings {
		if w.Shop == "" || slices.Contains(shops, w.Shop) {
			mine = append(mine, w)
		} else {
			others = append(others, w)
		}
	}
	k.warnings = others
	return mine
}

// Prefetch starts to list all keys if the caller will need the keys of more than a few stores. The listing ends
// with ctx. A failure is not reported: later callers list the keys themselves.
func (k *Keys) Prefetch(ctx context.Context, merchantIDs []string) {
	if k.startPrefetch(merchantIDs) {
		goSafely(func() { _ = k.listAll(ctx) })
	}
}

// startPrefetch reports whether all keys should be listed for these stores, and no prefetch has started before.
func (k *Keys) startPrefetch(merchantIDs []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	unlisted := map[string]bool{}
	for _, id := range merchantIDs {
		if _, ok := k.stores[id]; !ok {
			unlisted[id] = true
		}
	}
	if k.prefetching || k.complete || len(unlisted) <= k.maxSingleReads() {
		return false
	}
	k.prefetching = true
	return true
}

// add adds a key to its store's list, unless the store has no list or the list has the key. The caller holds k.mu.
func (k *Keys) add(key kustom.Key) {
	listed, ok := k.stores[key.MerchantID]
	if _, known := find(listed.keys, key.CredentialID); (ok || k.complete) && !known {
		listed.keys = append(slices.Clip(listed.keys), key)
		k.set(key.MerchantID, listed)
	}
}

// remove removes a key from its store's list, if there is one. The caller holds k.mu.
func (k *Keys) remove(orphan kustom.Orphan) {
	if listed, ok := k.stores[orphan.MerchantID]; ok {
		same := func(o kustom.Key) bool { return o.CredentialID == orphan.CredentialID }
		listed.keys = slices.DeleteFunc(slices.Clone(listed.keys), same)
		k.set(orphan.MerchantID, listed)
	}
}

// set sets a store's list. The caller holds k.mu.
func (k *Keys) set(merchantID string, list storeList) {
	k.listed += len(list.keys) - len(k.stores[merchantID].keys)
	k.stores[merchantID] = list
}

// list returns the listed keys of a store, or of all. It returns none if the request is among the first few, which
// are read one by one.
func (k *Keys) list(ctx context.Context, merchantID, what string) ([]kustom.Key, error) {
	if listed, few := k.cached(merchantID, what); few {
		return listed, nil
	}
	if err := k.listAll(ctx); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if merchantID != "" || !k.complete {
		return k.stores[merchantID].keys, nil
	}
	var all []kustom.Key
	for _, listed := range k.stores {
		all = append(all, listed.keys...)
	}
	return all, nil
}

// cached returns the cached list of a store, and whether the request can do without a listing of all keys.
func (k *Keys) cached(merchantID, what string) (listed []kustom.Key, few bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if merchantID == "" || k.complete {
		return nil, false
	}
	if listed, ok := k.stores[merchantID]; ok {
		return listed.keys, true
	}
	if len(k.singleReads) < k.maxSingleReads() && !k.prefetching {
		k.singleReads[what] = true
	}
	return nil, k.singleReads[what]
}

// maxSingleReads returns how many keys or stores are read one by one before all are listed.
func (k *Keys) maxSingleReads() int {
	if k.listsByStore() {
		return listThresholdByStore
	}
	return listThreshold
}

// read lists the keys of one store into the cache.
func (k *Keys) read(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	at, number := k.begin()
	keys, err := k.readRaw(ctx, merchantID)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(merchantID, storeList{keys: keys, raw: keys, at: at, sequence: number})
	k.applyLocalChanges(merchantID)
	return k.stores[merchantID].keys, nil
}

// readRaw lists the keys of a store, or of all, and drops those that [checkKey] refuses.
func (k *Keys) readRaw(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	var keys []kustom.Key
	for key, err := range k.portalCalls.Keys(ctx, merchantID) {
		if err != nil {
			return nil, err
		}
		if err := checkKey(key, merchantID); err != nil {
			k.warn(Warning{
				Summary: AnswerIgnored,
				Detail: fmt.Sprintf("Kustom Portal listed a key that the provider ignores: %v. The provider neither "+
					"shows nor deletes it.",
					err),
			})
			continue
		}
		keys = append(keys, redactKey(key))
	}
	return keys, nil
}

func (k *Keys) warn(w Warning) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.warnings, w) {
		k.warnings = append(k.warnings, w)
	}
}

// applyLocalChanges applies this run's own changes to a store's list. The caller holds k.mu.
func (k *Keys) applyLocalChanges(merchantID string) {
	for _, key := range k.generated[merchantID] {
		k.add(key)
	}
	for _, orphan := range k.deletedKeys[merchantID] {
		k.remove(orphan)
	}
}

// listAll lists all keys, unless that has been done. The next call retries after a failure.
func (k *Keys) listAll(ctx context.Context) error {
	if err := k.listing.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("list API keys: %w", err)
	}
	defer k.listing.Release(1)
	k.mu.Lock()
	done := k.complete || k.tooMany
	k.mu.Unlock()
	if done {
		return nil
	}
	at, number := k.begin()
	keys, err := k.readRaw(ctx, "")
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(keys) > maxCachedKeys {
		k.tooMany = true
		return nil
	}
	k.stores, k.listed, k.complete, k.listedAt = grouped(keys, at, number), len(keys), true, at
	for id := range k.generated {
		k.applyLocalChanges(id)
	}
	for id := range k.deletedKeys {
		k.applyLocalChanges(id)
	}
	return nil
}

// grouped returns a listing of all keys by store.
func grouped(keys []kustom.Key, at time.Time, number int) map[string]storeList {
	stores := map[string]storeList{}
	for _, key := range keys {
		listed := stores[key.MerchantID]
		listed.keys, listed.at, listed.sequence = append(listed.keys, key), at, number
		listed.raw = listed.keys
		stores[key.MerchantID] = listed
	}
	return stores
}

// hasListed reports whether this run has listed a store's keys.
func (k *Keys) hasListed(merchantID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.stores[merchantID]
	return ok
}

// invalidate makes the next [Keys.Fresh] list the store again, because its keys have changed.
func (k *Keys) invalidate(merchantID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.markStale(merchantID)
}

// markStale is invalidate for callers that hold k.mu.
func (k *Keys) markStale(merchantID string) {
	k.sequence++
	k.stale[merchantID] = k.sequence
}

// begin returns the time and the number of a listing that begins now.
func (k *Keys) begin() (time.Time, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sequence++
	return k.clock.Now(), k.sequence
}

// Of returns the keys of the given stores, or of all if none is given. It returns a [*StoreNotFoundError] for a
// store that the user can't see.
func (k *Keys) Of(ctx context.Context, merchantIDs []string) ([]kustom.Key, error) {
	var all []kustom.Key
	if len(merchantIDs) == 0 {
		merchantIDs = []string{""}
	}
	k.Prefetch(ctx, merchantIDs)
	for _, id := range merchantIDs {
		for key, err := range k.Keys(ctx, id) {
			if err != nil {
				return nil, err
			}
			all = append(all, key)
		}
	}
	return all, nil
}

// Stream yields the keys of the given stores, or of all, while the portal lists them. It requests no page after the
// caller stops. It ends at the first error, such as a [*StoreNotFoundError] for a store that the user can't see.
func (k *Keys) Stream(ctx context.Context, merchantIDs []string) iter.Seq2[kustom.Key, error] {
	queries, empty := merchantIDs, map[string]bool{}
	if len(queries) == 0 || len(queries) > listThreshold {
		// A list of all keys takes fewer requests (I7).
		queries = []string{""}
	}
	for _, id := range merchantIDs {
		empty[id] = true
	}
	wanted := maps.Clone(empty)
	return func(yield func(kustom.Key, error) bool) {
		for _, query := range queries {
			for key, err := range k.portalCalls.Keys(ctx, query) {
				if err == nil && (checkKey(key, query) != nil || len(wanted) > 0 && !wanted[key.MerchantID]) {
					continue
				}
				delete(empty, key.MerchantID)
				if !yield(redactKey(key), err) || err != nil {
					return
				}
			}
		}
		for _, id := range slices.Sorted(maps.Keys(empty)) {
			if err := k.checkStore(ctx, id); err != nil {
				yield(kustom.Key{}, err)
				return
			}
		}
	}
}
