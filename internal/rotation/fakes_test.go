package rotation_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

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
	errLost    = &transport.Error{Kind: transport.NoAnswer, Uncertain: true, Err: errors.New("connection reset")}
	errRefused = &transport.Error{Kind: transport.Refused, Status: 422, Body: transport.BodyJSON}
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
}

// newService is a Mystore whose shops hold these usernames; an empty one is none.
func newService(shops map[string]string) *service {
	s := &service{shops: map[string]mystore.Credentials{}, absent: map[string]bool{}, calls: map[string]int{}}
	for name, username := range shops {
		s.shops[name] = mystore.Credentials{KustomID: username, SecretSet: username != ""}
	}
	return s
}

func (s *service) Credentials(ctx context.Context, shop string) (mystore.Credentials, error) {
	return s.do(ctx, read, shop, func() {})
}

func (s *service) Install(ctx context.Context, shop, kustomID, _ string) (mystore.Credentials, error) {
	return s.do(ctx, write, shop, func() { s.set(shop, kustomID) })
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
	holds := s.shops[shop]
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

// set expects the lock held.
func (s *service) set(shop, username string) {
	s.writes++
	s.shops[shop] = mystore.Credentials{
		KustomID: username, SecretSet: username != "", UpdatedAt: strconv.Itoa(s.writes),
	}
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
	proofs   int
}

func (p *prover) Prove(_ context.Context, username, _ string) error {
	verdict := p.verdicts[min(p.proofs, len(p.verdicts)-1)]
	p.proofs++
	if verdict == "" {
		return nil
	}
	return &kustom.ProofError{Username: username, Verdict: verdict, Cause: errors.New("401")}
}

func shopsOf(s *service, c clock.Clock) *rotation.Shops {
	return rotation.NewShops(s, &prover{verdicts: []kustom.Verdict{""}}, c, s.names)
}

func held(t *testing.T, err error) *rotation.HeldError {
	t.Helper()
	var h *rotation.HeldError
	if !errors.As(err, &h) {
		t.Fatalf("the error is %v", err)
	}
	return h
}

func wantHeld(t *testing.T, err error) {
	t.Helper()
	_ = held(t, err)
}

func wantUnseen(t *testing.T, err error) {
	t.Helper()
	var unseen *rotation.UnseenError
	if !errors.As(err, &unseen) {
		t.Fatalf("the error is %v", err)
	}
}
