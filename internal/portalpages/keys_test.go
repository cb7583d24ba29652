package portalpages_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// manyKeys returns a seed whose first store has n keys.
func manyKeys(n int) sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Stores[0].Keys, seed.Shops = nil, nil
	for i := range n {
		seed.Stores[0].Keys = append(seed.Stores[0].Keys, sandbox.Key{
			CredentialID: fmt.Sprintf("id-%d", i), Username: fmt.Sprintf("%s-k%d", fjellsport, i), Secret: fmt.Sprintf("kco_live_api_k%d", i),
			Host: "api.kustom.co", CreatedAt: time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC), CreatedBy: "ops@agency.example",
		})
	}
	return seed
}

// manyStores returns a seed with n stores more than [sandbox.ThreeShops].
func manyStores(n int) sandbox.Seed {
	seed := sandbox.ThreeShops()
	for i := range n {
		seed.Stores = append(seed.Stores, sandbox.Store{MerchantID: fmt.Sprintf("M007%05d", i), Name: fmt.Sprintf("Shop %d", i), Website: "https://shop.example"})
	}
	return seed
}

// playground returns a seed with one store of the playground. Its pages have a link to production.
func playground() sandbox.Seed {
	const store = "PM00412871"
	return sandbox.Seed{
		Environment: sandbox.Playground,
		Users:       []sandbox.User{{Token: "fake-portal-token", Email: "ops@agency.example"}},
		Stores: []sandbox.Store{{MerchantID: store, Name: "Fjellsport", Website: "https://fjellsport.example", Keys: []sandbox.Key{{
			CredentialID: "7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11", Username: store + "-aB3dE", Secret: "kco_test_api_fake",
			Host: "api.playground.kustom.co", CreatedAt: time.Date(2021, 3, 15, 8, 0, 0, 0, time.UTC), CreatedBy: "ops@agency.example",
		}}}},
	}
}

func TestKeys_ListsKeysOfStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed      sandbox.Seed
		store     string
		mutations []string
	}{
		"a few":               {sandbox.ThreeShops(), fjellsport, nil},
		"none":                {manyKeys(0), fjellsport, nil},
		"a full page":         {manyKeys(10), fjellsport, nil},
		"three pages":         {manyKeys(23), fjellsport, nil},
		"paged by icons":      {manyKeys(23), fjellsport, []string{"next-icon"}},
		"paged by links":      {manyKeys(23), fjellsport, []string{"next-link"}},
		"load more":           {manyKeys(23), fjellsport, []string{"load-more"}},
		"no count":            {manyKeys(23), fjellsport, []string{"count-absent", "next-absent"}},
		"similar names":       {sandbox.ThreeShops().WithLookalikes(), kaffebonna, nil},
		"the playground":      {playground(), "PM00412871", nil},
		"one of many stores":  {manyStores(300), "M00700250", nil},
		"many without search": {manyStores(120), kaffebonna, []string{"combobox-no-search"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{seed: test.seed, options: sandbox.Options{Pages: sandbox.PagesOptions{Mutations: test.mutations}}, timeout: 3 * short})
			keys, err := e.listKeys(t, test.store)
			if err != nil {
				t.Fatal(err)
			}
			want := e.Sandbox.Keys(test.store)
			if len(keys) != len(want) {
				t.Fatalf("%d keys are listed, want %d", len(keys), len(want))
			}
			for i, key := range keys {
				if key.Username != want[i].Username || key.CredentialID != key.Username || key.MerchantID != test.store ||
					!key.CreatedAt.Equal(want[i].CreatedAt.Truncate(time.Minute)) || (key.LastUsedAt == nil) != (want[i].LastUsedAt == nil) {
					t.Errorf("key %+v, want %+v", key, want[i])
				}
			}
			e.WantNoViolations(t)
		})
	}
}

func TestDeleteOrphan_FindsKeyOnLaterPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{seed: manyKeys(12)})
	orphan := kustom.Orphan{MerchantID: fjellsport, CredentialID: fjellsport + "-k11"}
	for range 2 {
		if err := e.DeleteOrphan(t.Context(), orphan); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(e.usernames(fjellsport)); n != 11 {
		t.Errorf("there are %d keys, want 11", n)
	}
	e.WantNoViolations(t)
}
