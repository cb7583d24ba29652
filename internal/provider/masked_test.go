package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// showAs makes a shop's API show a Kustom ID in another form.
func (r *rollout) showAs(shop, shown string) {
	r.box.Arm(sandbox.Fault{
		API: sandbox.Mystore, Method: http.MethodGet, Template: credentialsCall,
		Match:  func(q sandbox.Request) bool { return q.Shop == shop },
		Status: http.StatusOK, ContentType: "application/vnd.api+json",
		Body: fmt.Sprintf(`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":%q,"secret_set":true}}}`, shown),
	})
}

// keyAndPair is a key and a pair for one shop.
func keyAndPair(merchantID, shop string) tfdriver.Config {
	key := func(attribute string) tfdriver.Ref {
		return tfdriver.Ref{Address: "kustom_api_key.a", Path: []string{attribute}}
	}
	return tfdriver.Config{
		{Address: "kustom_api_key.a", CreateBeforeDestroy: true, Values: tfdriver.Values{"merchant_id": merchantID}},
		{Address: "mystore_klarna_checkout_credentials.a", Values: tfdriver.Values{
			"shop": shop, "kustom_id": key("username"), "kustom_secret": key("secret"),
		}},
	}
}

// TestMasked_KeyInUseStays: each object that deletes keys meets a shop that begins to mask its Kustom ID, or shows it with
// white space or in another case.
func TestMasked_KeyInUseStays(t *testing.T) {
	t.Parallel()
	const shop, store = "shop-00001", "M00500001"
	forms := map[string]func(id string) string{
		"masked": func(id string) string { return id[:len(store)+2] + "****" },
		"cut":    func(id string) string { return id[:len(store)+2] + "…" },
		"spaced": func(id string) string { return " " + id + "\u00a0" },
		"folded": strings.ToLower,
	}
	for name, form := range forms {
		for kind, destroys := range map[string]func(*testing.T, *rollout) (was *tfdriver.State, is tfdriver.Config){
			"a key": func(t *testing.T, r *rollout) (*tfdriver.State, tfdriver.Config) {
				return r.mustApply(t, keyAndPair(store, shop), tfdriver.NewState()).Without("mystore_klarna_checkout_credentials.a"), nil
			},
			"the only keys": func(*testing.T, *rollout) (*tfdriver.State, tfdriver.Config) {
				return tfdriver.NewState(), tfdriver.Config{{
					Address: "kustom_api_keys_exclusive.a", Values: tfdriver.Values{"merchant_id": store, "credential_ids": []any{}},
				}}
			},
			"a connection of another shop": func(*testing.T, *rollout) (*tfdriver.State, tfdriver.Config) {
				return tfdriver.NewState(), tfdriver.Config{{
					Address: "kustom_mystore_connection.b", Values: tfdriver.Values{"shop": "shop-00002", "merchant_id": "M00500002"},
				}}
			},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				r := newRollout(t, 2)
				state, config := destroys(t, r)
				held, _ := r.box.Shop(shop)
				r.showAs(shop, form(held.KustomID))
				plan := r.driver.Plan(t.Context(), config, state, r.start, tfdriver.Options{})
				_, result := r.driver.Apply(t.Context(), plan)
				found := false
				for _, key := range r.box.Keys(store) {
					found = found || key.Username == held.KustomID
				}
				if !found {
					t.Errorf("the key in use was deleted; errors %q, %q", plan.Errors, result.Errors)
				}
			})
		}
	}
}

// TestMasked_PairKeepsStore: the shop hides its key, and which key it is to get is known in the apply only.
func TestMasked_PairKeepsStore(t *testing.T) {
	t.Parallel()
	const shop, store, other = "shop-00001", "M00500001", "M00500002"
	for name, shown := range map[string]string{"all masked": "********", "with its store": store + "-****"} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, known: %t", name, known), func(t *testing.T) {
				t.Parallel()
				r := newRollout(t, 2)
				r.cache = t.TempDir()
				state := r.mustApply(t, keyAndPair(store, shop), tfdriver.NewState())
				if !known {
					state = tfdriver.NewState()
				}
				held, _ := r.box.Shop(shop)
				r.showAs(shop, shown)
				plan := r.driver.Plan(t.Context(), keyAndPair(other, shop), state, r.start, tfdriver.Options{})
				_, result := r.driver.Apply(t.Context(), plan)
				if after, _ := r.box.Shop(shop); after.KustomID != held.KustomID {
					t.Errorf("the shop of store %s has got %s; errors %q", store, after.KustomID, result.Errors)
				}
				if !plan.Failed() && !result.Failed() {
					t.Error("nobody has said anything")
				}
			})
		}
	}
}
