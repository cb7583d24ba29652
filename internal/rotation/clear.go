package rotation

import (
	"context"
	"errors"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Clear empties a shop that still holds what the caller has given it: the pair with this username, unchanged
// since the moment updatedAt where that is known, and not given anew by another object of this walk. Whatever
// else the shop holds is somebody else's by now; it is left alone, and cleared is false.
func (s *Shops) Clear(ctx context.Context, name, username, updatedAt string) (cleared bool, err error) {
	ctx = withShop(ctx, name, "")
	s.steps.record(ctx, StepClear, "", username, Started, nil)
	cleared, err = s.clear(ctx, name, username, updatedAt)
	outcome := outcomeOf(err)
	if err == nil && !cleared {
		outcome = Kept
	}
	s.steps.record(ctx, StepClear, "", username, outcome, err)
	return cleared, err
}

// clear does the work of Clear.
func (s *Shops) clear(ctx context.Context, name, username, updatedAt string) (cleared bool, err error) {
	h := s.shop(name)
	release, err := h.acquire(ctx)
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
	if h.wasWritten() || changed || holds.KustomID != username {
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

// clearAndConfirm deletes a shop's credentials and checks the result. The caller holds the shop's turn.
func (s *Shops) clearAndConfirm(ctx context.Context, name string, h *shop) error {
	_, cause := s.service.Clear(ctx, name)
	if cause != nil && !isUncertain(cause) {
		return cause
	}
	h.invalidate()
	begun := s.clock.Now()
	for wait := initialReadBack; ; wait *= 2 {
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

// ClearedUsername returns the username that a shop had when this walk emptied it, empty where it has not, or has given the shop
// another key since. What the shop gets next must be of the same store, as if it had that key still.
func (s *Shops) ClearedUsername(name string) string {
	h := s.shop(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.clearedUsername
}
