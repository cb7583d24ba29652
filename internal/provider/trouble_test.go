package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// withOtherTriggers returns a configuration that gives every shop another key.
func withOtherTriggers(config tfdriver.Config) tfdriver.Config {
	var rotating tfdriver.Config
	anew := map[string]any{"because": "test"}
	for _, o := range config {
		o.Values = maps.Clone(o.Values)
		if shops, ok := o.Values["shops"].(tfdriver.Values); ok {
			all := tfdriver.Values{}
			for name, shop := range shops {
				values, _ := shop.(tfdriver.Values)
				values = maps.Clone(values)
				values["rotate_when_changed"], all[name] = anew, values
			}
			o.Values["shops"] = all
		} else {
			o.Values["rotate_when_changed"] = anew
		}
		rotating = append(rotating, o)
	}
	return rotating
}

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

// TestApply_RejectsKeyOfAnotherStoreIfPlanReadNoShop reads the shop for the first time in the apply. It has a key of another
// store, and keeps it.
func TestApply_RejectsKeyOfAnotherStoreIfPlanReadNoShop(t *testing.T) {
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
				_, result := r.driver.Apply(t.Context(), r.plan(t, config, tfdriver.NewState(), tfdriver.Options{}))
				r.mustRefuseWrongStore(t, result, failures < 3)
				if armed.Fired() != failures {
					t.Errorf("%d reads have failed", armed.Fired())
				}
			})
		}
	}
}

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

// TestDelete_KeepsKeyOfShopThatMasksID deletes keys by each resource while a shop masks its Kustom ID, or shows it with white
// space or in another case.
func TestDelete_KeepsKeyOfShopThatMasksID(t *testing.T) {
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
				state, _ := r.apply(t, keyAndPair(store, shop), tfdriver.NewState())
				return state.Without("mystore_klarna_checkout_credentials.a"), nil
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
				if !slices.ContainsFunc(r.box.Keys(store), func(k sandbox.Key) bool { return k.Username == held.KustomID }) {
					t.Errorf("the key in use was deleted; errors %q, %q", plan.Errors, result.Errors)
				}
			})
		}
	}
}

// TestShop_KeepsStoreIfItMasksID has a shop that masks its Kustom ID get a key of another store, which the plan knows or not.
// The shop keeps its key.
func TestShop_KeepsStoreIfItMasksID(t *testing.T) {
	t.Parallel()
	const shop, store, other = "shop-00001", "M00500001", "M00500002"
	for name, shown := range map[string]string{"all masked": "********", "with its store": store + "-****"} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, known: %t", name, known), func(t *testing.T) {
				t.Parallel()
				r := newRollout(t, 2)
				r.cache = t.TempDir()
				state, _ := r.apply(t, keyAndPair(store, shop), tfdriver.NewState())
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

// TestClear_NamesKeysThatStay removes resources that clear their shop. Each deletes its own key, and names the other key of the
// store, which it has kept.
func TestClear_NamesKeysThatStay(t *testing.T) {
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
		state, _ := r.apply(t, config, tfdriver.NewState())
		_, result := r.apply(t, nil, state)
		kept := r.seed.Shops[0].KustomID
		if keys := r.box.Keys(store); len(keys) != 1 || keys[0].Username != kept {
			t.Errorf("%s: the keys are %v", config[0].Address, keys)
		}
		if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.Contains(w, kept) && strings.Contains(w, store) }) {
			t.Errorf("%s: it does not name %s: %q", config[0].Address, kept, result.Warnings)
		}
	}
}
