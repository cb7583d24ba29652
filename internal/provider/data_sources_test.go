package provider_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccDataSources runs the published examples of the data sources in one configuration. Tests in this process check
// what each of them returns.
func TestAccDataSources(t *testing.T) {
	apiOnly(t, "no page shows a host")
	t.Parallel()
	seed := exampleWithThreeShops()
	seed.Stores[0].Services = []sandbox.Service{{Service: "customer_tokens", Host: legacyHost}}
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	w.write(t, "terraform.tf", example(t, integrationsExample+"terraform.tf"))
	for _, name := range []string{"kustom_api_keys", "kustom_endpoint_status", "kustom_legacy_integrations", "kustom_stores", "kustom_support_bundle"} {
		w.write(t, name+".tf", example(t, "data-sources/"+name+"/data-source.tf"))
	}
	w.mustApply(t)
	var got struct {
		LeftToDo struct{ Value map[string]string } `json:"left_to_do"`
		Legacy   struct{ Value map[string]any }    `json:"legacy_keys"`
		ToSwitch struct{ Value map[string]string } `json:"to_switch"`
		Bundle   struct{ Value string }            `json:"support_bundle"`
	}
	if err := json.Unmarshal([]byte(w.terraform(t, "output", "-json").output), &got); err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"customer_tokens": "Switch endpoint to api.kustom.co"}; !maps.Equal(got.LeftToDo.Value, want) {
		t.Errorf("left_to_do is %v", got.LeftToDo.Value)
	}
	if keys, want := slices.Sorted(maps.Keys(got.Legacy.Value)), []string{"M00412871-qT7vA", "M00537204-b9LkC", "M00537204-xM2pE", "M00698335-Zc4hJ"}; !slices.Equal(keys, want) {
		t.Errorf("legacy_keys are %q", keys)
	}
	if names, want := slices.Sorted(maps.Values(got.ToSwitch.Value)), []string{"Butikk", "Fjellsport", "Kaffebønna", "Ull og Tre"}; !slices.Equal(names, want) {
		t.Errorf("to_switch are %q", names)
	}
	if !strings.Contains(got.Bundle.Value, "# Store M00123456") {
		t.Errorf("the bundle is\n%s", got.Bundle.Value)
	}
	w.mustBeEmpty(t)
	mustHaveChangedInOrder(t, w)
	mustHaveNoViolation(t, w)
}
