package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// firstReadBack is the wait before a shop that does not show the written key is read again. Each later wait is
// twice as long.
const firstReadBack = 2 * time.Second

// Shops caches, for one Terraform walk, what the shops hold. It reads a shop when the shop is first needed, and
// knows what it has written itself. It is safe for concurrent use.
type Shops struct {
	service ShopService
	prover  Merchant
	clock   clock.Clock
	steps   *steps
	names   func() ([]string, error)
	ignored map[string]bool
	// signedIn is [Options.SignedIn].
	signedIn func(shop string) bool
	// sightings are what earlier runs have seen.
	sightings Sightings

	mu    sync.Mutex
	shops map[string]*shop
	// held are the usernames that the walk has seen in shops.
	held map[string]bool
	// stalled reports that a wait for a shop's update has timed out.
	stalled bool
}

// NewShops returns an empty cache of the shops.
func NewShops(o Options) *Shops {
	s := &Shops{
		service: shopCalls{o.Shops}, prover: merchantCalls{o.Merchant}, clock: o.Clock, names: o.Names,
		ignored: map[string]bool{}, signedIn: o.SignedIn, sightings: o.Sightings, shops: map[string]*shop{},
		held: map[string]bool{},
	}
	for _, name := range o.Ignored {
		s.ignored[name] = true
	}
	return s
}

// shop is what is known about one shop.
type shop struct {
	name string
	in   *Shops
	// turn is held while the shop is read or written, so that an answer from before a write does not replace
	// the written value.
	turn chan struct{}

	// The rest is guarded by in.mu.

	// known reports that the last read, at readAt, succeeded.
	known  bool
	readAt time.Time
	// failure is the error of the last read, at readAt.
	failure error
	holds   mystore.Credentials
	// missing is set, and holds is empty, if the shop has no Klarna Checkout V3. certain reports that a second
	// read has confirmed it.
	missing *mystore.NotInstalledError
	certain bool
	// expected is the username that was last written, at expectedAt, and not seen since.
	expected   string
	expectedAt time.Time
	// written reports that this walk has given the shop a key.
	written bool
	// emptied is the username that the shop had when this walk emptied it, until the walk gives it another key.
	emptied string
	// stores are the stores that the shop is configured for, and seen the username that it was last seen with,
	// as far as objects of this walk have told.
	stores map[string]bool
	seen   string
	// moves says that the shop may get a key of another store than its present one, so that its stores do not tell whose
	// key it has.
	moves bool
	// planned is what an earlier walk was told of the shop, where it can't be read and no object of this one has had its
	// turn.
	planned configured
	// uses is the username that the shop was seen to use, where its page does not show which key it has.
	uses string
	// left says that Terraform has destroyed the shop's object and left the shop as it was: nothing in this
	// walk will move it to another key.
	left bool
}

func (s *Shops) shop(name string) *shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.shops[name]
	if !ok {
		found = &shop{name: name, in: s, turn: make(chan struct{}, 1), stores: map[string]bool{}}
		s.shops[name] = found
	}
	return found
}

// IsUnreadable reports whether this walk has tried to read a shop and could not. A shop whose page hides its key
// is readable.
func (s *Shops) IsUnreadable(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.shops[name]
	return ok && h.isUnreadable()
}

// isUnreadable is IsUnreadable. The caller holds in.mu.
func (h *shop) isUnreadable() bool {
	return !h.known && h.failure != nil && !mystore.IsNotShown(h.failure)
}

// take waits for the shop's turn; the returned function gives it back.
func (h *shop) take(ctx context.Context) (func(), error) {
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recall returns what is known about the shop: what it holds, or why it can't hold anything.
func (h *shop) recall() (holds mystore.Credentials, missing error, known bool) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if h.missing != nil {
		return mystore.Credentials{}, h.missing, h.known
	}
	return h.holds, nil, h.known
}

// learn records the result of a read. After a failed read the shop is unknown: it may hold any key.
func (h *shop) learn(holds mystore.Credentials, err error) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	now := h.in.clock.Now()
	var missing *mystore.NotInstalledError
	h.known = err == nil || errors.As(err, &missing)
	h.failure, h.readAt = err, now
	if !h.known {
		return
	}
	h.certain = h.certain && missing != nil
	h.holds, h.missing, h.failure = holds, missing, nil
	if holds.KustomID != "" {
		h.seen = holds.KustomID
		h.in.held[holds.KustomID] = true
	}
	// A stale read does not show an accepted write. Until it would, the shop counts as holding both keys.
	if holds.KustomID == h.expected || !now.Before(h.expectedAt.Add(PropagationDelay)) {
		h.expected = ""
	}
}

