package rotation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	read  = "read"
	write = "write"
)

var (
	errLost    = &transport.Error{Method: http.MethodPut, Kind: transport.NoAnswer, Uncertain: true, Err: errors.New("connection reset")}
	errRefused = &transport.Error{Method: http.MethodPut, Kind: transport.Refused, Status: 422, Body: transport.BodyJSON}
)

// service is a Mystore in memory.
type service struct {
	// before and after are called, where they are set, around what a call does; an error of theirs
	// is the answer. call counts the calls of that kind to that shop, from 1.
	before, after func(ctx context.Context, kind, shop string, call int) error

	mu     sync.Mutex
	shops  map[string]mystore.Credentials
	absent map[string]bool
	calls  map[string]int
	writes int
	// secrets has the secrets that were written last.
	secrets map[string]string
	// lag is how long reads go on showing what a shop held before; clock tells the time then.
	lag     time.Duration
	clock   clock.Clock
	changes map[string][]change
}

// change is what a shop held before a moment.
type change struct {
	until time.Time
	held  mystore.Credentials
}

// newService is a Mystore whose shops hold these usernames; an empty one is none.
func newService(shops map[string]string) *service {
	s := &service{
		shops: map[string]mystore.Credentials{}, absent: map[string]bool{}, calls: map[string]int{}, secrets: map[string]string{},
		changes: map[string][]change{}, clock: clock.System{},
	}
	for name, username := range shops {
		s.shops[name] = mystore.Credentials{KustomID: username, Secret: secretOf(username)}
	}
	return s
}

func (s *service) Credentials(ctx context.Context, shop string) (mystore.Credentials, error) {
	return s.do(ctx, read, shop, func() {})
}

func (s *service) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	return s.do(ctx, write, shop, func() { s.set(shop, kustomID); s.secrets[shop] = kustomSecret })
}

func (s *service) Clear(ctx context.Context, shop string) (mystore.Credentials, error) {
	return s.do(ctx, write, shop, func() { s.set(shop, "") })
}

func (s *service) do(ctx context.Context, kind, shop string, work func()) (mystore.Credentials, error) {
	call := s.count(kind, shop)
	if s.before != nil {
		if err := s.before(ctx, kind, shop, call); err != nil {
			return mystore.Credentials{}, err
		}
	}
	if ctx.Err() != nil {
		return mystore.Credentials{}, ctx.Err()
	}
	s.mu.Lock()
	absent := s.absent[shop]
	if !absent {
		work()
	}
	holds := s.shown(kind, shop)
	s.mu.Unlock()
	if absent {
		return mystore.Credentials{}, &mystore.NotInstalledError{Shop: shop}
	}
	if s.after != nil {
		if err := s.after(ctx, kind, shop, call); err != nil {
			return mystore.Credentials{}, err
		}
	}
	return holds, nil
}

// secretOf is what a shop that holds this username shows of its secret.
func secretOf(username string) mystore.SecretState {
	if username == "" {
		return mystore.SecretMissing
	}
	return mystore.SecretSet
}

// set expects the lock held.
func (s *service) set(shop, username string) {
	s.writes++
	s.changes[shop] = append(s.changes[shop], change{until: s.clock.Now(), held: s.shops[shop]})
	s.shops[shop] = mystore.Credentials{
		KustomID: username, Secret: secretOf(username), UpdatedAt: strconv.Itoa(s.writes),
	}
}

// shown is what an answer shows of a shop. It expects the lock held.
func (s *service) shown(kind, shop string) mystore.Credentials {
	for _, c := range s.changes[shop] {
		if kind == read && s.clock.Now().Sub(c.until) < s.lag {
			return c.held
		}
	}
	return s.shops[shop]
}

// holds is the username that a shop really holds.
func (s *service) holds(shop string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shops[shop].KustomID
}

// move is what somebody does by hand.
func (s *service) move(shop, username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(shop, username)
}

func (s *service) count(kind, shop string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[kind+" "+shop]++
	return s.calls[kind+" "+shop]
}

func (s *service) called(kind, shop string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[kind+" "+shop]
}

func (s *service) names() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.shops {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// prover answers proof n with verdicts[n], and all that come after the last one with that; an empty
// verdict accepts the pair.
type prover struct {
	verdicts []kustom.Verdict
	// onProof is called, where it is set, at each proof.
	onProof func()

	mu     sync.Mutex
	proofs int
}

func (p *prover) Prove(_ context.Context, username, _ string) error {
	if p.onProof != nil {
		p.onProof()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	verdict := p.verdicts[min(p.proofs, len(p.verdicts)-1)]
	p.proofs++
	if verdict == "" {
		return nil
	}
	return &kustom.ProofError{Username: username, Verdict: verdict, Cause: errors.New("401")}
}

func shopsOf(s *service, c clock.Clock) *rotation.Shops {
	return rotation.NewShops(rotation.Options{Shops: s, Merchant: &prover{verdicts: []kustom.Verdict{""}}, Clock: c, Names: s.names})
}

func held(t *testing.T, err error) *rotation.KeyInUseError {
	t.Helper()
	var h *rotation.KeyInUseError
	if !errors.As(err, &h) {
		t.Fatalf("the error is %v", err)
	}
	return h
}

func wantInUse(t *testing.T, err error) {
	t.Helper()
	_ = held(t, err)
}

func wantUnknown(t *testing.T, err error) *rotation.KeyUsageUnknownError {
	t.Helper()
	var unknown *rotation.KeyUsageUnknownError
	if !errors.As(err, &unknown) {
		t.Fatalf("the error is %v", err)
	}
	return unknown
}

// orphan is a key of store M1 that is to be deleted.
func orphan(username string) kustom.Orphan {
	return kustom.Orphan{MerchantID: "M1", CredentialID: "id-" + username, Username: username}
}
