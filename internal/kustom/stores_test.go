package kustom_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

func TestStores_ReadsPages_I7(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(250)
	seed.Users[0].Token = adminToken
	env := newTestEnv(t, seed, sandbox.Options{})
	sequence := env.portal.Stores(t.Context())
	for range 2 { // The sequence can be iterated again.
		env.box.ResetRequests()
		var stores []kustom.Store
		for store, err := range sequence {
			if err != nil {
				t.Fatal(err)
			}
			stores = append(stores, store)
		}
		if len(stores) != 250 || len(env.box.Requests()) != 3 {
			t.Fatalf("%d stores were listed in %d requests", len(stores), len(env.box.Requests()))
		}
		want := kustom.Store{MerchantID: "M00500250", Name: "Shop 250", Website: "https://shop-00250.example"}
		if stores[249] != want {
			t.Errorf("the last store is %+v, want %+v", stores[249], want)
		}
	}
}

// An answer without a list does not mean an account without stores.
func TestStores_RejectsAnswerWithoutList(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `null`, `{"stores":null}`} {
		var last error
		for _, last = range portalAnswering(answer).Stores(t.Context()) {
		}
		if last == nil {
			t.Errorf("%s was taken for a list", answer)
		}
	}
}
