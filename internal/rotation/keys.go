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

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Keys caches, for one Terraform walk over a configuration, the keys of the account (I7). The first few keys
// and stores are read one by one, so that a small configuration does not list a large account. When more are
// needed, all keys are listed once, in pages, for everybody. Keys knows what is generated and deleted through
// it. It drops what a portal answers about another store than the one it was asked for. It is safe for
// concurrent use.
type Keys struct {
	portalCalls
	clock clock.Clock
	steps *steps

	// turn is held by the goroutine that lists all keys; the others wait for its list.
	turn chan struct{}

	mu    sync.Mutex
	asked map[string]bool
	// prefetching says that more will be asked for than is read one by one.
	prefetching bool
	// stores holds what has been listed of each store, by merchant ID.
	stores map[string]storeList
	// complete says that all stores have been listed, at listedAt.
	complete bool
	listedAt time.Time
	// tooMany says that the account has more keys than are cached.
	tooMany bool
	// made and gone are what this walk itself has generated and deleted. A list that was read meanwhile is
	// corrected by them.
	made []kustom.Key
	gone []kustom.Orphan
	// visible are the stores that the user can see; nil until they are listed.
	visible  map[string]kustom.Store
	warnings []Warning
	// number counts listings and invalidations, and stale has the number of each store's last invalidation.
	number int
	stale  map[string]int
	// running and next are the refreshes of store lists under way and about to begin, and single those of one store
	// each, by merchant ID.
	running, next *refresh
	single        map[string]*refresh
	// singles counts the listings of single stores since singlesFrom, and shared is the number of the last listing of all.
	singles     int
	singlesFrom time.Time
	shared      int
}

// storeList is what one listing has of a store's keys.
type storeList struct {
	// keys is what is listed, corrected by what this walk has done, and raw what the portal has listed.
	keys, raw []kustom.Key
	// at is when the listing began, and number its place among all listings and invalidations.
	at     time.Time
	number int
}

const (
	// listThreshold is how many keys or stores are read one by one before all are listed.
	listThreshold = 3
	// maxCachedKeys bounds how many keys are cached; at a few hundred bytes each, some ten megabytes.
	maxCachedKeys = 50_000
	// keysPerPage is how many keys the portal lists in one answer.
	keysPerPage = 100
	// fewRequests is how many requests a listing of all stores may take for several callers to share it. One that takes
	// more would hold each of them up for longer than a request for its own store.
	fewRequests = 3
	// refreshTimeout bounds a refresh, which serves everybody who waits for it.
	refreshTimeout = 2 * time.Minute
)

// NewKeys returns an empty cache of the portal's keys.
func NewKeys(portal Portal, c clock.Clock) *Keys {
	return &Keys{
		portalCalls: portalCalls{portal}, clock: c, turn: make(chan struct{}, 1),
		asked: map[string]bool{}, stores: map[string]storeList{}, stale: map[string]int{},
		single: map[string]*refresh{},
	}
}

// Key returns a key, or a [*kustom.NoKeyError] when there is none. A key missing from the list is fetched by
// itself, and looked for again after [PropagationDelay], before it counts as deleted. In the walk that
// generated it, a key never does: the error is then a [*NotListedError].
func (k *Keys) Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	listed, err := k.list(ctx, merchantID, merchantID+"/"+credentialID)
	if err != nil {
		return kustom.Key{}, err
	}
	if key, ok := find(listed, credentialID); ok {
		return key, nil
	}
	looked := k.lookedAt(merchantID)
	key, err := k.fetch(ctx, merchantID, credentialID)
	if !isNoKey(err) {
		return key, err
	}
	return k.lookAgain(ctx, merchantID, credentialID, looked)
}

// fetch reads one key from the portal.
func (k *Keys) fetch(ctx context.Context, merchantID, credentialID string) (kustom.Key, error) {
	key, err := k.portalCalls.Key(ctx, merchantID, credentialID)
	if err != nil {
		return kustom.Key{}, err
	}
	if err := checkKey(key, merchantID); err != nil {
		return kustom.Key{}, fmt.Errorf("reading API key %s of store %s: %w", credentialID, merchantID, err)
	}
	return withoutSecrets(key), nil
}

