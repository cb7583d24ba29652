package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestStores_ListsAllPages lists more stores than fit on a page, sorted, and each with its switch status.
func TestStores_ListsAllPages(t *testing.T) {
	seed := sandbox.FleetSeed(101)
	seed.Stores[0], seed.Stores[100] = seed.Stores[100], seed.Stores[0]
	v := newVendors(t, seed, sandbox.Options{})
	store := func(i int) knownvalue.Check {
		return knownvalue.ObjectExact(map[string]knownvalue.Check{
			"merchant_id": knownvalue.StringExact(fmt.Sprintf("M00%06d", 500000+i)),
			"name":        knownvalue.StringExact(fmt.Sprintf("Shop %d", i)),
			"website":     knownvalue.StringExact(fmt.Sprintf("https://shop-%05d.example", i)),
		})
	}
	stores := tfjsonpath.New("stores")
	runInProcess(t, v, []resource.TestStep{{
		Config: `data "kustom_stores" "all" {}`,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.kustom_stores.all", stores, knownvalue.ListSizeExact(101)),
			statecheck.ExpectKnownValue("data.kustom_stores.all", stores.AtSliceIndex(0), store(1)),
			statecheck.ExpectKnownValue("data.kustom_stores.all", stores.AtSliceIndex(100), store(101)),
		},
	}})
	v.wantOnlyReads(t)
	v.wantViolations(t)
}

// TestStores_TellsWhichToSwitch runs the published example, before and after an order on a new key.
func TestStores_TellsWhichToSwitch(t *testing.T) {
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{})
	const files = "data-sources/kustom_stores/"
	names := func(stores map[string]string) []statecheck.StateCheck {
		want := map[string]knownvalue.Check{}
		for merchantID, name := range stores {
			want[merchantID] = knownvalue.StringExact(name)
		}
		return []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("to_switch", knownvalue.MapExact(want))}
	}
	runInProcess(t, v, []resource.TestStep{
		{
			Config: example(t, files+"terraform.tf", files+"data-source.tf"),
			ConfigStateChecks: names(map[string]string{
				"M00412871": "Fjellsport", "M00537204": "Kaffebønna", "M00698335": "Ull og Tre",
			}),
		},
		{
			PreConfig: func() {
				key, err := v.GenerateKey("M00412871", "")
				if err != nil {
					t.Error(err)
				}
				if err := v.Install("fjellsport", key.Username, key.Secret); err != nil {
					t.Error(err)
				}
				if err := v.PlaceOrder("fjellsport"); err != nil {
					t.Error(err)
				}
			},
			Config:            example(t, files+"terraform.tf", files+"data-source.tf"),
			ConfigStateChecks: names(map[string]string{"M00537204": "Kaffebønna", "M00698335": "Ull og Tre"}),
		},
		// The test framework does not know how to end what has keys of for_each.
		{Config: example(t, files+"terraform.tf", files+"data-source.tf"), Destroy: true},
	})
	v.wantOnlyReads(t)
	v.wantViolations(t)
}
