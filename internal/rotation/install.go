package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Prover tells whether a pair works.
type Prover interface {
	// Prove returns nil, or a [*kustom.ProofError].
	Prove(ctx context.Context, username, secret string) error
}

// Pair is a key's username and secret.
type Pair struct{ Username, Secret string }

const (
	// spreading is how long a refusal is doubted: a key that is seconds old may not have reached
	// every node of the merchant API yet.
	spreading = time.Minute
	// firstDoubt and longestDoubt bound the wait between two attempts meanwhile.
	firstDoubt   = time.Second
	longestDoubt = 8 * time.Second
	// writes is how often a pair is written whose writing is never confirmed.
	writes = 3
	// readBacks is how often a shop is looked at for what was written, readBackWait apart.
	readBacks    = 3
	readBackWait = 2 * time.Second
)

// MismatchError says that a shop shows something else than what was written into it.
type MismatchError struct{ Shop, Want, Got string }

// Error implements error.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("shop %s shows %q after %q was written", e.Shop, e.Got, e.Want)
}

// Prove asks the merchant API whether a pair works, as [Shops.Patiently] does.
func (s *Shops) Prove(ctx context.Context, pair Pair) error {
	return s.Patiently(ctx, func() error { return s.prover.Prove(ctx, pair.Username, pair.Secret) })
}

// Patiently makes a call of the merchant API that fails with a [*kustom.ProofError] where the pair
// is refused. For a minute, or as long as ctx allows, a refusal is not taken as the last word, and
// the call is made again: a refused call has done nothing.
func (s *Shops) Patiently(ctx context.Context, call func() error) error {
	patience, cancel := clock.WithTimeout(ctx, s.clock, spreading)
	defer cancel()
	for wait := firstDoubt; ; wait = min(2*wait, longestDoubt) {
		err := call()
		var proof *kustom.ProofError
		if !errors.As(err, &proof) || proof.Verdict != kustom.VerdictRefused {
			return err
		}
		if s.clock.Sleep(patience, wait) != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// Install writes a pair into a shop and reads it back (I1). Unless the pair comes from a caller
// who has proven it, or does not want to, [Shops.Prove] comes first.
func (s *Shops) Install(ctx context.Context, name string, pair Pair) (mystore.Credentials, error) {
	h := s.shop(name)
	release, err := h.take(ctx)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("writing the credentials of shop %s: %w", name, err)
	}
	defer release()
	h.stay(false)
	h.expect(pair.Username)
	if err := s.write(ctx, name, h, pair); err != nil {
		return mystore.Credentials{}, err
	}
	return s.readBack(ctx, name, h, pair.Username)
}

// write writes a pair. The caller holds the shop's turn.
func (s *Shops) write(ctx context.Context, name string, h *shop, pair Pair) error {
	before, _, known := h.recall()
	for try := 1; ; try++ {
		_, err := s.service.Install(ctx, name, pair.Username, pair.Secret)
		if err == nil || !transport.IsUncertain(err) {
			return err
		}
		// The answer was lost: the shop may hold the one pair or the other. What it shows decides.
		h.forget()
		now, readErr := s.read(ctx, name, h)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		if known && now.UpdatedAt != before.UpdatedAt && now.KustomID == pair.Username {
			return nil
		}
		if try == writes {
			return err
		}
		before, known = now, true
	}
}

// readBack reads what a shop shows after a write. The caller holds the shop's turn.
func (s *Shops) readBack(ctx context.Context, name string, h *shop, want string) (mystore.Credentials, error) {
	for look := 1; ; look++ {
		got, err := s.read(ctx, name, h)
		if err != nil {
			return mystore.Credentials{}, fmt.Errorf("reading back what was written: %w", err)
		}
		if got.KustomID == want && got.SecretSet {
			return got, nil
		}
		if look == readBacks || s.clock.Sleep(ctx, readBackWait) != nil {
			return mystore.Credentials{}, &MismatchError{Shop: name, Want: want, Got: got.KustomID}
		}
	}
}
