package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// TestLeaving_NamesKeysThatStay: an object that clears its shop deletes its own key, and says which other keys of the store
// it leaves: it has kept one itself.
func TestLeaving_NamesKeysThatStay(t *testing.T) {
	t.Parallel()
	const shop, store = "shop-00001", "M00500001"
	policies := func(values tfdriver.Values) tfdriver.Values {
		values["deletion_policy"], values["replaced_key_policy"] = "clear", "keep"
		return values
	}
	for _, config := range []tfdriver.Config{
		{{Address: "kustom_mystore_connection.a", Values: policies(tfdriver.Values{"shop": shop, "merchant_id": store})}},
		{{Address: "kustom_mystore_fleet.a", Values: policies(tfdriver.Values{"shops": tfdriver.Values{shop: tfdriver.Values{"merchant_id": store}}})}},
	} {
		r := newRollout(t, 2)
		state := r.mustApply(t, config, tfdriver.NewState())
		plan := r.driver.Plan(t.Context(), nil, state, r.start, tfdriver.Options{})
		_, result := r.driver.Apply(t.Context(), plan)
		if result.Failed() {
			t.Fatal(result.Errors)
		}
		kept := r.seed.Shops[0].KustomID
		if keys := r.box.Keys(store); len(keys) != 1 || keys[0].Username != kept {
			t.Errorf("%s: the keys are %v", config[0].Address, keys)
		}
		if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.Contains(w, kept) && strings.Contains(w, store) }) {
			t.Errorf("%s: it does not name %s: %q", config[0].Address, kept, result.Warnings)
		}
	}
}
