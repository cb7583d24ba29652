package rotation_test

import (
	"context"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestClear_ReadsShopBack(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, after error // of the write
		readFails     bool
		absent        bool
		fails         bool
		// holds is the username that the shop holds in the end.
		holds string
	}{
		"cleared":                {},
		"answer lost":            {after: errLost},
		"request lost":           {before: errLost, fails: true, holds: "M1-a"},
		"answer lost, read lost": {after: errLost, readFails: true, fails: true},
		"refused":                {before: errRefused, fails: true, holds: "M1-a"},
		"not installed":          {absent: true, holds: "M1-a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newFakeShops(map[string]string{"a": "M1-a"})
			s.uninstalled["a"] = test.absent
			s.before = func(_ context.Context, kind, _ string, call int) error {
				if kind == writeCall {
					return test.before
				}
				if test.readFails && call == 3 {
					return errLost
				}
				return nil
			}
			s.after = failShop(writeCall, "", test.after)
			shops := newShops(s, clocktest.New(noon))
			_, _ = shops.Credentials(t.Context(), "a") // This caches the key.
			if cleared, err := shops.Clear(t.Context(), "a", "M1-a", ""); (err != nil) != test.fails || !cleared && err == nil {
				t.Errorf("cleared: %t, error %v", cleared, err)
			}
			s.uninstalled["a"] = false
			if !test.absent {
				if holds, err := shops.Credentials(t.Context(), "a"); err != nil || holds.KustomID != test.holds {
					t.Errorf("the cache has %+v, error %v", holds, err)
				}
			}
			if got := s.holds("a"); got != test.holds {
				t.Errorf("the shop holds %q", got)
			}
		})
	}
}

func TestClear_LeavesChangedShop(t *testing.T) {
	t.Parallel()
	const mark = "2026-03-10T12:00:00Z"
	own := mystore.Credentials{KustomID: "M1-a", Secret: mystore.SecretSet, UpdatedAt: mark}
	tests := map[string]struct {
		shows     mystore.Credentials
		updatedAt string
		// installed says that another object of the run installs a key first.
		installed bool
		cleared   bool
		writes    int
	}{
		"its key":                             {shows: own, updatedAt: mark, cleared: true, writes: 1},
		"its key, time not known":             {shows: own, cleared: true, writes: 1},
		"its key, time with another offset":   {shows: own, updatedAt: "2026-03-10T13:00:00+01:00", cleared: true, writes: 1},
		"its key, installed by somebody else": {shows: own, updatedAt: "2026-03-10T11:00:00Z"},
		"another key":                         {shows: mystore.Credentials{KustomID: "M1-b", Secret: mystore.SecretSet, UpdatedAt: mark}, updatedAt: mark},
		"installed again in this run":         {shows: mystore.Credentials{KustomID: "M1-z"}, installed: true, writes: 1},
		"empty":                               {cleared: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newFakeShops(nil)
			s.shops["a"] = test.shows
			shops := newShops(s, clocktest.New(noon))
			if test.installed {
				if _, err := shops.Install(t.Context(), "a", rotation.Pair{Username: "M1-a", Secret: kustom.NewSecret("s")}); err != nil {
					t.Fatal(err)
				}
			}
			cleared, err := shops.Clear(t.Context(), "a", "M1-a", test.updatedAt)
			if err != nil || cleared != test.cleared {
				t.Errorf("cleared: %t, error %v", cleared, err)
			}
			if n := s.called(writeCall, "a"); n != test.writes {
				t.Errorf("%d writes were sent", n)
			}
			clearedKey := ""
			if cleared && test.writes > 0 {
				clearedKey = "M1-a"
			}
			if got := shops.ClearedUsername("a"); got != clearedKey {
				t.Errorf("the cleared shop had %q", got)
			}
		})
	}
}

// Another run gives the shop a key before the second try.
func TestClear_ReadsShopBeforeEachTry(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-other"))
	env.shops.before = onShopCall(writeCall, "", 1, func() error { env.shops.set("a", "M1-other"); return outdatedError{} })
	if cleared, err := env.engine.Shops.Clear(t.Context(), "a", "M1-old", ""); err != nil || cleared {
		t.Errorf("cleared: %t, error %v", cleared, err)
	}
	env.wantHolds("a", "M1-other")
}
