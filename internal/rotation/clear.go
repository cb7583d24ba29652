package rotation

import (
	"context"
	"errors"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Clear clears a shop that still holds the caller's pair: it has this username, it has not been changed since
// updatedAt, unless that is empty, and no other object of this run has installed a key. Otherwise Clear leaves the
// shop unchanged, and cleared is false.
func (s *Shops) Clear(ctx context.Context, name, username, updatedAt string) (cleared bool, err error) {
	ctx = withShop(ctx, name, "")
	s.steps.record(ctx, StepClear, "", username, Started, nil)
	err = transport.WhileOutdated(func() error {
		cleared, err = s.clear(ctx, name, username, updatedAt)
		return err
	})
	outcome := outcomeOf(err)
	if err == nil && !cleared {
		outcome = Kept
	}
	s.steps.record(ctx, StepClear, "", username, outcome, err)
	return cleared, err
}

// clear is Clear without the journal.
func (s *Shops) clear(ctx context.Context, name, username, updatedAt string) (cleared bool, err error) {
	h := s.shop(name)
	if err := h.turn.Acquire(ctx, 1); err != nil {
		return false, fmt.Errorf("clear the credentials of shop %s: %w", name, err)
	}
	defer h.turn.Release(1)
	credentials, err := s.read(ctx, name, h)
	if isNotInstalled(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if credentials.KustomID == "" && credentials.Secret != mystore.SecretSet {
		return true, nil
	}
	changed := updatedAt != "" && !SameMoment(credentials.UpdatedAt, updatedAt)
	if h.wasWritten() || changed || credentials.KustomID != username {
		return false, nil
	}
	if err := s.clearAndConfirm(ctx, name, h); err != nil {
		return true, err
	}
	s.mu.Lock()
	h.clearedUsername = username
	s.mu.Unlock()
	return true, nil
}

// clearAndConfirm removes a shop's credentials and reads the shop back. The caller has acquired the shop.
func (s *Shops) clearAndConfirm(ctx context.Context, name string, h *shop) error {
	_, cause := s.service.Clear(ctx, name)
	if cause != nil && !isUncertain(cause) {
		return cause
	}
	h.invalidate()
	begun := s.clock.Now()
	for wait := initialReadBack; ; wait *= 2 {
		credentials, err := s.read(ctx, name, h)
		if err != nil {
			return errors.Join(cause, err)
		}
		if credentials.KustomID == "" {
			return nil
		}
		if s.clock.Now().Sub(begun) >= PropagationDelay || s.clock.Sleep(ctx, wait) != nil {
			return errors.Join(&MismatchError{Shop: name, Got: credentials.KustomID}, cause)
		}
	}
}

// ClearedUsername returns the username that a shop had when this run cleared it. It is empty if the run has not
// cleared the shop, or has installed a key since. The shop's next key must belong to the same store.
func (s *Shops) ClearedUsername(name string) string {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.clearedUsername
}