// expect records that username is about to be written. From now on the shop may hold it.
func (h *shop) expect(username string) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.expected, h.expectedAt, h.left, h.written, h.uses, h.emptied = username, h.in.clock.Now(), false, true, "", ""
}

// withdraw undoes expect: the write certainly did not happen.
func (h *shop) withdraw() {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.expected, h.written = "", false
}

// forget makes the shop unknown, because somebody may have changed it.
func (h *shop) forget() {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.known, h.failure, h.readAt = false, nil, time.Time{}
}

// Belongs notes that an object of this walk is about a shop: the store that it is configured for, and the
// username that it was last seen with; either can be empty. Where the shop can't be read, these say which
// keys it may use.
func (s *Shops) Belongs(name, merchantID, username string) {
	h := s.shop(name)
	defer h.noteConfigured()
	s.mu.Lock()
	defer s.mu.Unlock()
	if merchantID != "" {
		h.stores[merchantID] = true
	}
	if username != "" && h.seen == "" {
		h.seen = username
	}
}

// Moves notes that a shop may get a key of another store than its present one. As long as nobody has read it, it may use
// a key of any store then.
func (s *Shops) Moves(name string) {
	h := s.shop(name)
	defer h.noteConfigured()
	s.mu.Lock()
	defer s.mu.Unlock()
	h.moves = true
}

// Uses notes that a shop was seen to use the key with this username. It counts only where the shop's page does not
// show which key it has.
func (s *Shops) Uses(name, username string) {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h.uses = username
}

// Credentials returns what a shop holds, reading it if that has not happened yet.
func (s *Shops) Credentials(ctx context.Context, name string) (mystore.Credentials, error) {
	return s.look(ctx, name, func(h *shop) bool {
		_, _, known := h.recall()
		return known
	})
}

// Fresh returns what a shop holds, by a read that began after the call or ended within [FreshFor] before it.
func (s *Shops) Fresh(ctx context.Context, name string) (mystore.Credentials, error) {
	return s.look(ctx, name, func(h *shop) bool { return h.isFresh(time.Time{}) })
}

// isFresh tells whether the shop was read within FreshFor, and not before the given time.
func (h *shop) isFresh(notBefore time.Time) bool {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	return h.known && h.in.clock.Now().Sub(h.readAt) < FreshFor && !h.readAt.Before(notBefore)
}

// look returns what is known of a shop if that is enough, and reads it otherwise.
func (s *Shops) look(ctx context.Context, name string, enough func(*shop) bool) (mystore.Credentials, error) {
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", name, err)
	}
	defer release()
	if enough(h) {
		holds, missing, _ := h.recall()
		return holds, missing
	}
	return s.read(ctx, name, h)
}

// read reads a shop and records the answer. The caller holds the shop's turn.
func (s *Shops) read(ctx context.Context, name string, h *shop) (mystore.Credentials, error) {
	holds, err := s.service.Credentials(ctx, name)
	return s.saw(name, h, holds, err)
}

// saw records the result or the failure of a read. The caller holds the shop's turn.
func (s *Shops) saw(name string, h *shop, holds mystore.Credentials, err error) (mystore.Credentials, error) {
	holds.KustomID = withoutSecret(holds.KustomID)
	h.learn(holds, err)
	if err == nil {
		s.sightings.record(name, holds.KustomID)
	} else if !isNotInstalled(err) {
		s.Belongs(name, "", s.sightings.last(name))
	}
	return holds, err
}

// Settled returns what a shop holds, as [Shops.Credentials] does. That it has no Klarna Checkout V3, or no
// longer has it, counts only when a second look, later than [PropagationDelay], says so too.
func (s *Shops) Settled(ctx context.Context, name string) (mystore.Credentials, error) {
	holds, err := s.Credentials(ctx, name)
	if !isNotInstalled(err) {
		return holds, err
	}
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", name, err)
	}
	defer release()
	s.mu.Lock()
	certain, first := h.certain, h.readAt
	s.mu.Unlock()
	if certain {
		holds, missing, _ := h.recall()
		return holds, missing
	}
	if err := sleepUntil(ctx, s.clock, first.Add(PropagationDelay)); err != nil {
		return mystore.Credentials{}, fmt.Errorf("looking again for Klarna Checkout V3 in shop %s: %w", name, err)
	}
	holds, err = s.read(ctx, name, h)
	if isNotInstalled(err) {
		s.mu.Lock()
		h.certain = true
		s.mu.Unlock()
	}
	return holds, err
}

