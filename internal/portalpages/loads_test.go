package portalpages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// loads is how many documents of the portal were loaded since the last call.
func (b *bench) loads() int {
	n := 0
	for _, r := range b.Requests() {
		if r.API == sandbox.PortalPages && r.Method == http.MethodGet && !strings.HasPrefix(r.Template, "/data/") {
			n++
		}
	}
	b.ResetRequests()
	return n
}

// TestPages_AreLoadedOnce: what the page shows on which something was done is not loaded again. Only where it has more
// pages, or does not show what came of the click, it is.
func TestPages_AreLoadedOnce(t *testing.T) {
	t.Parallel()
	stale := sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"list-stale"}}}
	for name, test := range map[string]struct {
		setup            setup
		store            string
		generate, delete int
	}{
		"one page":                   {store: kaffebonna, generate: 1, delete: 1},
		"pages":                      {setup: setup{seed: manyKeys(12), options: sandbox.Options{KeyLimit: 20}}, store: fjellsport, generate: 2, delete: 2},
		"a list that is not renewed": {setup: setup{options: stale}, store: kaffebonna, generate: 2, delete: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.setup)
			if _, err := b.all(t, test.store); err != nil {
				t.Fatal(err)
			}
			if n := b.loads(); n != 1 {
				t.Errorf("a list takes %d loads", n)
			}
			key, err := b.Generate(t.Context(), kustom.Request{MerchantID: test.store})
			b.generated(t, key, err)
			if n := b.loads(); n != test.generate {
				t.Errorf("a key takes %d loads, want %d", n, test.generate)
			}
			if err := b.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: test.store, CredentialID: key.CredentialID}); err != nil {
				t.Fatal(err)
			}
			if n := b.loads(); n != test.delete {
				t.Errorf("a deletion takes %d loads, want %d", n, test.delete)
			}
			b.left(t, test.store, 0)
		})
	}
}

// TestPages_WaitOnceForEachClick: what a page shows is read in the wait that found the page.
func TestPages_WaitOnceForEachClick(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	if _, err := b.all(t, kaffebonna); err != nil {
		t.Fatal(err)
	}
	b.waits.Store(0)
	if _, err := b.all(t, kaffebonna); err != nil {
		t.Fatal(err)
	}
	// The API page, the open list of stores, the store in it, the keys.
	const want = 4
	if n := b.waits.Load(); n != want {
		t.Errorf("a list takes %d waits, want %d", n, want)
	}
}

// TestKeys_LoadOnePagePerTab: the stores' lists are read one after the other on the same page, unless a list has several
// pages: another store's might then begin at a later one.
func TestKeys_LoadOnePagePerTab(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed        sandbox.Seed
		tabs, loads int
	}{
		"one tab":              {manyStores(4), 1, 1},
		"few stores":           {manyStores(2), 2, 1},
		"two tabs":             {manyStores(4), 2, 2},
		"more tabs than pay":   {manyStores(4), 4, 2},
		"a list of more pages": {manyKeys(12), 1, 1 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{seed: test.seed, tabs: test.tabs})
			keys, err := b.all(t, "")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, store := range b.setup.seed.Stores {
				want = append(want, b.ids(store.MerchantID)...)
			}
			var got []string
			for _, key := range keys {
				got = append(got, key.Username)
			}
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("the keys are %v, want %v", got, want)
			}
			if n := b.loads(); n != test.loads {
				t.Errorf("%d stores take %d loads, want %d", len(b.setup.seed.Stores), n, test.loads)
			}
			b.kept(t)
		})
	}
}

// TestPages_WaitOnlyForWhatMayCome: a list that says how many keys it has, and shows them after an answer, is not waited
// for any longer. Without the number, more rows may come.
func TestPages_WaitOnlyForWhatMayCome(t *testing.T) {
	t.Parallel()
	uncounted := sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"count-absent"}}}
	const brief, short = 100 * time.Millisecond, 300 * time.Millisecond
	for name, test := range map[string]struct {
		options sandbox.Options
		// list is how long the list must stay the same.
		list time.Duration
	}{
		"counted":   {list: short},
		"uncounted": {options: uncounted, list: browser.Settled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{options: test.options})
			if _, err := b.all(t, kaffebonna); err != nil {
				t.Fatal(err)
			}
			b.waited()
			if _, err := b.all(t, kaffebonna); err != nil {
				t.Fatal(err)
			}
			// The API page, the open list of stores, the store in it, the keys.
			list := short + 2*brief + test.list
			if got := b.waited(); got != list {
				t.Errorf("a list waits for %v, want %v", got, list)
			}
			key, err := b.Generate(t.Context(), kustom.Request{MerchantID: kaffebonna})
			b.generated(t, key, err)
			// The button, the popup, the list behind it.
			if got, want := b.waited(), list+2*short+test.list; got != want {
				t.Errorf("a key waits for %v, want %v", got, want)
			}
			if err := b.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: kaffebonna, CredentialID: key.CredentialID}); err != nil {
				t.Fatal(err)
			}
			// The row, its menu, the dialog, the end of the dialog, the list behind it.
			if got, want := b.waited(), list+4*short+test.list; got != want {
				t.Errorf("a deletion waits for %v, want %v", got, want)
			}
			b.left(t, kaffebonna, 0)
		})
	}
}
