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

// withSlowShops runs a test in a synctest bubble, with n shops. Each has a key of its own, and takes a second to read.
func withSlowShops(t *testing.T, n int, test func(t *testing.T, s *fakeShops, shops *rotation.Shops)) {
	t.Helper()
	usernames := map[string]string{}
	for i := range n {
		usernames[shopName(i)] = "M1-" + shopName(i)
	}
	withShops(t, usernames, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.before = func(context.Context, string, string, int) error { time.Sleep(time.Second); return nil }
		test(t, s, shops)
	})
}

func shopName(i int) string { return fmt.Sprintf("shop-%02d", i) }

// wantEachReadOnce fails the test unless each shop was read once.
func (s *fakeShops) wantEachReadOnce(t *testing.T) {
	t.Helper()
	for name := range s.shops {
		if n := s.called(readCall, name); n != 1 {
			t.Errorf("%s was read %d times", name, n)
		}
	}
}

func TestHolders_ReadsEachShopOnceAndAllConcurrently(t *testing.T) {
	const n = 96
	withSlowShops(t, n, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		start := time.Now()
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if holders, _, err := shops.Holders(t.Context()); err != nil || len(holders) != n {
					t.Errorf("there are %d holders, error %v", len(holders), err)
				}
			})
			callers.Go(func() { wantCredentials(t, shops, "shop-07", "M1-shop-07") })
		}
		callers.Wait()
		s.wantEachReadOnce(t)
		if took := time.Since(start); took < 2*time.Second || took > 12*time.Second {
			t.Errorf("%d reads of 1s took %v", n, took)
		}
	})
}

// wantCredentials fails the test unless the shop holds the username.
func wantCredentials(t *testing.T, shops *rotation.Shops, shop, username string) {
	t.Helper()
	if credentials, err := shops.Credentials(t.Context(), shop); err != nil || credentials.KustomID != username {
		t.Errorf("shop %s holds %+v, error %v", shop, credentials, err)
	}
}

func TestCredentials_CachesMissingExtension(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "", "b": "M-b"})
	s.uninstalled["a"] = true
	shops := newShops(s, clock.System{})
	for range 3 {
		_, err := shops.Credentials(t.Context(), "a")
		if missing, ok := errors.AsType[*mystore.NotInstalledError](err); !ok || missing.Shop != "a" {
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

// While one caller reads a shop, another one waits. The cancellation of either ends its own call only.
func TestCredentials_CancelEndsOneCall(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("the first: %t", first), func(t *testing.T) {
			withShops(t, map[string]string{"a": "M-a"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				s.before = func(ctx context.Context, _, _ string, _ int) error { return clock.System{}.Sleep(ctx, time.Minute) }
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				var both sync.WaitGroup
				for _, cancelled := range []bool{first, !first} {
					both.Go(func() {
						if !cancelled {
							wantCredentials(t, shops, "a", "M-a")
						} else if _, err := shops.Credentials(ctx, "a"); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
							t.Errorf("after %v: %v", time.Since(start), err)
						}
					})
					synctest.Wait()
				}
				both.Wait()
			})
		})
	}
}

func TestCredentials_RedactsSecretInPlaceOfID(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "kco_live_api_entered_wrongly"})
	wantCredentials(t, newShops(s, clock.System{}), "a", rotation.SecretAsID)
}

func TestHolders_ReturnsSortedShopsAndUnreadableShops(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"c": "M-1", "a": "M-1", "b": "M-2", "d": "", "e": "M-1", "x": "M-3"})
	s.before = failShop("", "x", errLost)
	unknown := errors.New("mystore_tokens is not known yet")
	names := func() ([]string, error) { return []string{"e", "c", "x", "b", "a", "d"}, unknown }
	shops := rotation.NewShops(rotation.Options{Shops: s, Clock: clock.System{}, Names: func() ([]string, error) { return names() }})
	if _, _, err := shops.Holders(t.Context()); !errors.Is(err, unknown) {
		t.Errorf("the error is %v", err)
	}
	unknown = nil
	holders, failures, err := shops.Holders(t.Context())
	if want := map[string][]string{"M-1": {"a", "c", "e"}, "M-2": {"b"}}; err != nil || !reflect.DeepEqual(holders, want) {
		t.Errorf("the holders are %v, error %v", holders, err)
	}
	if len(failures) != 1 || failures[0].Shop != "x" || !errors.Is(failures[0].Err, errLost) {
		t.Errorf("the failures are %v", failures)
	}
}

// A page or a stale read may not show the extension.
func TestConfirmedCredentials_ReadsTwiceWithoutExtension(t *testing.T) {
	t.Parallel()
	for _, comesBack := range []bool{true, false} {
		t.Run(fmt.Sprintf("comes back: %t", comesBack), func(t *testing.T) {
			fake := clocktest.New(noon)
			s := newFakeShops(map[string]string{"a": "M1-a"})
			s.uninstalled["a"] = true
			s.before = func(_ context.Context, _, _ string, call int) error {
				s.uninstalled["a"] = !comesBack || call < 2
				return nil
			}
			shops := newShops(s, fake)
			credentials, err := shops.ConfirmedCredentials(t.Context(), "a")
			var missing *mystore.NotInstalledError
			if comesBack && (err != nil || credentials.KustomID != "M1-a") || !comesBack && !errors.As(err, &missing) {
				t.Errorf("the shop holds %+v, error %v", credentials, err)
			}
			if waited := fake.Now().Sub(noon); waited < rotation.PropagationDelay {
				t.Errorf("it read again after %v", waited)
			}
			_, _ = shops.ConfirmedCredentials(t.Context(), "a")
			if n := s.called(readCall, "a"); n != 2 {
				t.Errorf("it was read %d times", n)
			}
		})
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
