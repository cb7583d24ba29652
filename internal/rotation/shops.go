package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// initialReadBack is the first wait before a shop is read again that does not show the written key. Each later wait
// is twice as long.
const initialReadBack = 2 * time.Second

// Shops caches the shops' credentials for one run. It reads a shop when it is first needed, and updates
// the cache after its own writes. It is safe for concurrent use.
type Shops struct {
	service shopCalls
	prover  Merchant
	clock   clock.Clock
	steps   *stepRecorder
	names   func() ([]string, error)
	ignored map[string]bool
	// signedIn is [Options.SignedIn].
	signedIn func(shop string) bool
	// cache has what earlier runs saw.
	cache LocalCache

	mu    sync.Mutex
	shops map[string]*shop
	// named has the shops with the names namedFor. See [Shops.withNames].
	namedFor []string
	named    []*shop
	// seenUsernames has the usernames that this run has seen in shops.
	seenUsernames map[string]bool
	// stalled reports that a wait for a shop's update has timed out.
	stalled bool
}

// NewShops returns an empty cache of the shops.
func NewShops(o Options) *Shops {
	s := &Shops{
		service: shopCalls{o.Shops}, prover: merchantCalls{o.Merchant}, clock: o.Clock, names: o.Names,
		ignored: map[string]bool{}, signedIn: o.SignedIn, cache: o.Cache, shops: map[string]*shop{},
		seenUsernames: map[string]bool{},
	}
	for _, name := range o.Ignored {
		s.ignored[name] = true
	}
	return s
}

func (s *Shops) shop(name string) *shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(name)
}

// find returns a shop. The caller holds s.mu.
func (s *Shops) find(name string) *shop {
	found, ok := s.shops[name]
	if !ok {
		found = &shop{name: name, shops: s, turn: semaphore.NewWeighted(1), stores: map[string]bool{}}
		s.shops[name] = found
	}
	return found
}

// IsUnreadable reports whether this run has tried to read a shop and could not. A shop whose page hides its key is
// readable.
func (s *Shops) IsUnreadable(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.shops[name]
	return ok && h.isUnreadable()
}

// NoteConfigured records what an object of this run knows about its shop: the configured store, and the username
// that the shop was last seen with. Either can be empty. If the shop can't be read, they tell which keys it may
// use.
func (s *Shops) NoteConfigured(name, merchantID, username string) {
	h := s.shop(name)
	defer h.cacheConfigured()
	s.mu.Lock()
	defer s.mu.Unlock()
	if merchantID != "" {
		h.stores[merchantID] = true
	}
	if username != "" && h.lastUsername == "" {
		h.setLastUsername(username)
	}
}

// NoteStoreChange records that a shop may change to another store. Until the shop has been read, it may use a key
// of any store.
func (s *Shops) NoteStoreChange(name string) {
	h := s.shop(name)
	defer h.cacheConfigured()
	s.mu.Lock()
	defer s.mu.Unlock()
	h.storeMayChange = true
}

// NoteUsedKey records that a shop was seen to use the key with this username. It matters only if the shop's page
// does not show which key it has.
func (s *Shops) NoteUsedKey(name, username string) {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h.usedUsername = username
}

// Credentials returns a shop's credentials. It reads the shop if they are not cached.
func (s *Shops) Credentials(ctx context.Context, name string) (mystore.Credentials, error) {
	return s.readUnless(ctx, name, func(h *shop) bool {
		_, _, known := h.cached()
		return known
	})
}

// Fresh returns a shop's credentials from a read that began after the call or ended at most [FreshFor] before it.
func (s *Shops) Fresh(ctx context.Context, name string) (mystore.Credentials, error) {
	return s.readUnless(ctx, name, func(h *shop) bool { return h.isFresh(time.Time{}) })
}

// readUnless returns a shop's cached credentials if enough accepts them, and reads the shop otherwise.
func (s *Shops) readUnless(ctx context.Context, name string, enough func(*shop) bool) (mystore.Credentials, error) {
	h := s.shop(name)
	if err := h.turn.Acquire(ctx, 1); err != nil {
		return mystore.Credentials{}, fmt.Errorf("read the credentials of shop %s: %w", name, err)
	}
	defer h.turn.Release(1)
	if enough(h) {
		credentials, missing, _ := h.cached()
		return credentials, missing
	}
	return s.read(ctx, name, h)
}

// read reads a shop and updates the cache. The caller has acquired the shop.
func (s *Shops) read(ctx context.Context, name string, h *shop) (mystore.Credentials, error) {
	credentials, err := s.service.Credentials(ctx, name)
	return s.recordRead(name, h, credentials, err)
}

// recordRead updates the cache with the result of a read. The caller has acquired the shop.
func (s *Shops) recordRead(name string, h *shop, credentials mystore.Credentials, err error) (mystore.Credentials, error) {
	credentials.KustomID = redactSecret(credentials.KustomID)
	h.setRead(credentials, err)
	if err == nil {
		s.cache.recordUsername(name, credentials.KustomID)
	} else if !isNotInstalled(err) {
		s.NoteConfigured(name, "", s.cache.lastUsername(name))
	}
	return credentials, err
}