// lookAgain looks for a key that was missing at the given time once more, later than the portal's lag.
func (k *Keys) lookAgain(ctx context.Context, merchantID, credentialID string, missing time.Time) (kustom.Key, error) {
	if k.Made(credentialID) {
		return kustom.Key{}, &NotListedError{MerchantID: merchantID, CredentialID: credentialID}
	}
	if err := sleepUntil(ctx, k.clock, missing.Add(PropagationDelay)); err != nil {
		return kustom.Key{}, fmt.Errorf("looking again for API key %s of store %s: %w", credentialID, merchantID, err)
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

// lookedAt returns when the store's keys were last listed, or the present time.
func (k *Keys) lookedAt(merchantID string) time.Time {
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

// Keys yields the keys of one store or, if merchantID is empty, of all stores that the user can see. It ends
// with the first error. For a store without keys that the user can't see, it is a [*StoreNotFoundError].
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

// checkStore makes sure that the user can see a store: that nothing is listed of it proves nothing.
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

// Store returns what the portal tells of a store, as far as the user can see it.
func (k *Keys) Store(ctx context.Context, merchantID string) (kustom.Store, bool) {
	stores, err := k.visibleStores(ctx)
	store, ok := stores[merchantID]
	return store, ok && err == nil
}

// visibleStores lists the stores once.
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

// Generate generates a key; see [kustom.Portal.Generate]. An answer that does not fit the request is an
// orphan, not a key.
func (k *Keys) Generate(ctx context.Context, r kustom.Request) (key kustom.NewKey, err error) {
	defer func() {
		if panicked := (*PanicError)(nil); errors.As(err, &panicked) && key.CredentialID != "" {
			err = &kustom.OrphanError{Orphan: refOf(key.Key).Orphan(), Cause: panicked}
			key = kustom.NewKey{}
		}
	}()
	defer recoverInto(&err)
	if r.Description != "" && !k.DescribesKeys() {
		return kustom.NewKey{}, ErrUndescribed
	}
	k.steps.note(ctx, StepGenerate, r.MerchantID, "", Started, nil)
	key, err = k.generate(ctx, r)
	k.steps.note(ctx, StepGenerate, r.MerchantID, key.Username, outcomeOf(err), err)
	return key, err
}

func (k *Keys) generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error) {
	key, err := k.portalCalls.Generate(ctx, r)
	if err != nil {
		return kustom.NewKey{}, err
	}
	if err := checkNewKey(key, r); err != nil {
		return kustom.NewKey{}, k.abandon(ctx, key, r, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.made = append(k.made, key.Key)
	k.add(key.Key)
	return key, nil
}

// abandon deletes a key that can't be used, although ctx may be done.
func (k *Keys) abandon(ctx context.Context, key kustom.NewKey, r kustom.Request, cause error) error {
	ctx, cancel := clock.Detach(ctx, k.clock, undoTimeout)
	defer cancel()
	cause = fmt.Errorf("generating an API key for store %s: %w", r.MerchantID, cause)
	o := kustom.Orphan{MerchantID: r.MerchantID, CredentialID: key.CredentialID, Description: r.Description, IdempotencyKey: r.IdempotencyKey}
	if k.isListed(r.MerchantID, key.CredentialID) {
		// The answer names a key that was there before: it is not the one that was made.
		o.CredentialID = ""
		return &kustom.OrphanError{Orphan: o, Cause: cause, Cleanup: errUnnamed}
	}
	if err := k.Delete(ctx, o); err != nil {
		return &kustom.OrphanError{Orphan: o, Cause: cause, Cleanup: err}
	}
	return cause
}

// errUnnamed says that an answer does not tell which key it is about.
var errUnnamed = errors.New("the answer does not tell which key was made")

// isListed tells whether a cached list has a key.
func (k *Keys) isListed(merchantID, credentialID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, listed := find(k.stores[merchantID].keys, credentialID)
	return listed
}

// deleted notes that a key is gone.
func (k *Keys) deleted(orphan kustom.Orphan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = append(k.gone, orphan)
	k.remove(orphan)
	k.outdate(orphan.MerchantID)
}

// hasDeleted tells whether this walk has deleted the key with a username.
func (k *Keys) hasDeleted(username string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.gone, func(o kustom.Orphan) bool { return o.Username == username })
}

// Warnings returns what the portal's answers had to be warned of since the last call.
func (k *Keys) Warnings() []Warning {
	k.mu.Lock()
	defer k.mu.Unlock()
	warnings := k.warnings
	k.warnings = nil
	return warnings
}

// Prefetch says that the keys of these stores are going to be asked for. Where they are more than a few, all
// keys are listed meanwhile, for as long as ctx allows. A failure is left to those who ask.
func (k *Keys) Prefetch(ctx context.Context, merchantIDs []string) {
	if k.startPrefetch(merchantIDs) {
		goSafely(func() { _ = k.listAll(ctx) })
	}
}

// startPrefetch notes what is going to be asked for, and returns whether that is new and needs a list.
func (k *Keys) startPrefetch(merchantIDs []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	unlisted := map[string]bool{}
	for _, id := range merchantIDs {
		if _, ok := k.stores[id]; !ok {
			unlisted[id] = true
		}
	}
	if k.prefetching || k.complete || len(unlisted) <= listThreshold {
		return false
	}
	k.prefetching = true
	return true
}

// add adds a key to its store's list, if there is one and the key is not in it. The caller holds k.mu.
func (k *Keys) add(key kustom.Key) {
	listed, ok := k.stores[key.MerchantID]
	if _, known := find(listed.keys, key.CredentialID); (ok || k.complete) && !known {
		listed.keys = append(slices.Clip(listed.keys), key)
		k.stores[key.MerchantID] = listed
	}
}

// remove removes a key from its store's list, if there is one. The caller holds k.mu.
func (k *Keys) remove(orphan kustom.Orphan) {
	if listed, ok := k.stores[orphan.MerchantID]; ok {
		same := func(o kustom.Key) bool { return o.CredentialID == orphan.CredentialID }
		listed.keys = slices.DeleteFunc(slices.Clone(listed.keys), same)
		k.stores[orphan.MerchantID] = listed
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
		return k.stores[merchantID].keys, nil
	}
	var all []kustom.Key
	for _, listed := range k.stores {
		all = append(all, listed.keys...)
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
		return listed.keys, true
	}
	if len(k.asked) < listThreshold && !k.prefetching {
		k.asked[what] = true
	}
	return nil, k.asked[what]
}

// read reads and remembers the keys of one store.
func (k *Keys) read(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	at, number := k.begin()
	keys, err := k.readRaw(ctx, merchantID)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stores[merchantID] = storeList{keys: keys, raw: keys, at: at, number: number}
	k.applyLocalChanges()
	return k.stores[merchantID].keys, nil
}

// readRaw reads the keys of one store, or of all, and drops what is not about it.
func (k *Keys) readRaw(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	var keys []kustom.Key
	for key, err := range k.portalCalls.Keys(ctx, merchantID) {
		if err != nil {
			return nil, err
		}
		if err := checkKey(key, merchantID); err != nil {
			k.warn(Warning{
				Summary: AnswerIgnored,
				Detail: fmt.Sprintf("Kustom Portal listed a key that the provider does not use: %v. The provider neither shows nor deletes it.",
					err),
			})
			continue
		}
		keys = append(keys, withoutSecrets(key))
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

// applyLocalChanges brings lists up to date with what this walk has done. The caller holds k.mu.
func (k *Keys) applyLocalChanges() {
	for _, key := range k.made {
		k.add(key)
	}
	for _, orphan := range k.gone {
		k.remove(orphan)
	}
}

// listAll lists all keys, unless they have been listed. A failure is not remembered.
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
	k.stores, k.complete, k.listedAt = grouped(keys, at, number), true, at
	k.applyLocalChanges()
	return nil
}

// grouped returns a listing of all keys by store.
func grouped(keys []kustom.Key, at time.Time, number int) map[string]storeList {
	stores := map[string]storeList{}
	for _, key := range keys {
		listed := stores[key.MerchantID]
		listed.keys, listed.at, listed.number = append(listed.keys, key), at, number
		listed.raw = listed.keys
		stores[key.MerchantID] = listed
	}
	return stores
}

// Fresh returns the store's keys by a listing that began after the call, or by one of the last [FreshFor]. What this
// walk has deleted is in it as long as the portal lists it. Callers that wait at the same time share a listing of all
// stores where that takes few requests. Where it takes many, each store is listed by itself, and all meanwhile, if many
// stores are asked for.
func (k *Keys) Fresh(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	k.mu.Lock()
	listed, ok := k.stores[merchantID]
	if age := k.clock.Now().Sub(listed.at); ok && age < FreshFor && listed.number > k.stale[merchantID] {
		if listed.number == k.shared && age > FreshFor/2 {
			// A listing of all takes long: the next one begins before somebody waits for it.
			k.shareAll(ctx)
		}
		k.mu.Unlock()
		return listed.raw, nil
	}
	r := k.refresh(ctx, merchantID)
	k.mu.Unlock()
	return r.await(ctx, merchantID)
}

// hasListed tells whether this walk has listed a store's keys.
func (k *Keys) hasListed(merchantID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.stores[merchantID]
	return ok
}

// latest returns the store's keys as [Keys.Fresh] does, by any listing that began after this walk's last change of
// them, however old.
func (k *Keys) latest(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	k.mu.Lock()
	listed, ok := k.stores[merchantID]
	current := ok && listed.number > k.stale[merchantID]
	k.mu.Unlock()
	if current {
		return listed.raw, nil
	}
	return k.Fresh(ctx, merchantID)
}

// refreshStores lists stores that have changed, all by one listing where that takes fewer requests than one for each. A
// failure is left to those who ask for a store.
func (k *Keys) refreshStores(ctx context.Context, merchantIDs []string) {
	if len(merchantIDs) == 0 {
		return
	}
	k.mu.Lock()
	r := k.join(ctx, merchantIDs...)
	k.mu.Unlock()
	_, _ = r.await(ctx, "")
}

// invalidate makes the next [Keys.Fresh] of a store read it: what it tells has changed.
func (k *Keys) invalidate(merchantID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.outdate(merchantID)
}

// outdate is invalidate. The caller holds k.mu.
func (k *Keys) outdate(merchantID string) {
	k.number++
	k.stale[merchantID] = k.number
}

// begin returns the time and number of a listing that begins now.
func (k *Keys) begin() (time.Time, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.number++
	return k.clock.Now(), k.number
}

// countSingle counts a listing of one store. Many of them within the time that a listing counts as fresh cost more than a
// listing of all, which begins then. The caller holds k.mu.
func (k *Keys) countSingle(ctx context.Context) {
	if now := k.clock.Now(); now.Sub(k.singlesFrom) > FreshFor {
		k.singles, k.singlesFrom = 0, now
	}
	if k.singles++; k.singles >= ConcurrentReads {
		k.singles = 0
		k.shareAll(ctx)
	}
}

// shareAll lists all stores, for whoever asks for one later, unless several are being listed. The caller holds k.mu.
func (k *Keys) shareAll(ctx context.Context) {
	if k.running == nil {
		k.next = &refresh{stores: map[string]bool{}, done: make(chan struct{}), all: true}
		k.join(ctx)
	}
}

// refresh is one listing that several callers wait for.
type refresh struct {
	stores map[string]bool
	done   chan struct{}
	// all says that all stores are listed, however few are asked for.
	all bool
	// at is when the listing of one store began, and number its place among all listings and invalidations.
	at     time.Time
	number int
	// keys and err are set when done is closed.
	keys map[string][]kustom.Key
	err  error
}

// await waits for a listing, and returns what it has of a store.
func (r *refresh) await(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	select {
	case <-r.done:
		return r.keys[merchantID], r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("listing the API keys of store %s: %w", merchantID, ctx.Err())
	}
}

// refresh returns a listing of the store that begins now. The caller holds k.mu.
func (k *Keys) refresh(ctx context.Context, merchantID string) *refresh {
	if k.complete && k.pages() <= fewRequests || len(k.single) >= ConcurrentReads {
		return k.join(ctx, merchantID)
	}
	r, ok := k.single[merchantID]
	if ok && r.number > k.stale[merchantID] && k.clock.Now().Sub(r.at) < FreshFor {
		return r
	}
	k.countSingle(ctx)
	k.number++
	r = &refresh{stores: map[string]bool{merchantID: true}, done: make(chan struct{}), at: k.clock.Now(), number: k.number}
	k.single[merchantID] = r
	detached := context.WithoutCancel(ctx)
	goSafely(func() {
		k.run(detached, r)
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.single[merchantID] == r {
			delete(k.single, merchantID)
		}
	})
	return r
}

// join adds stores to the refresh that begins next. The caller holds k.mu.
func (k *Keys) join(ctx context.Context, merchantIDs ...string) *refresh {
	if k.next == nil {
		k.next = &refresh{stores: map[string]bool{}, done: make(chan struct{})}
	}
	for _, id := range merchantIDs {
		k.next.stores[id] = true
	}
	r := k.next
	if k.running == nil {
		k.running, k.next = r, nil
		detached := context.WithoutCancel(ctx)
		goSafely(func() { k.refreshAll(detached) })
	}
	return r
}

// refreshAll runs refreshes until nobody waits for one.
func (k *Keys) refreshAll(ctx context.Context) {
	for {
		k.mu.Lock()
		r := k.running
		k.mu.Unlock()
		k.run(ctx, r)
		k.mu.Lock()
		k.running, k.next = k.next, nil
		more := k.running != nil
		k.mu.Unlock()
		if !more {
			return
		}
	}
}

func (k *Keys) run(ctx context.Context, r *refresh) {
	defer close(r.done)
	defer recoverInto(&r.err)
	ctx, cancel := clock.Detach(ctx, k.clock, refreshTimeout)
	defer cancel()
	at, number := k.begin()
	r.keys = map[string][]kustom.Key{}
	queries := slices.Sorted(maps.Keys(r.stores))
	k.mu.Lock()
	pages := k.pages()
	k.mu.Unlock()
	if r.all || len(queries) > pages {
		queries = []string{""}
	}
	listed := make([][]kustom.Key, len(queries))
	r.err = forEach(ctx, ConcurrentReads, len(queries), func(ctx context.Context, i int) (err error) {
		listed[i], err = k.readRaw(ctx, queries[i])
		return err
	})
	if r.err == nil {
		if queries[0] == "" {
			k.setShared(number)
		}
		r.keys = k.remember(r.stores, grouped(slices.Concat(listed...), at, number), storeList{at: at, number: number})
	}
}

func (k *Keys) setShared(number int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shared = number
}

// pages returns how many requests a listing of all stores takes, as far as is known: many where it is not. The caller
// holds k.mu.
func (k *Keys) pages() int {
	if !k.complete || k.listsByStore() {
		return max(ConcurrentReads, len(k.stores))
	}
	n := 0
	for _, listed := range k.stores {
		n += len(listed.keys)
	}
	return n/keysPerPage + 1
}

// remember takes over a fresh listing of the given stores, and of others that it has; none is what stands for a store
// without keys. It returns what the portal lists of the given stores.
func (k *Keys) remember(stores map[string]bool, listed map[string]storeList, none storeList) map[string][]kustom.Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw := map[string][]kustom.Key{}
	for id := range stores {
		if _, ok := listed[id]; !ok {
			listed[id] = none
		}
		raw[id] = listed[id].raw
	}
	maps.Copy(k.stores, listed)
	k.applyLocalChanges()
	return raw
}

// Of returns the keys of the given stores, or of all that the user can see. Each of the given stores must be one
// that the user can see: otherwise the error is a [*StoreNotFoundError].
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

// Stream yields the keys of the given stores, or of all, as the portal lists them, page by page: what comes after
// the caller stops is never asked for. It ends with the first error, which for a store that the user can't see is a
// [*StoreNotFoundError].
func (k *Keys) Stream(ctx context.Context, merchantIDs []string) iter.Seq2[kustom.Key, error] {
	queries, empty := merchantIDs, map[string]bool{}
	if len(queries) == 0 || len(queries) > listThreshold {
		// Reading all keys in pages takes fewer requests (I7).
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
				if !yield(withoutSecrets(key), err) || err != nil {
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
