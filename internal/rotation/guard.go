package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// This file decides whether a key is unused: at least one shop could be asked, every shop that may use the key has just
// answered, and none uses it. The files delete.go and exclusive.go decide the rest: the key's age and last use.

const (
	// pollInterval is the wait between two looks at what this run has written.
	pollInterval = time.Second
	// rereadInterval is the wait between two reads of a shop that somebody else may be changing.
	rereadInterval = 5 * time.Second
	// failureTTL is how long an unreadable shop is not read again for another key.
	failureTTL = time.Minute
)

// CheckUnused returns nil if no shop uses a key, a [*KeyInUseError] if one does, and a [*KeyUsageUnknownError] if
// that is unknown. The shops must have been read after notBefore; zero accepts a read within [FreshFor].
func (s *Shops) CheckUnused(ctx context.Context, key kustom.Orphan, notBefore time.Time) error {
	shops, err := s.shopsToAsk(key)
	if err != nil {
		return &KeyUsageUnknownError{Username: key.Username, Cause: err}
	}
	if err := s.readRelevant(ctx, shops, key, notBefore); err != nil {
		return fmt.Errorf("find the shops that hold %s: %w", key.Username, err)
	}
	return s.checkUse(shops, key)
}

// CanAsk reports whether there is a shop to ask before a key is deleted, as far as is known.
func (s *Shops) CanAsk(key KeyRef) bool {
	shops, err := s.shopsToAsk(key.Orphan())
	return err != nil || len(shops) > 0
}

// Blocked returns the keys that an apply would keep, as far as this run knows, and the unreadable shops that
// may use them. If it returns keys and no shop, there is no shop to ask. It reads no shop: a read at plan would
// be stale at apply.
func (s *Shops) Blocked(keys []KeyRef) (blocked []KeyRef, by []string) {
	for _, key := range keys {
		shops, err := s.shopsToAsk(key.Orphan())
		if err != nil {
			continue
		}
		dead := s.unreadableUsers(shops, key.Orphan())
		if len(dead) > 0 || len(shops) == 0 {
			blocked, by = append(blocked, key), append(by, dead...)
		}
	}
	slices.Sort(by)
	return blocked, slices.Compact(by)
}

// Blocked returns the result of [Shops.Blocked] for the keys that a plan deletes at once.
func (e *Engine) Blocked(p Plan) (blocked []KeyRef, by []string) {
	return e.Shops.Blocked(slices.DeleteFunc(slices.Clone(p.Delete), func(key KeyRef) bool { return key.WaitsFor != "" }))
}

// unreadableUsers returns the unreadable shops that may use a key. It leaves out a shop whose page hides its key,
// because the apply may be about to give that shop a key.
func (s *Shops) unreadableUsers(shops []*shop, key kustom.Orphan) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var dead []string
	for _, h := range shops {
		if h.isUnreadable() && h.mayUse(key) {
			dead = append(dead, h.name)
		}
	}
	return dead
}

// Holds reports whether a shop that this run has read holds a username.
func (s *Shops) Holds(username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.shops {
		if h.known && sameUsername(h.credentials.KustomID, username) {
			return true
		}
	}
	return false
}

// shopsToAsk returns the shops to ask before a key is deleted. The caller must not change the list.
func (s *Shops) shopsToAsk(key kustom.Orphan) ([]*shop, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	all := s.withNames(names)
	if len(s.ignored) == 0 && s.signedIn == nil {
		return all, nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(h *shop) bool { return s.ignored[h.name] || s.isSignedInToOther(h, key) }), nil
}

// withNames returns the shops with these names. It finds them once for all deletions, because each deletion asks
// about every shop.
func (s *Shops) withNames(names []string) []*shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(names, s.namedFor) {
		s.namedFor, s.named = slices.Clone(names), make([]*shop, len(names))
		for i, name := range names {
			s.named[i] = s.find(name)
		}
	}
	return s.named
}

// isSignedInToOther reports whether a shop can be left out of a question about a store. That holds if no setting
// names the shop, somebody only signed in to it on this machine, and it was last seen with a key of another
// store. Such a shop is not read, so its expired session blocks nothing.
func (s *Shops) isSignedInToOther(h *shop, key kustom.Orphan) bool {
	if s.signedIn == nil || !s.signedIn(h.name) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.known || h.expected != "" || len(h.stores) > 0 {
		return false
	}
	store, ok := storeIn(cmp.Or(h.lastUsername, s.cache.lastUsername(h.name)))
	return ok && !sameStore(store, key.MerchantID)
}

