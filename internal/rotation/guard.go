package rotation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// HeldError says that a key may not be deleted, because a shop takes payments with it (I1).
type HeldError struct {
	Username string
	Shops    []string
	// Left says that this run has just destroyed the shops' objects and left their credentials as
	// they were, so that waiting was pointless.
	Left bool
}

// Error implements error.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is still held by %s", e.Username, strings.Join(e.Shops, ", "))
}

// UnseenError says that a key may not be deleted, because not every shop could be asked whether it
// holds it (I1).
type UnseenError struct {
	Username string
	Cause    error
}

// Error implements error.
func (e *UnseenError) Error() string {
	return fmt.Sprintf("finding the shops that hold %s: %v", e.Username, e.Cause)
}

// Unwrap returns the cause.
func (e *UnseenError) Unwrap() error { return e.Cause }

const (
	// lookInterval is the wait between two looks at what this run itself has written.
	lookInterval = time.Second
	// askInterval is the wait between two questions to a shop that somebody else may be moving.
	askInterval = 5 * time.Second
)

// AwaitRelease returns when no configured shop holds the username any more, within the time that
// ctx allows; then the key may be deleted (I1). Otherwise it returns a [*HeldError] or an
// [*UnseenError], and the key must stay.
//
// The shops are waited for because Terraform does not always order a key's deletion after the
// update of the shop that held it. A wait may itself keep that update from starting, by taking up
// one of Terraform's few slots. So the waits of a walk share one fate: when the first has waited in
// vain, it and all later ones are refused at once, and the next run finds the shops moved on.
func (s *Shops) AwaitRelease(ctx context.Context, username string) error {
	holders, err := s.holders(ctx, username)
	if err != nil {
		return err
	}
	var unseen error
	for asked := s.clock.Now(); len(holders) > 0; holders = s.remaining(holders, username) {
		if s.pointless(holders) {
			return &HeldError{Username: username, Shops: holders, Left: s.allLeft(holders)}
		}
		if err := s.clock.Sleep(ctx, lookInterval); err != nil {
			return s.giveUp(err, unseen, &HeldError{Username: username, Shops: holders})
		}
		if s.clock.Now().Sub(asked) >= askInterval {
			// A question that fails is asked again, like one to which the answer is no. That the
			// time ran out during the last one says nothing of the shop.
			if err := s.ask(ctx, username, holders); !errors.Is(err, context.DeadlineExceeded) {
				unseen = err
			}
			asked = s.clock.Now()
		}
	}
	return nil
}

// holders returns the shops that hold username, by a read of this walk that is asked for again
// where it says that they do.
func (s *Shops) holders(ctx context.Context, username string) ([]string, error) {
	if err := s.readUnread(ctx); err != nil {
		return nil, &UnseenError{Username: username, Cause: err}
	}
	s.mu.Lock()
	shops := slices.Sorted(maps.Keys(s.held[username]))
	s.mu.Unlock()
	if err := s.ask(ctx, username, shops); err != nil {
		return nil, err
	}
	return s.remaining(shops, username), nil
}

// ask reads shops afresh.
func (s *Shops) ask(ctx context.Context, username string, shops []string) error {
	for _, name := range shops {
		if _, err := s.fresh(ctx, name); err != nil && !isNotInstalled(err) {
			return &UnseenError{Username: username, Cause: err}
		}
	}
	return nil
}

// remaining returns those of the shops that are not known to have moved on.
func (s *Shops) remaining(shops []string, username string) []string {
	var rest []string
	for _, name := range shops {
		if !s.shop(name).releases(username) {
			rest = append(rest, name)
		}
	}
	return rest
}

// pointless tells whether the shops will not move on in this walk.
func (s *Shops) pointless(shops []string) bool {
	s.mu.Lock()
	stalled := s.stalled
	s.mu.Unlock()
	return stalled || s.allLeft(shops)
}

func (s *Shops) allLeft(shops []string) bool {
	for _, name := range shops {
		h := s.shop(name)
		s.mu.Lock()
		left := h.left
		s.mu.Unlock()
		if !left {
			return false
		}
	}
	return true
}

// giveUp ends a wait for held to change. One that ran out of time, rather than being cancelled, ends
// all of them. Unseen is why the last question to a shop failed, if it did.
func (s *Shops) giveUp(err, unseen error, held *HeldError) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(held, err)
	}
	s.mu.Lock()
	s.stalled = true
	s.mu.Unlock()
	if unseen != nil {
		return unseen
	}
	return held
}
