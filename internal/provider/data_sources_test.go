package provider_test

import (
	"fmt"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestDataSources_RunPublishedExamples runs all examples in one configuration. Nothing changes between two plans.
func TestDataSources_RunPublishedExamples(t *testing.T) {
	apiOnly(t, "no page shows a host")
	t.Parallel()
	seed := exampleWithThreeShops()
	seed.Stores[0].Services = []sandbox.Service{{Service: "customer_tokens", Host: legacyHost}}
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
	w.write(t, "terraform.tf", example(t, integrationsExample+"terraform.tf"))
	for _, name := range []string{"kustom_api_keys", "kustom_endpoint_status", "kustom_legacy_integrations", "kustom_stores", "kustom_support_bundle"} {
		w.write(t, name+".tf", example(t, "data-sources/"+name+"/data-source.tf"))
	}
	w.mustApply(t)
	for output, want := range map[string]string{
		"left_to_do": "map[customer_tokens:Switch endpoint to api.kustom.co]",
		"to_switch":  "map[M00123456:Butikk M00412871:Fjellsport M00537204:Kaffebønna M00698335:Ull og Tre]",
	} {
		value, err := w.inProcess.applied.Output(output, w.inProcess.state)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(decodedJSON(t, value)); got != want {
			t.Errorf("%s is %s, want %s", output, got, want)
		}
	}
	mustSay(t, w.terraform(t, "output", "-raw", "support_bundle"), "# Store M00123456", "| Provider | terraform-provider-kustom test |",
		"| M00123456-aB3dE | api.kustom.co |  | 2026-10-01T08:00:00Z | never | none shown | nettbutikk |",
		"## Shop nettbutikk", "| Klarna Checkout V3 | 3.4.1, active |", "| Kustom ID | M00123456-aB3dE |")
	w.mustBeEmpty(t)
	// The bundle of the example has no secret to prove.
	w.sandbox.wantCount(t, 0, sandbox.Merchant, "", "")
	mustHaveChangedInOrder(t, w)
	w.sandbox.wantViolations(t)
}
