package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// This file answers one question: may this key be deleted? Only if at least one shop could be asked, all that
// may use the key have answered right before, and none of them holds it.

const (
	// lookInterval is the wait between two looks at what this walk itself has written.
	lookInterval = time.Second
	// askInterval is the wait between two reads of a shop that somebody else may be moving.
	askInterval = 5 * time.Second
	// failureFor is how long a shop that could not be read is not tried again for another key.
	failureFor = time.Minute
)

// Unused returns nil where no shop uses a key, a [*KeyInUseError] where one does, and a
// [*KeyUsageUnknownError] where that is not known. NotBefore is a time that the shops must have been read
// after; zero means that a read within [FreshFor] will do.
func (s *Shops) Unused(ctx context.Context, key kustom.Orphan, notBefore time.Time) error {
	names, err := s.guards(key)
	if err != nil {
		return &KeyUsageUnknownError{Username: key.Username, Cause: err}
	}
	if err := s.readRelevant(ctx, names, key, notBefore); err != nil {
		return fmt.Errorf("finding the shops that hold %s: %w", key.Username, err)
	}
	return s.verdict(names, key)
}

// CanAsk tells whether there is a shop that can be asked before a key is deleted, as far as is known.
func (s *Shops) CanAsk(key KeyRef) bool {
	names, err := s.guards(key.Orphan())
	return err != nil || len(names) > 0
}

// Blocked returns those of the keys that an apply would keep, as far as this walk knows by now, and the shops that keep
// them: they may use a key and could not be read. Where it returns keys and no shop, there is none to ask. It reads no
// shop: what is read while planning would be out of date where an apply plans and then waits.
func (s *Shops) Blocked(keys []KeyRef) (blocked []KeyRef, by []string) {
	for _, key := range keys {
		names, err := s.guards(key.Orphan())
		if err != nil {
			continue
		}
		dead := s.deadUsers(names, key.Orphan())
		if len(dead) > 0 || len(names) == 0 {
			blocked, by = append(blocked, key), append(by, dead...)
		}
	}
	slices.Sort(by)
	return blocked, slices.Compact(by)
}

// Blocked returns what [Shops.Blocked] does of the keys that a plan deletes at once.
func (e *Engine) Blocked(p Plan) (blocked []KeyRef, by []string) {
	return e.Shops.Blocked(slices.DeleteFunc(slices.Clone(p.Delete), func(key KeyRef) bool { return key.WaitsFor != "" }))
}

// deadUsers returns the shops that may use a key and can't be read. One whose page does not show its key is none of
// them: to give it a key may be what the apply is for.
func (s *Shops) deadUsers(names []string, key kustom.Orphan) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var dead []string
	for _, name := range names {
		h, ok := s.shops[name]
		if ok && !h.known && h.failure != nil && !mystore.IsNotShown(h.failure) && h.mayUse(key) {
			dead = append(dead, name)
		}
	}
	return dead
}

// Holds tells whether a shop that this walk has read holds a username.
func (s *Shops) Holds(username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.shops {
		if h.known && h.holds.KustomID == username {
			return true
		}
	}
	return false
}

// guards returns the shops that are asked before a key is deleted.
func (s *Shops) guards(key kustom.Orphan) ([]string, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return s.ignored[name] || s.isElsewhere(name, key) }), nil
}

// isElsewhere tells whether a shop can be left out of a question about a store. That is so where nothing configures the
// shop, somebody only signed in to it on this machine, and it was last seen with a key of another store. Such a shop is
// not read, so its expired session blocks nothing.
func (s *Shops) isElsewhere(name string, key kustom.Orphan) bool {
	if s.signedIn == nil || !s.signedIn(name) {
		return false
	}
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.known || h.expected != "" || len(h.stores) > 0 {
		return false
	}
	store, ok := kustom.StoreOf(cmp.Or(h.seen, s.sightings.last(name)))
	return ok && store != key.MerchantID
}

// readRelevant reads the shops that may use a key, unless they have just been read. A shop that can't be read
// stops nothing; the verdict takes it into account.
func (s *Shops) readRelevant(ctx context.Context, names []string, key kustom.Orphan, notBefore time.Time) error {
	var relevant []string
	for _, name := range names {
		if s.shop(name).needsReading(key, notBefore) {
			relevant = append(relevant, name)
		}
	}
	return forEach(ctx, ConcurrentReads, len(relevant), func(ctx context.Context, i int) error {
		_, err := s.look(ctx, relevant[i], func(h *shop) bool { return h.isFresh(notBefore) || h.hasJustFailed() })
		if isNotInstalled(err) {
			_, err = s.Settled(ctx, relevant[i])
		}
		if err != nil && !isNotInstalled(err) {
			return ctx.Err()
		}
		return nil
	})
}

// needsReading tells whether a shop has to be read before a key is deleted.
func (h *shop) needsReading(key kustom.Orphan, notBefore time.Time) bool {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if !h.known {
		return true
	}
	if h.missing != nil {
		return !h.certain
	}
	if !h.mayUse(key) {
		return false
	}
	return h.in.clock.Now().Sub(h.readAt) >= FreshFor || h.readAt.Before(notBefore)
}

func (h *shop) hasJustFailed() bool {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	return h.failure != nil && h.in.clock.Now().Sub(h.readAt) < failureFor
}

