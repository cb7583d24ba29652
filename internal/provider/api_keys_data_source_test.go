package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

func TestAPIKeys_FiltersKeys(t *testing.T) {
	v := newVendors(t, variantSeed(), sandbox.Options{})
	steps := []resource.TestStep{{
		Config:      "data \"kustom_api_keys\" \"some\" {\n  unused_since = \"2024-05-05\"\n}\n",
		ExpectError: words(`Malformed time`),
	}}
	for _, test := range []struct {
		filter string
		want   []string
	}{
		{`merchant_ids = ["M002", "M006"]`, []string{"M002-last", "M002-earlier", "M002-never", "M006-new"}},
		{`legacy = false`, []string{"M003-new", "M004-new", "M006-new"}},
		{"merchant_ids = [\"M003\"]\n  legacy = true", []string{"M003-old"}},
		// The last use of M002-last is at that very moment, which counts as used.
		{"merchant_ids = [\"M002\"]\n  unused_since = \"2024-05-05T12:00:00Z\"", []string{"M002-earlier", "M002-never"}},
	} {
		steps = append(steps, resource.TestStep{
			Config: "data \"kustom_api_keys\" \"some\" {\n  " + test.filter + "\n}\n" +
				"output \"usernames\" {\n  value = data.kustom_api_keys.some.api_keys[*].username\n}\n",
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("usernames", exactly(test.want))},
		})
	}
	runInProcess(t, v, steps)
	v.wantOnlyReads(t)
	v.wantViolations(t)
}
