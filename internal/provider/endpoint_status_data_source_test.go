package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestEndpointStatus_ReadsServices reads every field, of a store in the middle of its switch of one that
// nobody has called yet, and of one that has switched.
func TestEndpointStatus_ReadsServices(t *testing.T) {
	used := time.Date(2026, time.October, 3, 8, 0, 0, 0, time.UTC)
	seed := exampleSeed()
	seed.Stores[0].Services = []sandbox.Service{
		{Service: "checkout", Host: kustomHost, LastUsedAt: &used},
		{Service: "customer_tokens", Host: legacyHost},
	}
	const switched = "M00888888"
	seed.Stores = append(seed.Stores, sandbox.Store{
		MerchantID: switched, Name: "Byttet", Website: "https://byttet.example", Services: []sandbox.Service{{Service: "checkout", Host: kustomHost}},
	})
	v := newVendors(t, seed, sandbox.Options{})
	const files = "data-sources/kustom_endpoint_status/"
	const address = "data.kustom_endpoint_status.butikk"
	runInProcess(t, v, []resource.TestStep{
		{
			Config: example(t, files+"terraform.tf", files+"data-source.tf"),
			ConfigStateChecks: append(inState(address, values{
				"services": []values{
					{"service": "checkout", "host": kustomHost, "last_used_at": "2026-10-03T08:00:00Z", "action_required": nil},
					{"service": "customer_tokens", "host": legacyHost, "last_used_at": nil, "action_required": "Switch endpoint to api.kustom.co"},
				},
				// Also a service that nobody uses requires an action.
				"action_required": true,
			}), statecheck.ExpectKnownOutputValue("left_to_do", exactly(values{"customer_tokens": "Switch endpoint to api.kustom.co"}))),
		},
		wantQuietStatus("M00999999", 0),
		wantQuietStatus(switched, 1),
	})
	v.wantOnlyReads(t)
	v.wantViolations(t)
}

// wantQuietStatus reads the status of a store with so many services, for none of which the portal asks anything.
func wantQuietStatus(merchantID string, services int) resource.TestStep {
	const address = "data.kustom_endpoint_status.butikk"
	return resource.TestStep{
		Config:            fmt.Sprintf("data \"kustom_endpoint_status\" \"butikk\" {\n  merchant_id = %q\n}\n", merchantID),
		ConfigStateChecks: inState(address, values{"services": knownvalue.ListSizeExact(services), "action_required": false}),
	}
}

// TestEndpointStatus_RejectsBadInput says what is wrong, and what to do about it.
func TestEndpointStatus_RejectsBadInput(t *testing.T) {
	const block = "data \"kustom_endpoint_status\" \"one\" {"
	hcl := func(merchantID string) string {
		return block + "\n  merchant_id = \"" + merchantID + "\"\n}\n"
	}
	rejectAll(t, []badInput{
		{
			name: "store not visible", hcl: raw(hcl(exampleStore)), env: portalTokenIs("example-token-stranger"), planned: true,
			summary: "Endpoint status not read", at: "merchant_id",
			says: []string{"can't see such a store. Check the merchant ID"},
		},
		{
			name: "no admin", hcl: raw(hcl(exampleStore)), env: portalTokenIs("example-token-staff"), planned: true,
			summary: "Endpoint status not read", at: block,
			says: []string{"for access via User Manager"},
		},
		{
			name: "store of the playground", hcl: raw(hcl("PM00123456")), planned: true,
			summary: "The store belongs to the playground environment", at: "merchant_id",
		},
		{
			name: "environment not known yet", planned: true, provider: "environment = terraform_data.late.output",
			hcl:     raw(hcl(exampleStore) + "resource \"terraform_data\" \"late\" {\n  input = \"production\"\n}\n"),
			summary: "Endpoint status not read", at: block,
			says: []string{"The provider needs environment during the plan, but its value is known only after an apply"},
		},
	})
}