// mayUse tells whether a shop may use a key: it holds or gets the key, or it is configured for a key of that
// store, was last seen with one, or nothing is known of it. The caller holds in.mu.
func (h *shop) mayUse(key kustom.Orphan) bool {
	if h.moves && !h.known && h.seen == "" {
		return true
	}
	if h.stores[key.MerchantID] || h.seen == key.Username || h.expected == key.Username || h.expectsOf(key.MerchantID) {
		return true
	}
	store, ok := kustom.StoreOf(h.seen)
	switch {
	case ok:
		return store == key.MerchantID
	case !h.known && h.seen == "" && len(h.stores) == 0:
		return h.planned.mayUse(key.MerchantID)
	case h.known || h.seen == "":
		// Another run may give it a key of any store, unless it is known whose it is.
		return len(h.stores) == 0
	}
	return h.seen != SecretAsID
}

// expectsOf tells whether the shop is getting a key of the store. The caller holds in.mu.
func (h *shop) expectsOf(merchantID string) bool {
	store, ok := kustom.StoreOf(h.expected)
	return ok && store == merchantID
}

// isBlocked tells whether, by what is known now, a shop that can't be read keeps a key from being deleted.
func (s *Shops) isBlocked(key kustom.Orphan) bool {
	names, err := s.guards(key)
	return err != nil || isUsageUnknown(s.verdict(names, key))
}

// wasHeld tells whether the walk has seen a shop with a key.
func (s *Shops) wasHeld(username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[username]
}

// mayLag tells whether a shop that may use a key was not written and seen in this walk, so that a read of it may show
// what was before.
func (s *Shops) mayLag(key kustom.Orphan) bool {
	names, err := s.guards(key)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(names, func(name string) bool {
		h := s.shop(name)
		s.mu.Lock()
		defer s.mu.Unlock()
		return !h.known || (!h.written || h.expected != "") && h.mayUse(key)
	})
}

// verdict judges by what is known of the shops.
func (s *Shops) verdict(names []string, key kustom.Orphan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var holders, unreadable []string
	var cause error
	asked, left := 0, true
	for _, name := range names {
		h, ok := s.shops[name]
		if !ok {
			h = &shop{}
		}
		switch {
		case h.known && h.holds.KustomID == key.Username || h.expected == key.Username && key.Username != "":
			// A shop that does not show the key is waited for: it holds the key only as long as its reads may lag.
			holders, left = append(holders, name), left && h.left && h.known && h.holds.KustomID == key.Username
		case h.known:
			asked++
		case h.uses != "" && mystore.IsNotShown(h.failure):
			asked++
			if h.uses == key.Username {
				holders, left = append(holders, name), false
			}
		case h.mayUse(key):
			unreadable = append(unreadable, name)
			if cause == nil {
				cause = h.failure
			}
		}
	}
	switch {
	case len(holders) > 0:
		return &KeyInUseError{Username: key.Username, Shops: holders, Left: left}
	case len(unreadable) > 0:
		return &KeyUsageUnknownError{Username: key.Username, Shops: unreadable, Cause: cause}
	case asked == 0:
		return &KeyUsageUnknownError{Username: key.Username}
	}
	return nil
}

// Reconsider makes the shops that could not be read be tried again.
func (s *Shops) Reconsider() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.shops {
		h.failure = nil
	}
}

// AwaitUnused returns nil when no shop uses a key any more, within the time that ctx allows. Otherwise it
// returns what [Shops.Unused] does.
//
// It waits because Terraform does not always order a key's deletion after the update of the shop that held
// it. A wait may itself keep that update from starting, by taking up one of Terraform's few slots. So the
// waits of a walk share one fate: when the first has ended in vain, it and all later ones are refused at
// once, and the next run finds the shops moved on.
func (s *Shops) AwaitUnused(ctx context.Context, key kustom.Orphan) error {
	for {
		err := s.Unused(ctx, key, time.Time{})
		var held *KeyInUseError
		if !errors.As(err, &held) {
			return err
		}
		if held.Left || s.isStalled() {
			return held
		}
		if err := s.awaitChange(ctx, held, key); err != nil {
			return err
		}
	}
}

// awaitChange waits until this walk has moved a shop on, or it is time to read the shops again.
func (s *Shops) awaitChange(ctx context.Context, held *KeyInUseError, key kustom.Orphan) error {
	for asked := s.clock.Now(); s.clock.Now().Sub(asked) < askInterval; {
		if err := s.clock.Sleep(ctx, lookInterval); err != nil {
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
		s.shop(name).outdate()
	}
	return nil
}

// outdate makes the next guard read the shop.
func (h *shop) outdate() {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.readAt = time.Time{}
}

func (s *Shops) stillHeld(names []string, username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(names, func(name string) bool {
		h := s.shops[name]
		return !h.known || h.holds.KustomID == username || h.expected == username
	})
}

func (s *Shops) isStalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}

// stopWaiting ends a wait. One that ran out of time, rather than being cancelled, ends all of them.
func (s *Shops) stopWaiting(err error, held *KeyInUseError) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(held, err)
	}
	s.mu.Lock()
	s.stalled = true
	s.mu.Unlock()
	return held
}
