package rotation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// initialReadBack is the wait before a shop that does not show the written key is read again. Each later wait is
// twice as long.
const initialReadBack = 2 * time.Second

// Shops caches, for one Terraform walk, what the shops hold. It reads a shop when the shop is first needed, and
// knows what it has written itself. It is safe for concurrent use.
type Shops struct {
	service ShopService
	prover  Merchant
	clock   clock.Clock
	steps   *stepRecorder
	names   func() ([]string, error)
	ignored map[string]bool
	// signedIn is [Options.SignedIn].
	signedIn func(shop string) bool
	// cache are what earlier runs have seen.
	cache LocalCache

	mu    sync.Mutex
	shops map[string]*shop
	// seenUsernames are the usernames that the walk has seen in shops.
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
	found, ok := s.shops[name]
	if !ok {
		found = &shop{name: name, shops: s, sem: make(chan struct{}, 1), stores: map[string]bool{}}
		s.shops[name] = found
	}
	return found
}

// NoteConfigured notes that an object of this walk is about a shop: the store that it is configured for, and the
// username that it was last seen with; either can be empty. Where the shop can't be read, these say which
// keys it may use.
func (s *Shops) NoteConfigured(name, merchantID, username string) {
	h := s.shop(name)
	defer h.cacheConfigured()
	s.mu.Lock()
	defer s.mu.Unlock()
	if merchantID != "" {
		h.stores[merchantID] = true
	}
	if username != "" && h.lastUsername == "" {
		h.lastUsername = username
	}
}

// NoteStoreChange notes that a shop may get a key of another store than its present one. As long as nobody has read it, it may use
// a key of any store then.
func (s *Shops) NoteStoreChange(name string) {
	h := s.shop(name)
	defer h.cacheConfigured()
	s.mu.Lock()
	defer s.mu.Unlock()
	h.storeMayChange = true
}

// NoteUsedKey notes that a shop was seen to use the key with this username. It counts only where the shop's page does not
// show which key it has.
func (s *Shops) NoteUsedKey(name, username string) {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h.usedUsername = username
}

// Credentials returns what a shop holds, reading it if that has not happened yet.
func (s *Shops) Credentials(ctx context.Context, name string) (mystore.Credentials, error) {
	return s.readUnless(ctx, name, func(h *shop) bool {
		_, _, known := h.cached()
		return known
	})
}

// Fresh returns what a shop holds, by a read that began after the call or ended within [FreshFor] before it.
func (s *Shops) Fresh(ctx context.Context, name string) (mystore.Credentials, error) {
	return s.readUnless(ctx, name, func(h *shop) bool { return h.isFresh(time.Time{}) })
}

// readUnless returns what is known of a shop if that is enough, and reads it otherwise.
func (s *Shops) readUnless(ctx context.Context, name string, enough func(*shop) bool) (mystore.Credentials, error) {
	h := s.shop(name)
	release, err := h.acquire(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", name, err)
	}
	defer release()
	if enough(h) {
		holds, missing, _ := h.cached()
		return holds, missing
	}
	return s.read(ctx, name, h)
}

// read reads a shop and records the answer. The caller holds the shop's turn.
func (s *Shops) read(ctx context.Context, name string, h *shop) (mystore.Credentials, error) {
	holds, err := s.service.Credentials(ctx, name)
	return s.recordRead(name, h, holds, err)
}

// recordRead records the result or the failure of a read. The caller holds the shop's turn.
func (s *Shops) recordRead(name string, h *shop, holds mystore.Credentials, err error) (mystore.Credentials, error) {
	holds.KustomID = redactSecret(holds.KustomID)
	h.setRead(holds, err)
	if err == nil {
		s.cache.recordUsername(name, holds.KustomID)
	} else if !isNotInstalled(err) {
		s.NoteConfigured(name, "", s.cache.lastUsername(name))
	}
	return holds, err
}

// ConfirmedCredentials returns what a shop holds, as [Shops.Credentials] does. That it has no Klarna Checkout V3, or no
// longer has it, counts only when a second look, later than [PropagationDelay], says so too.
func (s *Shops) ConfirmedCredentials(ctx context.Context, name string) (mystore.Credentials, error) {
	holds, err := s.Credentials(ctx, name)
	if !isNotInstalled(err) {
		return holds, err
	}
	h := s.shop(name)
	release, err := h.acquire(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", name, err)
	}
	defer release()
	s.mu.Lock()
	certain, first := h.missingConfirmed, h.readAt
	s.mu.Unlock()
	if certain {
		holds, missing, _ := h.cached()
		return holds, missing
	}
	if err := sleepUntil(ctx, s.clock, first.Add(PropagationDelay)); err != nil {
		return mystore.Credentials{}, fmt.Errorf("looking again for Klarna Checkout V3 in shop %s: %w", name, err)
	}
	holds, err = s.read(ctx, name, h)
	if isNotInstalled(err) {
		s.mu.Lock()
		h.missingConfirmed = true
		s.mu.Unlock()
	}
	return holds, err
}

// StopManaging notes that a shop keeps, for this walk, the key with this username, whatever a read that lags shows. Where
// another object of the walk has given the shop a key, it notes nothing and returns the username of that key.
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

// LastSeen returns the username that this walk last saw in a shop; empty if the shop has none or was not read.
func (s *Shops) LastSeen(name string) string {
	holds, _, _ := s.shop(name).cached()
	return holds.KustomID
}

// ShopFailure is an unreadable shop.
type ShopFailure struct {
	Shop string
	Err  error
}

// Holders returns the shops that hold each username, by username, and the shops that could not be read; the
// shops are sorted. A shop that could not be read may hold any key. The error says that the shops are not
// known at all.
func (s *Shops) Holders(ctx context.Context) (map[string][]string, []ShopFailure, error) {
	names, err := s.names()
	if err != nil {
		return nil, nil, err
	}
	held, failed := make([]string, len(names)), make([]error, len(names))
	err = forEach(ctx, ConcurrentReads, len(names), func(ctx context.Context, i int) error {
		holds, err := s.Credentials(ctx, names[i])
		if err != nil && !isNotInstalled(err) {
			failed[i] = err
			return ctx.Err()
		}
		held[i] = holds.KustomID
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

// unread returns the configured shops that were not read yet.
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

// SameMoment tells whether two marks of Mystore's are of the same moment. They are RFC 3339, in any offset
// and with or without a fraction; what is not is compared as it is written.
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
