package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// intoAnotherStore are a connection and a fleet that would give shop-00001 a key of another store.
func intoAnotherStore() []tfdriver.Config {
	const merchantID = "M00500002"
	return []tfdriver.Config{
		{{Address: "kustom_mystore_connection.a", Values: tfdriver.Values{"shop": "shop-00001", "merchant_id": merchantID}}},
		{{Address: "kustom_mystore_fleet.a", Values: tfdriver.Values{"shops": tfdriver.Values{
			"shop-00001": tfdriver.Values{"merchant_id": merchantID}, "shop-00003": tfdriver.Values{"merchant_id": "M00500003"},
		}}}},
	}
}

// mustRefuseWrongStore expects shop-00001 to have the key that it had, and the stores to be named.
func (r *rollout) mustRefuseWrongStore(t *testing.T, result *tfdriver.Result, named bool) {
	t.Helper()
	said := strings.Join(append(result.Errors, result.Warnings...), "\n")
	if is, ok := r.box.Shop("shop-00001"); !ok || is.KustomID != r.seed.Shops[0].KustomID {
		t.Errorf("the shop holds %s; it said %s", is.KustomID, said)
	}
	const stores = "takes payments for store M00500001 (Shop 1, https://shop-00001.example), but would get a key of store M00500002 (Shop 2,"
	if !strings.Contains(said, "shop-00001") || strings.Contains(said, stores) != named {
		t.Errorf("it said %s", said)
	}
}

// TestUndecided_WrongStoreIsRefused: a plan can't read a shop, and during the apply it turns out to hold another
// store's key.
func TestUndecided_WrongStoreIsRefused(t *testing.T) {
	t.Parallel()
	// Of the reads that fail, one is the plan's, and one that of the plan that begins the apply.
	for failures := 1; failures <= 3; failures++ {
		for _, config := range intoAnotherStore() {
			t.Run(fmt.Sprintf("%s after %d failures", config[0].Address, failures), func(t *testing.T) {
				t.Parallel()
				r := newRollout(t, 3)
				armed := r.box.Arm(sandbox.Fault{
					API: sandbox.Mystore, Method: http.MethodGet, Status: http.StatusForbidden, Times: failures,
					Match: func(q sandbox.Request) bool { return q.Shop == "shop-00001" },
				})
				plan := r.driver.Plan(t.Context(), config, tfdriver.NewState(), r.start, tfdriver.Options{})
				if plan.Failed() {
					t.Fatal(plan.Errors)
				}
				_, result := r.driver.Apply(t.Context(), plan)
				r.mustRefuseWrongStore(t, result, failures < 3)
				if armed.Fired() != failures {
					t.Errorf("%d reads have failed", armed.Fired())
				}
			})
		}
	}
}