// readRelevant reads the shops that may use a key, unless they were just read. It ignores failures; the verdict
// considers them.
func (s *Shops) readRelevant(ctx context.Context, shops []*shop, key kustom.Orphan, notBefore time.Time) error {
	relevant := s.shopsToRead(shops, key, notBefore)
	return forEach(ctx, ConcurrentReads, len(relevant), func(ctx context.Context, i int) error {
		_, err := s.readUnless(ctx, relevant[i], func(h *shop) bool { return h.isFresh(notBefore) || h.failedRecently() })
		if isNotInstalled(err) {
			_, err = s.ConfirmedCredentials(ctx, relevant[i])
		}
		if err != nil && !isNotInstalled(err) {
			return ctx.Err()
		}
		return nil
	})
}

// shopsToRead returns the names of the shops that must be read before a key is deleted. It first leaves out those of
// other stores.
func (s *Shops) shopsToRead(shops []*shop, key kustom.Orphan, notBefore time.Time) []string {
	now := s.clock.Now()
	named, _ := storeIn(key.Username)
	s.mu.Lock()
	defer s.mu.Unlock()
	var stale []string
	for _, h := range shops {
		if !h.isOfOtherStores(key.MerchantID, named) && h.needsReading(key, now, notBefore) {
			stale = append(stale, h.name)
		}
	}
	return stale
}

// isOfOtherStores reports whether the shop certainly uses no key of a store, and none of the store named in the key's
// username. These two can differ. Each deletion asks this of every shop first, because it
// takes little time and holds for almost all. The caller holds shops.mu.
func (h *shop) isOfOtherStores(store, named string) bool {
	return h.known && h.expected == "" && h.lastStore != "" && h.lastUsername == h.credentials.KustomID &&
		!sameStore(h.lastStore, store) && !sameStore(h.lastStore, named) && !h.stores[store]
}

// needsReading reports whether the shop must be read before a key is deleted. The caller holds shops.mu.
func (h *shop) needsReading(key kustom.Orphan, now, notBefore time.Time) bool {
	if !h.known || h.missing != nil && !h.missingConfirmed {
		return true
	}
	isStale := now.Sub(h.readAt) >= FreshFor || h.readAt.Before(notBefore)
	return isStale && h.mayUse(key)
}

func (h *shop) failedRecently() bool {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	return h.failure != nil && h.shops.clock.Now().Sub(h.readAt) < failureTTL
}

// mayUse reports whether a shop may use a key: it holds or gets the key, it is configured for a key of that
// store, it was last seen with one, or nothing is known about it. The caller holds shops.mu.
func (h *shop) mayUse(key kustom.Orphan) bool {
	if h.storeMayChange && !h.known && h.lastUsername == "" {
		return true
	}
	if h.stores[key.MerchantID] || sameUsername(h.lastUsername, key.Username) || sameUsername(h.expected, key.Username) || h.expectsStore(key.MerchantID) {
		return true
	}
	switch {
	case h.lastStore != "":
		return sameStore(h.lastStore, key.MerchantID)
	case !h.known && h.lastUsername == "" && len(h.stores) == 0:
		return h.cachedStores.mayUse(key.MerchantID)
	case h.known || h.lastUsername == "":
		// Another run may give it a key of any store, unless its owner is known.
		return len(h.stores) == 0
	}
	return h.lastUsername != SecretAsID
}

// expectsStore reports whether the shop is getting a key of the store. The caller holds shops.mu.
func (h *shop) expectsStore(merchantID string) bool {
	store, ok := storeIn(h.expected)
	return ok && sameStore(store, merchantID)
}

// isBlocked reports whether an unreadable shop prevents a key's deletion, by what is known now.
func (s *Shops) isBlocked(key kustom.Orphan) bool {
	shops, err := s.shopsToAsk(key)
	return err != nil || isUsageUnknown(s.checkUse(shops, key))
}

// shows reports whether the shop was last seen with a username. The caller holds shops.mu.
func (h *shop) shows(username string) bool {
	return h.known && sameUsername(h.credentials.KustomID, username)
}