// ConfirmedCredentials returns a shop's credentials, as [Shops.Credentials] does. It returns a
// [*mystore.NotInstalledError] only if a second read, after [PropagationDelay], confirms it.
func (s *Shops) ConfirmedCredentials(ctx context.Context, name string) (mystore.Credentials, error) {
	credentials, err := s.Credentials(ctx, name)
	if !isNotInstalled(err) {
		return credentials, err
	}
	h := s.shop(name)
	if err := h.turn.Acquire(ctx, 1); err != nil {
		return mystore.Credentials{}, fmt.Errorf("read the credentials of shop %s: %w", name, err)
	}
	defer h.turn.Release(1)
	s.mu.Lock()
	certain, first := h.missingConfirmed, h.readAt
	s.mu.Unlock()
	if certain {
		credentials, missing, _ := h.cached()
		return credentials, missing
	}
	if err := sleepUntil(ctx, s.clock, first.Add(PropagationDelay)); err != nil {
		return mystore.Credentials{}, fmt.Errorf("look again for Klarna Checkout V3 in shop %s: %w", name, err)
	}
	credentials, err = s.read(ctx, name, h)
	if isNotInstalled(err) {
		s.mu.Lock()
		h.missingConfirmed = true
		s.mu.Unlock()
	}
	return credentials, err
}

// LastHeld returns the username that a shop was last known to have, if err is a [*mystore.NotShownError]: what its page
// shows of the username, or what earlier runs on this machine saw. It is empty if these disagree about the store.
func (s *Shops) LastHeld(name string, err error) string {
	var notShown *mystore.NotShownError
	if !errors.As(err, &notShown) {
		return ""
	}
	if _, ok := storeIn(notShown.Masked); ok {
		return notShown.Masked
	}
	given, seen := s.cache.lastUnconfirmed(name).Username, s.cache.lastUsername(name)
	a, _ := storeIn(given)
	b, _ := storeIn(seen)
	if given != "" && seen != "" && !sameStore(a, b) {
		return ""
	}
	return cmp.Or(given, seen)
}

// StopManaging records that a shop keeps the key with this username during this run, whatever a stale read shows.
// If this run has installed another key in the shop, it records nothing and returns that key's username.
func (s *Shops) StopManaging(name, username string) (given string) {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.written {
		return cmp.Or(h.expected, h.credentials.KustomID)
	}
	h.unmanaged = true
	if username != "" {
		h.expected, h.expectedAt = username, s.clock.Now()
	}
	return ""
}

// LastSeen returns the username that this run last saw in a shop, or an empty string.
func (s *Shops) LastSeen(name string) string {
	credentials, _, _ := s.shop(name).cached()
	return credentials.KustomID
}

// ShopFailure is an unreadable shop.
type ShopFailure struct {
	Shop string
	Err  error
}

// Holders returns, by username, the sorted names of the shops that hold it, and the shops that could not be read.
// An unreadable shop may hold any key. The error means that the shops themselves are unknown.
func (s *Shops) Holders(ctx context.Context) (map[string][]string, []ShopFailure, error) {
	names, err := s.names()
	if err != nil {
		return nil, nil, err
	}
	held, failed := make([]string, len(names)), make([]error, len(names))
	err = forEach(ctx, ConcurrentReads, len(names), func(ctx context.Context, i int) error {
		credentials, err := s.Credentials(ctx, names[i])
		if err != nil && !isNotInstalled(err) {
			failed[i] = err
			return ctx.Err()
		}
		held[i] = credentials.KustomID
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	holders, failures := map[string][]string{}, []ShopFailure(nil)
	for i, name := range names {
		if failed[i] != nil {
			failures = append(failures, ShopFailure{Shop: name, Err: failed[i]})
		}
		if held[i] != "" {
			holders[held[i]] = append(holders[held[i]], name)
		}
	}
	for _, shops := range holders {
		slices.Sort(shops)
	}
	return holders, failures, nil
}

// unread returns the configured shops that have not been read.
func (s *Shops) unread() ([]string, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, _, known := s.shop(name).cached()
		return known
	}), nil
}

// SameMoment reports whether two of Mystore's times are the same moment. They are in RFC 3339, with any offset and
// with or without a fraction. Other texts are compared as they are.
func SameMoment(a, b string) bool {
	if a == b {
		return true
	}
	at, errA := time.Parse(time.RFC3339Nano, a)
	bt, errB := time.Parse(time.RFC3339Nano, b)
	return errA == nil && errB == nil && at.Equal(bt)
}

// isUncertain reports whether the operation that failed with err may have happened.
func isUncertain(err error) bool { return transport.IsUncertain(err) }
