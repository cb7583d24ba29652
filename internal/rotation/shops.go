// Package rotation knows what belongs to neither vendor alone: which Mystore shop holds which
// Kustom key, how a pair gets safely into a shop, and when a key may be deleted.
package rotation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// CredentialsService is what shops are read and changed through.
type CredentialsService interface {
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
	Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error)
	Clear(ctx context.Context, shop string) (mystore.Credentials, error)
}

// Shops knows, for one walk of Terraform over a configuration, what the configured shops hold. A
// shop is read when somebody first asks and then remembered; what is written through Shops it
// knows. It is safe for concurrent use.
type Shops struct {
	service CredentialsService
	prover  Prover
	clock   clock.Clock
	names   func() ([]string, error)

	mu    sync.Mutex
	shops map[string]*shop
	// held are the shops that hold each username, as far as is known, or will when a write arrives.
	held map[string]map[string]bool
	// configured are the shops that names lists, and unread those of them that are not known; nil until
	// all are asked for.
	configured, unread map[string]bool
	stalled            bool
}

// NewShops returns what is known of the shops that names lists, which is nothing yet. Other shops
// than those can be read and written as well.
func NewShops(service CredentialsService, prover Prover, c clock.Clock, names func() ([]string, error)) *Shops {
	return &Shops{service: service, prover: prover, clock: c, names: names, shops: map[string]*shop{}, held: map[string]map[string]bool{}}
}

// shop is what is known of one shop.
type shop struct {
	name string
	in   *Shops
	// turn is held by who reads or writes the shop, so that an answer that was under way before a
	// write is not taken for what came after it.
	turn chan struct{}

	// The rest is guarded by in.mu.
	known bool
	// expected is the username that has been written last, and not read since.
	expected string
	holds    mystore.Credentials
	// missing is set, and holds empty, where the shop has no Klarna Checkout V3.
	missing *mystore.NotInstalledError
	// left says that Terraform has destroyed the shop's object and left the shop as it was:
	// nothing in this walk will move it to another key.
	left bool
}

func (s *Shops) shop(name string) *shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.shops[name]
	if !ok {
		found = &shop{name: name, in: s, turn: make(chan struct{}, 1)}
		s.shops[name] = found
	}
	return found
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

// recall returns what is known of the shop: what it holds, or why it can't hold anything.
func (h *shop) recall() (holds mystore.Credentials, missing error, known bool) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if h.missing != nil {
		return mystore.Credentials{}, h.missing, h.known
	}
	return h.holds, nil, h.known
}

// learn remembers the outcome of a read. Of a failed one nothing is remembered, but that the shop is not
// known any more: it may hold any key.
func (h *shop) learn(holds mystore.Credentials, err error) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	delete(h.in.held[h.holds.KustomID], h.name)
	delete(h.in.held[h.expected], h.name)
	h.missing, h.expected = nil, ""
	h.known = err == nil || errors.As(err, &h.missing)
	h.holds = holds
	if !h.known {
		h.unlearn()
		return
	}
	delete(h.in.unread, h.name)
	h.in.hold(holds.KustomID, h.name)
}

// expect notes that username is about to be written. From now on the shop may hold it.
func (h *shop) expect(username string) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.expected = username
	h.in.hold(username, h.name)
}

// hold notes who holds a username. The caller holds s.mu.
func (s *Shops) hold(username, name string) {
	if s.held[username] == nil {
		s.held[username] = map[string]bool{}
	}
	s.held[username][name] = true
}

// forget makes the shop unknown: somebody may have changed it.
func (h *shop) forget() {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.unlearn()
}

// unlearn is forget. The caller holds in.mu.
func (h *shop) unlearn() {
	h.known = false
	if h.in.configured[h.name] {
		h.in.unread[h.name] = true
	}
}

// releases tells whether the shop is known not to hold username.
func (h *shop) releases(username string) bool {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	return h.known && h.holds.KustomID != username
}

