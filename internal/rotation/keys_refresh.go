package rotation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Fresh returns the store's keys from a listing that began after the call or at most [FreshFor] before it. It
// includes keys that this run deleted and the portal still lists. Concurrent callers share a listing of all stores
// if that takes few requests. Otherwise each store is listed by itself.
func (k *Keys) Fresh(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	k.mu.Lock()
	listed, ok := k.stores[merchantID]
	if age := k.clock.Now().Sub(listed.at); ok && age < FreshFor && listed.sequence > k.stale[merchantID] {
		if listed.sequence == k.shared && age > FreshFor/2 {
			// A listing of all stores takes long, so the next one begins before it is needed.
			k.shareAll(ctx)
		}
		k.mu.Unlock()
		return listed.raw, nil
	}
	r := k.refresh(ctx, merchantID)
	k.mu.Unlock()
	return r.await(ctx, merchantID)
}

// latest returns the store's keys as [Keys.Fresh] does, but from any listing that began after this run's last
// change of them, however old.
func (k *Keys) latest(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	k.mu.Lock()
	listed, ok := k.stores[merchantID]
	current := ok && listed.sequence > k.stale[merchantID]
	k.mu.Unlock()
	if current {
		return listed.raw, nil
	}
	return k.Fresh(ctx, merchantID)
}

// refreshStores lists stores whose keys have changed, in one listing of all if that takes fewer requests. A failure
// is not reported: later callers list the store themselves.
func (k *Keys) refreshStores(ctx context.Context, merchantIDs []string) {
	if len(merchantIDs) == 0 {
		return
	}
	k.mu.Lock()
	r := k.join(ctx, merchantIDs...)
	k.mu.Unlock()
	_, _ = r.await(ctx, "")
}

// countSingle counts a refresh of one store. Many of them within [FreshFor] cost more than a listing of all stores,
// so it starts one. The caller holds k.mu.
func (k *Keys) countSingle(ctx context.Context) {
	if now := k.clock.Now(); now.Sub(k.singlesFrom) > FreshFor {
		k.singles, k.singlesFrom = 0, now
	}
	if k.singles++; k.singles >= ConcurrentReads {
		k.singles = 0
		k.shareAll(ctx)
	}
}

// shareAll starts a listing of all stores for later callers, unless several stores are being listed. The caller
// holds k.mu.
func (k *Keys) shareAll(ctx context.Context) {
	if k.running == nil {
		k.next = &refresh{stores: map[string]bool{}, done: make(chan struct{}), all: true}
		k.join(ctx)
	}
}

// refresh is a listing that several callers wait for.
type refresh struct {
	stores map[string]bool
	done   chan struct{}
	// all reports that all stores are listed, and not only those in stores.
	all bool
	// at is when the listing of one store began, and sequence its number among all listings and invalidations.
	at       time.Time
	sequence int
	// keys and err are set before done is closed.
	keys map[string][]kustom.Key
	err  error
}

// await waits for the listing or the end of ctx, and returns the store's keys.
func (r *refresh) await(ctx context.Context, merchantID string) ([]kustom.Key, error) {
	select {
	case <-r.done:
		return r.keys[merchantID], r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("list the API keys of store %s: %w", merchantID, ctx.Err())
	}
}

// refresh returns a listing of the store that begins now or has just begun. The caller holds k.mu.
func (k *Keys) refresh(ctx context.Context, merchantID string) *refresh {
	if k.complete && k.pages() <= maxSharedRequests || len(k.single) >= ConcurrentReads {
		return k.join(ctx, merchantID)
	}
	r, ok := k.single[merchantID]
	if ok && r.sequence > k.stale[merchantID] && k.clock.Now().Sub(r.at) < FreshFor {
		return r
	}
	k.countSingle(ctx)
	k.sequence++
	r = &refresh{stores: map[string]bool{merchantID: true}, done: make(chan struct{}), at: k.clock.Now(), sequence: k.sequence}
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

// join adds stores to the next refresh. The caller holds k.mu.
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

// refreshAll runs refreshes until no caller waits for one.
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
		r.keys = k.remember(r.stores, grouped(slices.Concat(listed...), at, number), storeList{at: at, sequence: number})
	}
}

func (k *Keys) setShared(number int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shared = number
}

// pages returns how many requests a listing of all stores takes. It returns many if that is unknown. The caller
// holds k.mu.
func (k *Keys) pages() int {
	if !k.complete || k.listsByStore() {
		return max(ConcurrentReads, len(k.stores))
	}
	return k.listed/keysPerPage + 1
}

// remember caches a listing. It returns what the portal lists of the given stores. A store that is missing from the
// listing has no keys; none is its list.
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
	for id, list := range listed {
		k.set(id, list)
		k.applyLocalChanges(id)
	}
	return raw
}
