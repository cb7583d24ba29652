package rotation_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// TestObserve_LooksAgainForUnlistedKey that the shop holds: a list can miss a key. It does not wait for a key that the
// store's list can't have.
func TestObserve_LooksAgainForUnlistedKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		holds string
		// keys are listed from the start, and late ones from the second listing on.
		keys, late []kustom.Key
		waits      bool
		held       string
		// searched says that the lists of all stores are looked at: the username does not tell its store.
		searched bool
	}{
		"listed":               {holds: "M1-a", keys: []kustom.Key{m1("M1-a")}, held: "M1-a"},
		"listed later":         {holds: "M1-a", late: []kustom.Key{m1("M1-a")}, waits: true, held: "M1-a"},
		"another listed later": {holds: "M1-a", late: []kustom.Key{m1("M1-b")}, waits: true},
		"deleted":              {holds: "M1-a", waits: true},
		"Klarna's":             {holds: "M1_0a1b", late: []kustom.Key{key("1", "M1_0a1b", klarna, 2020, 0)}},
		"a UUID":               {holds: "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", searched: true},
		"another store's":      {holds: "M2-a"},
		"no key":               {holds: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, map[string]string{"a": test.holds}, append(test.keys, m1("M1-erp"))...)
			w.portal.before = func(kind, _ string, call int) error {
				if kind == list && call == 2 {
					w.portal.keys = append(w.portal.keys, test.late...)
				}
				return nil
			}
			seen, err := w.engine.Observe(t.Context(), "a", "M1", "")
			if err != nil {
				t.Fatal(err)
			}
			if (seen.Held == nil) != (test.held == "") || seen.Held != nil && seen.Held.Username != test.held {
				t.Errorf("it holds %v, want %q", seen.Held, test.held)
			}
			if len(seen.Others) != 1 || seen.Others[0].Username != "M1-erp" {
				t.Errorf("the others are %v", seen.Others)
			}
			if waited := w.clock.Now().Sub(noon); waited >= rotation.PropagationDelay != test.waits || !test.waits && waited != 0 {
				t.Errorf("it waited for %v", waited)
			}
			if n := w.portal.called(list); (test.waits || test.searched) != (n == 2) {
				t.Errorf("it listed the keys %d times", n)
			}
		})
	}
}

// TestObserve_WaitsOnceForUnlistedKey: the plan and the apply that follows on this machine need not both wait. A key that
// was listed in between, or missed long ago, is looked for again.
func TestObserve_WaitsOnceForUnlistedKey(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-a"}, m1("M1-erp"))
	dir := filepath.Join(t.TempDir(), "shops")
	observe := func(newWalk bool) time.Duration {
		t.Helper()
		if newWalk {
			w.engine = rotation.New(rotation.Options{
				Portal: w.portal, Shops: w.shops, Merchant: w.prover, Clock: w.clock, Names: w.shops.names, Sightings: rotation.Sightings{Dir: dir},
			})
		}
		begun := w.clock.Now()
		if _, err := w.engine.Observe(t.Context(), "a", "M1", ""); err != nil {
			t.Fatal(err)
		}
		return w.clock.Now().Sub(begun)
	}
	if waited := observe(true); waited != rotation.PropagationDelay {
		t.Errorf("the plan waited for %v", waited)
	}
	if waited := observe(false) + observe(true); waited != 0 {
		t.Errorf("the plan's second look and the apply waited for %v", waited)
	}
	w.clock.Advance(2 * time.Hour)
	if waited := observe(true); waited != rotation.PropagationDelay {
		t.Errorf("a run hours later waited for %v", waited)
	}
	w.portal.keys = append(w.portal.keys, m1("M1-a"))
	if waited := observe(true); waited != 0 {
		t.Errorf("it waited for a key that is listed: %v", waited)
	}
	w.portal.keys = w.portal.keys[:1]
	if waited := observe(true); waited != rotation.PropagationDelay {
		t.Errorf("after the key was listed, it waited for %v", waited)
	}
}

// TestObserve_FailsWhereItCannotLookAgain: that the key is not listed would be no more than a guess.
func TestObserve_FailsWhereItCannotLookAgain(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"interrupted": context.Canceled, "not listed again": errLost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, map[string]string{"a": "M1-a"}, m1("M1-erp"))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.portal.before = func(kind, _ string, call int) error {
				if kind == list && call == 2 {
					return errLost
				}
				return nil
			}
			w.portal.after = func(kind, _ string, _ int) error {
				if kind == list && name == "interrupted" {
					cancel()
				}
				return nil
			}
			if _, err := w.engine.Observe(ctx, "a", "M1", ""); !errors.Is(err, want) {
				t.Errorf("the error is %v, want %v", err, want)
			}
		})
	}
}

// TestKeys_OfListsFewStoresSinglyAndManyAtOnce, and has no keys where one of the listings fails.
func TestKeys_OfListsFewStoresSinglyAndManyAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stores, want []string
		lists        lists
	}{
		"all":         {nil, []string{"M000-u", "M001-u", "M002-u", "M003-u", "M004-u"}, lists{full: 1}},
		"one store":   {[]string{"M001"}, []string{"M001-u"}, lists{store: 1}},
		"a few":       {[]string{"M004", "M000", "M001"}, []string{"M000-u", "M001-u", "M004-u"}, lists{store: 3}},
		"many stores": {[]string{"M000", "M001", "M002", "M004"}, []string{"M000-u", "M001-u", "M002-u", "M004-u"}, lists{full: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n lists
			w := newTestEnv(t, nil, keyOf(0), keyOf(1), keyOf(2), keyOf(3), keyOf(4))
			w.portal.before = n.count
			keys, err := w.engine.Keys.Of(t.Context(), test.stores)
			var got []string
			for _, key := range keys {
				got = append(got, key.Username)
			}
			if slices.Sort(got); err != nil || !slices.Equal(got, test.want) || n != test.lists {
				t.Errorf("the keys are %q by %+v, want %q by %+v; error %v", got, n, test.want, test.lists, err)
			}
			w.rerun()
			w.portal.after = func(kind, _ string, _ int) error { return errLost }
			if keys, err := w.engine.Keys.Of(t.Context(), test.stores); !errors.Is(err, errLost) || keys != nil {
				t.Errorf("after a failure the keys are %v, error %v", keys, err)
			}
		})
	}
}
