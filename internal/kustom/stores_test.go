package kustom_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestStores_ReadsPages_I7(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(250)
	seed.Users[0].Token = adminToken
	b := newBench(t, seed, sandbox.Options{})
	sequence := b.portal.Stores(t.Context())
	for range 2 { // it can be ranged over again
		b.box.ResetRequests()
		var stores []kustom.Store
		for store, err := range sequence {
			if err != nil {
				t.Fatal(err)
			}
			stores = append(stores, store)
		}
		if len(stores) != 250 || len(b.box.Requests()) != 3 {
			t.Fatalf("%d stores came in %d requests", len(stores), len(b.box.Requests()))
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
		p := portalOf(t, clocktest.New(noon), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", transport.JSON)
			fmt.Fprint(w, answer)
		})
		var last error
		for _, last = range p.Stores(t.Context()) {
		}
		if last == nil {
			t.Errorf("%s was taken for a list", answer)
		}
	}
}