// Credentials returns what a shop holds, reading it if nobody has yet.
func (s *Shops) Credentials(ctx context.Context, name string) (mystore.Credentials, error) {
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", name, err)
	}
	defer release()
	if holds, missing, known := h.recall(); known {
		return holds, missing
	}
	return s.read(ctx, name, h)
}

// fresh reads a shop whatever is known of it. The caller must not hold its turn.
func (s *Shops) fresh(ctx context.Context, name string) (mystore.Credentials, error) {
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", name, err)
	}
	defer release()
	return s.read(ctx, name, h)
}

// read reads a shop and remembers the answer. The caller holds the shop's turn.
func (s *Shops) read(ctx context.Context, name string, h *shop) (mystore.Credentials, error) {
	holds, err := s.service.Credentials(ctx, name)
	holds.KustomID = withoutSecret(holds.KustomID)
	h.learn(holds, err)
	return holds, err
}

// SecretAsID stands for what a shop shows as its Kustom ID where that is a secret: people enter the
// two in each other's place. The secret itself goes no further (I2).
const SecretAsID = "(a secret)"

func withoutSecret(id string) string {
	if kustom.FindSecret(id) != "" {
		return SecretAsID
	}
	return id
}

// Clear empties a shop's credentials.
func (s *Shops) Clear(ctx context.Context, name string) error {
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return fmt.Errorf("clearing the credentials of shop %s: %w", name, err)
	}
	defer release()
	holds, cause := s.service.Clear(ctx, name)
	if cause != nil && !transport.IsUncertain(cause) {
		return cause
	}
	holds.KustomID = withoutSecret(holds.KustomID)
	h.learn(holds, cause)
	if cause != nil {
		if holds, err = s.read(ctx, name, h); err != nil {
			return errors.Join(cause, err)
		}
	}
	if holds.KustomID != "" {
		return errors.Join(&MismatchError{Shop: name, Got: holds.KustomID}, cause)
	}
	return nil
}

// Leave notes that a shop keeps, for this walk, what it holds.
func (s *Shops) Leave(name string) { s.shop(name).stay(true) }

func (h *shop) stay(left bool) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.left = left
}

// ConcurrentReads is how many shops are read at once at most. Each has a token and an allowance of its
// own.
const ConcurrentReads = 32

// Holders returns the configured shops that hold each username, by username; the shops are sorted.
// It fails when a single shop can't be read: a shop that one can't see may hold any key.
func (s *Shops) Holders(ctx context.Context) (map[string][]string, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	held, err := s.readAll(ctx, names)
	if err != nil {
		return nil, err
	}
	holders := map[string][]string{}
	for i, username := range held {
		if username != "" {
			holders[username] = append(holders[username], names[i])
		}
	}
	for _, shops := range holders {
		slices.Sort(shops)
	}
	return holders, nil
}

// readUnread reads the configured shops that are not known.
func (s *Shops) readUnread(ctx context.Context) error {
	unread, err := s.allUnread()
	if err != nil {
		return err
	}
	_, err = s.readAll(ctx, unread)
	return err
}

// readAll reads shops, unless they are known, and returns the usernames that they hold: none where a
// shop has no Klarna Checkout V3.
func (s *Shops) readAll(ctx context.Context, names []string) ([]string, error) {
	held := make([]string, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(ConcurrentReads)
	for i, name := range names {
		group.Go(func() error {
			holds, err := s.Credentials(ctx, name)
			if err != nil && !isNotInstalled(err) {
				return err
			}
			held[i] = holds.KustomID
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return held, nil
}

// allUnread returns the configured shops that are not known.
func (s *Shops) allUnread() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread == nil {
		names, err := s.names()
		if err != nil {
			return nil, err
		}
		s.configured, s.unread = map[string]bool{}, map[string]bool{}
		for _, name := range names {
			s.configured[name] = true
			if found, ok := s.shops[name]; !ok || !found.known {
				s.unread[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(s.unread)), nil
}

// isNotInstalled tells whether err says that a shop has no Klarna Checkout V3, and so holds no key.
func isNotInstalled(err error) bool {
	var missing *mystore.NotInstalledError
	return errors.As(err, &missing)
}
