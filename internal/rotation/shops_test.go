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
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// shopsWithOwnKeys returns n shops, each with a key of its own.
func shopsWithOwnKeys(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("shop-%02d", i)] = fmt.Sprintf("M-%02d", i)
	}
	return all
}

func sleepASecond(context.Context, string, string, int) error {
	time.Sleep(time.Second)
	return nil
}

func TestShops_ReadsEachShopOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(shopsWithOwnKeys(40))
		s.before = sleepASecond
		shops := newShops(s, clock.System{})
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				holders, _, err := shops.Holders(t.Context())
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
			if n := s.called(readCall, name); n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
	})
}

func TestHolders_ReadsShopsConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(shopsWithOwnKeys(96))
		s.before = sleepASecond
		start := time.Now()
		if _, _, err := newShops(s, clock.System{}).Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 12*time.Second {
			t.Errorf("96 reads of 1s took %v", took)
		}
	})
}

func TestCredentials_CachesMissingExtension(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "", "b": "M-b"})
	s.uninstalled["a"] = true
	shops := newShops(s, clock.System{})
	for range 3 {
		_, err := shops.Credentials(t.Context(), "a")
		var missing *mystore.NotInstalledError
		if !errors.As(err, &missing) || missing.Shop != "a" {
			t.Errorf("the error is %v", err)
		}
	}
	if n := s.called(readCall, "a"); n != 1 {
		t.Errorf("it was read %d times", n)
	}
	holders, _, err := shops.Holders(t.Context())
	if want := map[string][]string{"M-b": {"b"}}; err != nil || !reflect.DeepEqual(holders, want) {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
}

func TestCredentials_DoesNotCacheFailures(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "M-a"})
	s.before = func(_ context.Context, _, _ string, call int) error {
		if call == 1 {
			return errLost
		}
		return nil
	}
	shops := newShops(s, clock.System{})
	if _, err := shops.Credentials(t.Context(), "a"); !errors.Is(err, errLost) {
		t.Errorf("the error is %v", err)
	}
	if holds, err := shops.Credentials(t.Context(), "a"); err != nil || holds.KustomID != "M-a" {
		t.Errorf("the shop holds %+v, error %v", holds, err)
	}
}

func TestCredentials_CancelEndsOneReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(map[string]string{"a": "M-a"})
		s.before = func(ctx context.Context, _, _ string, _ int) error { return clock.System{}.Sleep(ctx, time.Minute) }
		shops := newShops(s, clock.System{})
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

func TestCredentials_WaitCanBeCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(map[string]string{"a": "M-a"})
		s.before = func(context.Context, string, string, int) error { time.Sleep(time.Hour); return nil }
		shops := newShops(s, clock.System{})
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

func TestHolders_ReturnsUnreadableShops(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "M1-a", "b": "M1-b", "c": "M1-c"})
	s.before = failShop("", "b", errLost)
	holders, failures, err := newShops(s, clock.System{}).Holders(t.Context())
	if want := map[string][]string{"M1-a": {"a"}, "M1-c": {"c"}}; err != nil || !reflect.DeepEqual(holders, want) {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
	if len(failures) != 1 || failures[0].Shop != "b" || !errors.Is(failures[0].Err, errLost) {
		t.Errorf("the failures are %v", failures)
	}
	unknown := errors.New("mystore_tokens is not known yet")
	shops := rotation.NewShops(rotation.Options{Shops: s, Clock: clock.System{}, Names: func() ([]string, error) { return nil, unknown }})
	if _, _, err := shops.Holders(t.Context()); !errors.Is(err, unknown) {
		t.Errorf("the error is %v", err)
	}
}

func TestHolders_SortsShops(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"c": "M-1", "a": "M-1", "b": "M-2", "d": "", "e": "M-1"})
	names := func() ([]string, error) { return []string{"e", "c", "b", "a", "d"}, nil }
	holders, _, err := rotation.NewShops(rotation.Options{Shops: s, Clock: clock.System{}, Names: names}).Holders(t.Context())
	if want := map[string][]string{"M-1": {"a", "c", "e"}, "M-2": {"b"}}; err != nil || !reflect.DeepEqual(holders, want) {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
}

func TestSameMoment_ComparesOffsetsAndFractions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"", "", true},
		{"2026-03-10T12:00:00Z", "2026-03-10T12:00:00+00:00", true},
		{"2026-03-10T12:00:00Z", "2026-03-10T14:00:00.000+02:00", true},
		{"2026-03-10T12:00:00Z", "2026-03-10T12:00:00+02:00", false},
		{"2026-03-10T12:00:00.5Z", "2026-03-10T12:00:00Z", false},
		{"7", "7", true},
		{"7", "07", false},
		{"", "2026-03-10T12:00:00Z", false},
	} {
		if got := rotation.SameMoment(test.a, test.b); got != test.same {
			t.Errorf("%q and %q are the same moment: %t", test.a, test.b, got)
		}
	}
}

func TestConfirmedCredentials_ReadsTwiceWithoutExtension(t *testing.T) {
	t.Parallel()
	for _, comesBack := range []bool{true, false} {
		t.Run(fmt.Sprintf("comes back: %t", comesBack), func(t *testing.T) {
			t.Parallel()
			fake := clocktest.New(noon)
			s := newFakeShops(map[string]string{"a": "M1-a"})
			s.uninstalled["a"] = true
			s.before = func(_ context.Context, _, _ string, call int) error {
				if comesBack && call == 2 {
					s.uninstalled["a"] = false
				}
				return nil
			}
			shops := newShops(s, fake)
			holds, err := shops.ConfirmedCredentials(t.Context(), "a")
			var missing *mystore.NotInstalledError
			if comesBack && (err != nil || holds.KustomID != "M1-a") || !comesBack && !errors.As(err, &missing) {
				t.Errorf("the shop holds %+v, error %v", holds, err)
			}
			if waited := fake.Now().Sub(noon); waited < rotation.PropagationDelay {
				t.Errorf("it looked again after %v", waited)
			}
			// Confirmed once, it is not read again.
			_, _ = shops.ConfirmedCredentials(t.Context(), "a")
			if n := s.called(readCall, "a"); n != 2 {
				t.Errorf("it was read %d times", n)
			}
		})
	}
}

func TestCredentials_RedactsSecretInPlaceOfID(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "kco_live_api_entered_wrongly"})
	if holds, err := newShops(s, clock.System{}).Credentials(t.Context(), "a"); err != nil || holds.KustomID != rotation.SecretAsID {
		t.Errorf("the shop holds %+v, error %v", holds, err)
	}
}
