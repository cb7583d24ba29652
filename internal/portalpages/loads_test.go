package portalpages_test

import (
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// After a click, the client reads the result on the same page. It loads the list again only if the list has several pages,
// or does not show the result.
func TestPages_AreReusedAfterClick(t *testing.T) {
	t.Parallel()
	stale := sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"list-stale"}}}
	for name, test := range map[string]struct {
		setup            setup
		store            string
		generate, delete int
	}{
		"one page":   {store: kaffebonna, generate: 1, delete: 1},
		"two pages":  {setup: setup{seed: manyKeys(12), options: sandbox.Options{KeyLimit: 20}}, store: fjellsport, generate: 2, delete: 2},
		"stale list": {setup: setup{options: stale}, store: kaffebonna, generate: 2, delete: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, test.setup)
			if _, err := e.listKeys(t, test.store); err != nil {
				t.Fatal(err)
			}
			if n := e.Loads(); n != 1 {
				t.Errorf("a list takes %d loads, want 1", n)
			}
			key, err := e.Generate(t.Context(), kustom.Request{MerchantID: test.store})
			e.wantKey(t, key, err)
			if n := e.Loads(); n != test.generate {
				t.Errorf("a key takes %d loads, want %d", n, test.generate)
			}
			if err := e.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: test.store, CredentialID: key.CredentialID}); err != nil {
				t.Fatal(err)
			}
			if n := e.Loads(); n != test.delete {
				t.Errorf("a deletion takes %d loads, want %d", n, test.delete)
			}
			e.wantNewKeys(t, test.store, 0)
		})
	}
}

// One page shows the lists of several stores in turn. After a list of several pages, the client loads a new one, because
// the next list might begin at a later page.
func TestKeys_LoadsOnePagePerTab(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed        sandbox.Seed
		tabs, loads int
	}{
		"one tab":           {manyStores(4), 1, 1},
		"few stores":        {manyStores(2), 2, 1},
		"two tabs":          {manyStores(4), 2, 2},
		"too many tabs":     {manyStores(4), 4, 2},
		"list of two pages": {manyKeys(12), 1, 1 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{seed: test.seed, tabs: test.tabs})
			keys, err := e.listKeys(t, "")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, store := range e.setup.seed.Stores {
				want = append(want, e.usernames(store.MerchantID)...)
			}
			var got []string
			for _, key := range keys {
				got = append(got, key.Username)
			}
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("the keys are %v, want %v", got, want)
			}
			if n := e.Loads(); n != test.loads {
				t.Errorf("%d stores take %d loads, want %d", len(e.setup.seed.Stores), n, test.loads)
			}
			e.WantNoViolations(t)
		})
	}
}

// A list that shows its count is complete once it has that many rows. Without a count, more rows may follow. Each list also
// needs only one wait for each click.
func TestPages_WaitNoLongerThanNeeded(t *testing.T) {
	t.Parallel()
	uncounted := sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"count-absent"}}}
	const brief, short = 100 * time.Millisecond, 300 * time.Millisecond
	for name, test := range map[string]struct {
		options sandbox.Options
		// list is how long the list itself must stay the same.
		list time.Duration
	}{
		"counted":   {list: short},
		"uncounted": {options: uncounted, list: browser.Settled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{options: test.options})
			if _, err := e.listKeys(t, kaffebonna); err != nil {
				t.Fatal(err)
			}
			e.waits.Reset()
			if _, err := e.listKeys(t, kaffebonna); err != nil {
				t.Fatal(err)
			}
			// The API page, the open list of stores, the store in it, the keys.
			list := short + 2*brief + test.list
			if n, quiet := e.waits.Reset(); n != 4 || quiet != list {
				t.Errorf("a list takes %d waits of %v, want 4 of %v", n, quiet, list)
			}
			key, err := e.Generate(t.Context(), kustom.Request{MerchantID: kaffebonna})
			e.wantKey(t, key, err)
			// The button, the popup, the list behind it.
			if _, quiet := e.waits.Reset(); quiet != list+2*short+test.list {
				t.Errorf("generating a key waits %v, want %v", quiet, list+2*short+test.list)
			}
			if err := e.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: kaffebonna, CredentialID: key.CredentialID}); err != nil {
				t.Fatal(err)
			}
			// The row, its menu, the dialog, the end of the dialog, the list behind it.
			if _, quiet := e.waits.Reset(); quiet != list+4*short+test.list {
				t.Errorf("a deletion waits %v, want %v", quiet, list+4*short+test.list)
			}
			e.wantNewKeys(t, kaffebonna, 0)
		})
	}
}