// sameUsername reports whether two usernames may be those of one key. A shop may show the ID in another case, or with the
// white space that somebody has pasted with it, and still take payments with the key. It compares as it goes, because each
// deletion compares the key with those of all shops.
func sameUsername(a, b string) bool {
	if b == "" {
		return false
	}
	for {
		a, b = trimForeign(a), trimForeign(b)
		if a == "" || b == "" {
			return a == b
		}
		if !strings.EqualFold(a[:1], b[:1]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// plainUsername returns a username without the characters that no username contains.
func plainUsername(username string) string {
	return strings.Map(func(r rune) rune {
		if isNeverInUsername(r) {
			return -1
		}
		return r
	}, username)
}

// isNeverInUsername reports whether no username contains r: white space, control characters, and all but ASCII.
func isNeverInUsername(r rune) bool { return r <= ' ' || r > '~' }

// trimForeign removes the leading bytes of characters that no username contains.
func trimForeign(username string) string {
	for username != "" && isNeverInUsername(rune(username[0])) {
		username = username[1:]
	}
	return username
}

// wasHeld reports whether the run has seen a shop with a key.
func (s *Shops) wasHeld(username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seenUsernames[username]
}

// mayBeStale reports whether a read of a shop that may use a key may be stale: this run has not written and seen
// the shop's key.
func (s *Shops) mayBeStale(key kustom.Orphan) bool {
	shops, err := s.shopsToAsk(key)
	if err != nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(shops, func(h *shop) bool {
		return !h.known || (!h.written || h.expected != "") && h.mayUse(key)
	})
}

// checkUse decides from what is known about the shops.
func (s *Shops) checkUse(shops []*shop, key kustom.Orphan) error {
	named, _ := storeIn(key.Username)
	s.mu.Lock()
	defer s.mu.Unlock()
	var holders, unreadable []string
	var cause error
	asked, unmanaged, lastHeld := 0, true, false
	for _, h := range shops {
		switch {
		case h.isOfOtherStores(key.MerchantID, named):
			asked++
		case h.shows(key.Username) || sameUsername(h.expected, key.Username):
			// A shop that does not show the key counts as a holder only as long as its reads may be stale.
			holders, unmanaged = append(holders, h.name), unmanaged && h.unmanaged && h.shows(key.Username)
		case h.known:
			asked++
		case h.usedUsername != "" && mystore.IsNotShown(h.failure):
			asked++
			if sameUsername(h.usedUsername, key.Username) {
				holders, unmanaged = append(holders, h.name), false
			}
		case h.mayUse(key):
			unreadable = append(unreadable, h.name)
			// A page that hides the ID shows neither that the shop has the key nor that it has another one by now.
			lastHeld = lastHeld || sameUsername(h.lastUsername, key.Username) && !mystore.IsNotShown(h.failure)
			if cause == nil {
				cause = h.failure
			}
		}
	}
	switch {
	case len(holders) > 0:
		return &KeyInUseError{Username: key.Username, Shops: holders, Unmanaged: unmanaged}
	case len(unreadable) > 0:
		return &KeyUsageUnknownError{Username: key.Username, Shops: unreadable, Cause: cause, LastHeld: lastHeld}
	case asked == 0:
		return &KeyUsageUnknownError{Username: key.Username}
	}
	return nil
}

// RetryUnreadable allows the unreadable shops to be read again.
func (s *Shops) RetryUnreadable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.shops {
		h.failure = nil
	}
}

// AwaitUnused waits, within the time of ctx, until no shop uses a key, and returns nil. Otherwise it returns
// the error of [Shops.CheckUnused].
//
// It waits because Terraform does not always order a key's deletion after the update of the shop that held it.
// A wait can itself block that update, because it takes one of Terraform's few slots. So when the first wait of
// a run times out, it and all later ones fail at once, and the next run finds the shops updated.
func (s *Shops) AwaitUnused(ctx context.Context, key kustom.Orphan) error {
	for {
		err := s.CheckUnused(ctx, key, time.Time{})
		var held *KeyInUseError
		if !errors.As(err, &held) {
			return err
		}
		if held.Unmanaged || s.isStalled() {
			return held
		}
		if err := s.awaitChange(ctx, held, key); err != nil {
			return err
		}
	}
}

// awaitChange waits until this run has changed a shop, or until it is time to read the shops again.
func (s *Shops) awaitChange(ctx context.Context, held *KeyInUseError, key kustom.Orphan) error {
	for asked := s.clock.Now(); s.clock.Now().Sub(asked) < rereadInterval; {
		if err := s.clock.Sleep(ctx, pollInterval); err != nil {
			return s.stopWaiting(err, held)
		}
		if s.isStalled() {
			return held
		}
		if !s.stillHeld(held.Shops, key.Username) {
			return nil
		}
	}
	for _, name := range held.Shops {
		s.shop(name).markStale()
	}
	return nil
}

// markStale makes the next guard read the shop.
func (h *shop) markStale() {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	h.readAt = time.Time{}
}

func (s *Shops) stillHeld(names []string, username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(names, func(name string) bool {
		h := s.shops[name]
		return !h.known || h.shows(username) || sameUsername(h.expected, username)
	})
}

func (s *Shops) isStalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}

// stopWaiting ends a wait. A wait that timed out, and was not cancelled, ends all waits.
func (s *Shops) stopWaiting(err error, held *KeyInUseError) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(held, err)
	}
	s.mu.Lock()
	s.stalled = true
	s.mu.Unlock()
	return held
}
