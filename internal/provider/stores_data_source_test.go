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
		return exactly(values{
			"merchant_id": fmt.Sprintf("M00%06d", 500000+i), "name": fmt.Sprintf("Shop %d", i), "website": fmt.Sprintf("https://shop-%05d.example", i),
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