// Clear empties a shop that still holds what the caller has given it: the pair with this username, unchanged
// since the moment updatedAt where that is known, and not given anew by another object of this walk. Whatever
// else the shop holds is somebody else's by now; it is left alone, and cleared is false.
func (s *Shops) Clear(ctx context.Context, name, username, updatedAt string) (cleared bool, err error) {
	ctx = forShop(ctx, name, "")
	s.steps.note(ctx, StepClear, "", username, Started, nil)
	err = transport.WhileOutdated(func() error {
		cleared, err = s.clear(ctx, name, username, updatedAt)
		return err
	})
	outcome := outcomeOf(err)
	if err == nil && !cleared {
		outcome = Kept
	}
	s.steps.note(ctx, StepClear, "", username, outcome, err)
	return cleared, err
}

// clear does the work of Clear.
func (s *Shops) clear(ctx context.Context, name, username, updatedAt string) (cleared bool, err error) {
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return false, fmt.Errorf("clearing the credentials of shop %s: %w", name, err)
	}
	defer release()
	holds, err := s.read(ctx, name, h)
	if isNotInstalled(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if holds.KustomID == "" && holds.Secret != mystore.SecretSet {
		return true, nil
	}
	changed := updatedAt != "" && !SameMoment(holds.UpdatedAt, updatedAt)
	if h.isGivenAnew() || changed || holds.KustomID != username {
		return false, nil
	}
	if err := s.empty(ctx, name, h); err != nil {
		return true, err
	}
	s.mu.Lock()
	h.emptied = username
	s.mu.Unlock()
	return true, nil
}

// LastHeld returns the username that a shop is last known to have, where err says that it does not show which key it has: what
// it shows of it, or what earlier runs of this machine have seen. It is empty where they do not agree on the store.
func (s *Shops) LastHeld(name string, err error) string {
	var unshown *mystore.NotShownError
	if !errors.As(err, &unshown) {
		return ""
	}
	if _, ok := storeIn(unshown.Masked); ok {
		return unshown.Masked
	}
	given, seen := s.sightings.lastGiven(name).Username, s.sightings.last(name)
	a, _ := storeIn(given)
	b, _ := storeIn(seen)
	if given != "" && seen != "" && a != b {
		return ""
	}
	return cmp.Or(given, seen)
}

// Emptied returns the username that a shop had when this walk emptied it, empty where it has not, or has given the shop
// another key since. What the shop gets next must be of the same store, as if it had that key still.
func (s *Shops) Emptied(name string) string {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.emptied
}

// isGivenAnew reports whether this walk has given the shop a key.
func (h *shop) isGivenAnew() bool {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	return h.written
}

// empty deletes a shop's credentials and checks the result. The caller holds the shop's turn.
func (s *Shops) empty(ctx context.Context, name string, h *shop) error {
	_, cause := s.service.Clear(ctx, name)
	if cause != nil && !isUncertain(cause) {
		return cause
	}
	h.forget()
	begun := s.clock.Now()
	for wait := firstReadBack; ; wait *= 2 {
		holds, err := s.read(ctx, name, h)
		if err != nil {
			return errors.Join(cause, err)
		}
		if holds.KustomID == "" {
			return nil
		}
		if s.clock.Now().Sub(begun) >= PropagationDelay || s.clock.Sleep(ctx, wait) != nil {
			return errors.Join(&MismatchError{Shop: name, Got: holds.KustomID}, cause)
		}
	}
}

// Leave notes that a shop keeps, for this walk, the key with this username, whatever a read that lags shows. Where
// another object of the walk has given the shop a key, it notes nothing and returns the username of that key.
func (s *Shops) Leave(name, username string) (given string) {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.written {
		return cmp.Or(h.expected, h.holds.KustomID)
	}
	h.left = true
	if username != "" {
		h.expected, h.expectedAt = username, s.clock.Now()
	}
	return ""
}

// Present returns the username that this walk last saw in a shop; empty if the shop has none or was not read.
func (s *Shops) Present(name string) string {
	holds, _, _ := s.shop(name).recall()
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
		_, _, known := s.shop(name).recall()
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
