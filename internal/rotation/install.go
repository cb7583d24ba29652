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

// Pair is a key's username and secret.
type Pair struct {
	Username string
	Secret   kustom.Secret
}

const (
	// propagationWindow is how long a 401 is retried: a new key takes time to reach every node of the merchant
	// API.
	propagationWindow = time.Minute
	// initialBackoff and maxBackoff bound the wait between two attempts.
	initialBackoff = time.Second
	maxBackoff     = 8 * time.Second
	// maxWrites is how often an unconfirmed write of a pair is tried.
	maxWrites = 3
)

// Prove asks the merchant API whether a pair works, as [Shops.RetryWhilePropagating] does.
func (s *Shops) Prove(ctx context.Context, pair Pair) error {
	defer s.NoteOwnUse(pair.Username)
	return s.steps.run(ctx, StepProve, "", pair.Username, func() error {
		return s.RetryWhilePropagating(ctx, func() error { return s.prover.Prove(ctx, pair.Username, pair.Secret.Reveal()) })
	})
}

// RetryWhilePropagating makes a call of the merchant API that fails with a [*kustom.ProofError] if the pair is
// rejected. It retries a rejected call for a minute, or until ctx ends: a new key takes time to reach every
// node, and a rejected call has done nothing.
func (s *Shops) RetryWhilePropagating(ctx context.Context, call func() error) error {
	window, cancel := clock.WithTimeout(ctx, s.clock, propagationWindow)
	defer cancel()
	for wait := initialBackoff; ; wait = min(2*wait, maxBackoff) {
		err := call()
		var proof *kustom.ProofError
		if !errors.As(err, &proof) || proof.Verdict != kustom.VerdictRefused {
			return err
		}
		if s.clock.Sleep(window, wait) != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// Install writes a pair to a shop and reads it back (I1). The caller proves the pair first, unless the
// user has set verify = false.
// The error is a [*mystore.NotConfirmedError] if the shop accepted the pair and does not show whether it has
// it.
func (s *Shops) Install(ctx context.Context, name string, pair Pair) (credentials mystore.Credentials, err error) {
	ctx = withShop(ctx, name, "")
	h := s.shop(name)
	if err := h.turn.Acquire(ctx, 1); err != nil {
		return mystore.Credentials{}, fmt.Errorf("write the credentials of shop %s: %w", name, err)
	}
	defer h.turn.Release(1)
	h.startWrite(pair.Username)
	err = s.steps.run(ctx, StepInstall, "", pair.Username, func() error {
		credentials, err = s.write(ctx, name, h, pair)
		return err
	})
	if err == nil {
		err = s.steps.run(ctx, StepConfirm, "", pair.Username, func() error {
			credentials, err = s.confirmInstalled(ctx, name, h, pair.Username, credentials)
			return err
		})
	} else if notWritten(err) {
		h.cancelWrite()
	}
	if mystore.IsNotConfirmed(err) {
		s.cache.recordUnconfirmed(name, unconfirmedInstall{Username: pair.Username, InstalledAt: s.clock.Now(), OwnUse: s.clock.Now()})
	}
	return credentials, err
}

// write writes a pair and returns what the answer shows. The caller holds the shop's turn.
func (s *Shops) write(ctx context.Context, name string, h *shop, pair Pair) (mystore.Credentials, error) {
	before, _, known := h.cached()
	for try := 1; ; try++ {
		answer, err := s.service.Install(ctx, name, pair.Username, pair.Secret.Reveal())
		if err == nil || !isUncertain(err) || mystore.IsNotConfirmed(err) {
			return answer, err
		}
		// The answer was lost, so the shop may hold either pair. What it shows decides.
		h.invalidate()
		now, readErr := s.read(ctx, name, h)
		if readErr != nil {
			return mystore.Credentials{}, errors.Join(err, readErr)
		}
		if known && !SameMoment(now.UpdatedAt, before.UpdatedAt) && now.KustomID == pair.Username {
			return now, nil
		}
		if try == maxWrites {
			return mystore.Credentials{}, err
		}
		before, known = now, true
	}
}

// confirmInstalled reads a shop after an accepted write, until the shop shows the pair or its reads can't be
// stale any more. An answer that was read back counts as such a read. The caller holds the shop's turn.
func (s *Shops) confirmInstalled(ctx context.Context, name string, h *shop, want string, answer mystore.Credentials) (mystore.Credentials, error) {
	if answer.ReadBack && answer.KustomID == want && answer.Secret != mystore.SecretMissing {
		answer.ReadBack = false
		return s.recordRead(name, h, answer, nil)
	}
	written := s.clock.Now()
	for wait := initialReadBack; ; wait *= 2 {
		begun := s.clock.Now()
		got, err := s.read(ctx, name, h)
		if mystore.IsNotShown(err) {
			return mystore.Credentials{}, &mystore.NotConfirmedError{Shop: name}
		}
		if err != nil {
			return mystore.Credentials{}, fmt.Errorf("read the written credentials again: %w", err)
		}
		if got.KustomID == want && got.Secret != mystore.SecretMissing {
			return got, nil
		}
		if begun.Sub(written) >= PropagationDelay || s.clock.Sleep(ctx, wait) != nil {
			return mystore.Credentials{}, &MismatchError{Shop: name, Want: want, Got: got.KustomID}
		}
	}
}

// notWritten reports whether an installation's error says that nothing was written.
func notWritten(err error) bool {
	return isNotInstalled(err) || transport.DidNothing(err)
}
