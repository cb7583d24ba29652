package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// fleet is n shops, each on a key of its own.
func fleet(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("shop-%02d", i)] = fmt.Sprintf("M-%02d", i)
	}
	return all
}

func slowly(context.Context, string, string, int) error {
	time.Sleep(time.Second)
	return nil
}

func TestI7EachShopIsReadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(fleet(40))
		s.before = slowly
		shops := shopsOf(s, clock.System{})
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				holders, err := shops.Holders(t.Context())
				if err != nil || len(holders) != 40 {
					t.Errorf("there are %d holders, error %v", len(holders), err)
				}
			})
			callers.Go(func() {
				if holds, err := shops.Credentials(t.Context(), "shop-07"); err != nil || holds.KustomID != "M-07" {
					t.Errorf("the shop holds %+v, error %v", holds, err)
				}
			})
		}
		callers.Wait()
		for name := range s.shops {
			if n := s.called(read, name); n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
	})
}

// TestHoldersReadsManyShopsAtOnce, but not all of a large fleet.
func TestHoldersReadsManyShopsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(fleet(96))
		s.before = slowly
		start := time.Now()
		if _, err := shopsOf(s, clock.System{}).Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 12*time.Second {
			t.Errorf("96 reads of 1s took %v", took)
		}
	})
}

func TestNotInstalledIsRemembered(t *testing.T) {
	t.Parallel()
	s := newService(map[string]string{"a": "", "b": "M-b"})
	s.absent["a"] = true
	shops := shopsOf(s, clock.System{})
	for range 3 {
		_, err := shops.Credentials(t.Context(), "a")
		var missing *mystore.NotInstalledError
		if !errors.As(err, &missing) || missing.Shop != "a" {
			t.Errorf("the error is %v", err)
		}
	}
	if n := s.called(read, "a"); n != 1 {
		t.Errorf("it was read %d times", n)
	}
	holders, err := shops.Holders(t.Context())
	if want := map[string][]string{"M-b": {"b"}}; err != nil || !reflect.DeepEqual(holders, want) {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	s := newService(map[string]string{"a": "M-a"})
	s.before = func(_ context.Context, _, _ string, call int) error {
		if call == 1 {
			return errLost
		}
		return nil
	}
	shops := shopsOf(s, clock.System{})
	if _, err := shops.Credentials(t.Context(), "a"); !errors.Is(err, errLost) {
		t.Errorf("the error is %v", err)
	}
	if holds, err := shops.Credentials(t.Context(), "a"); err != nil || holds.KustomID != "M-a" {
		t.Errorf("the shop holds %+v, error %v", holds, err)
	}
}

// TestAnotherReadersCancellationIsNotMine: who waits for a read that is given up reads for himself.
func TestAnotherReadersCancellationIsNotMine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(map[string]string{"a": "M-a"})
		s.before = func(ctx context.Context, _, _ string, _ int) error { return clock.System{}.Sleep(ctx, time.Minute) }
		shops := shopsOf(s, clock.System{})
		ctx, cancel := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := shops.Credentials(ctx, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		})
		synctest.Wait()
		both.Go(func() {
			if holds, err := shops.Credentials(t.Context(), "a"); err != nil || holds.KustomID != "M-a" {
				t.Errorf("the shop holds %+v, error %v", holds, err)
			}
		})
		synctest.Wait()
		cancel()
		both.Wait()
	})
}

// TestI6WaitingForAReaderCanBeCancelled: at once.
func TestI6WaitingForAReaderCanBeCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(map[string]string{"a": "M-a"})
		s.before = func(context.Context, string, string, int) error { time.Sleep(time.Hour); return nil }
		shops := shopsOf(s, clock.System{})
		go func() { _, _ = shops.Credentials(t.Context(), "a") }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		if _, err := shops.Credentials(ctx, "a"); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(2 * time.Hour)
	})
}

// TestI1HoldersOfAllOrNothing: a shop that can't be read may hold any key.
func TestI1HoldersOfAllOrNothing(t *testing.T) {
	t.Parallel()
	s := newService(map[string]string{"a": "M-a", "b": "M-b", "c": "M-c"})
	s.before = func(_ context.Context, _, shop string, _ int) error {
		if shop == "b" {
			return errLost
		}
		return nil
	}
	if holders, err := shopsOf(s, clock.System{}).Holders(t.Context()); !errors.Is(err, errLost) || holders != nil {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
	unknown := errors.New("mystore_tokens is not known yet")
	shops := rotation.NewShops(s, nil, clock.System{}, func() ([]string, error) { return nil, unknown })
	if _, err := shops.Holders(t.Context()); !errors.Is(err, unknown) {
		t.Errorf("the error is %v", err)
	}
}

func TestHoldersAreSorted(t *testing.T) {
	t.Parallel()
	s := newService(map[string]string{"c": "M-1", "a": "M-1", "b": "M-2", "d": "", "e": "M-1"})
	names := func() ([]string, error) { return []string{"e", "c", "b", "a", "d"}, nil }
	holders, err := rotation.NewShops(s, nil, clock.System{}, names).Holders(t.Context())
	if want := map[string][]string{"M-1": {"a", "c", "e"}, "M-2": {"b"}}; err != nil || !reflect.DeepEqual(holders, want) {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, after error // of the write
		readFails     bool
		absent        bool
		// holds is what the shop holds in the end.
		fails bool
		holds string
	}{
		"cleared":                {},
		"answer lost":            {after: errLost},
		"request lost":           {before: errLost, fails: true, holds: "M-a"},
		"answer lost, read lost": {after: errLost, readFails: true, fails: true},
		"refused":                {before: errRefused, fails: true, holds: "M-a"},
		"not installed":          {absent: true, fails: true, holds: "M-a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(map[string]string{"a": "M-a"})
			s.absent["a"] = test.absent
			s.before = func(_ context.Context, kind, _ string, call int) error {
				if kind == write {
					return test.before
				}
				if test.readFails && call == 2 {
					return errLost
				}
				return nil
			}
			s.after = func(_ context.Context, kind, _ string, _ int) error {
				if kind == write {
					return test.after
				}
				return nil
			}
			shops := shopsOf(s, clock.System{})
			_, _ = shops.Credentials(t.Context(), "a") // what it knows now has to change
			if err := shops.Clear(t.Context(), "a"); (err != nil) != test.fails {
				t.Errorf("the error is %v", err)
			}
			s.absent["a"] = false
			if !test.absent {
				if holds, err := shops.Credentials(t.Context(), "a"); err != nil || holds.KustomID != test.holds {
					t.Errorf("the shop is taken to hold %+v, error %v", holds, err)
				}
			}
			if got := s.shops["a"].KustomID; got != test.holds {
				t.Errorf("the shop holds %q", got)
			}
		})
	}
}
