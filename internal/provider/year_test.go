package provider_test

import (
	"slices"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// newShop opens in the course of the year.
const (
	newShop      = "nystart"
	newShopStore = "M00777001"
)

// yearSeed is three shops on legacy keys, and a fourth that has nothing yet.
func yearSeed() sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Stores = append(seed.Stores, sandbox.Store{MerchantID: newShopStore, Name: "Ny start", Website: "https://nystart.example"})
	seed.Shops = append(seed.Shops, sandbox.Shop{
		Name: newShop, Token: "fake-mystore-token-nystart", MerchantID: newShopStore,
		Extensions: []sandbox.Extension{{ID: sandbox.KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.4.1", Active: true}},
	})
	return seed
}

// year is an agency's shops in the course of a year, each with a key and its credentials.
type year struct {
	*rollout
	state *tfdriver.State
	// shops are those that are managed now.
	shops []sandbox.Shop
	// exclusive deletes every other key of their stores.
	exclusive bool
}

// config is a key and its credentials for each shop. The legacy key that a shop uses is imported.
func (y *year) config() tfdriver.Config {
	var config tfdriver.Config
	for _, shop := range y.shops {
		key := keyAddressOf(shop)
		importID := ""
		for _, store := range y.seed.Stores {
			for _, legacy := range store.Keys {
				if legacy.Username == shop.KustomID {
					importID = store.MerchantID + "/" + legacy.CredentialID
				}
			}
		}
		config = append(config, tfdriver.Object{
			Address: key, CreateBeforeDestroy: true, ImportID: importID,
			Values: tfdriver.Values{"merchant_id": shop.MerchantID, "rotate_after_days": 90},
		}, tfdriver.Object{Address: "mystore_klarna_checkout_credentials." + shop.Name, Values: tfdriver.Values{
			"shop": shop.Name, "kustom_id": tfdriver.RefTo(key, "username"), "kustom_secret": tfdriver.RefTo(key, "secret"),
		}})
		if y.exclusive {
			config = append(config, tfdriver.Object{Address: "kustom_api_keys_exclusive." + shop.Name, Values: tfdriver.Values{
				"merchant_id": shop.MerchantID, "credential_ids": []any{tfdriver.RefTo(key, "credential_id")},
			}})
		}
	}
	return config
}

func keyAddressOf(shop sandbox.Shop) string { return "kustom_api_key." + shop.Name }

func (y *year) plan(t *testing.T, o tfdriver.Options) *tfdriver.Plan {
	t.Helper()
	return y.rollout.plan(t, y.config(), y.state, o)
}

func (y *year) apply(t *testing.T, o tfdriver.Options) *tfdriver.Result {
	t.Helper()
	state, result := y.driver.Apply(t.Context(), y.plan(t, o))
	y.state = state
	return result
}

// settle applies, as often as an apply may have to wait for shops that it moves itself, and expects
// every shop to take orders and nothing to be left to do.
func (y *year) settle(t *testing.T, event string, replace ...string) {
	t.Helper()
	if result := y.apply(t, tfdriver.Options{Replace: replace}); result.Failed() {
		mustBeOnlyHeldKeys(t, result.Output())
		if result = y.apply(t, tfdriver.Options{}); result.Failed() {
			t.Errorf("after %s, the second apply fails: %q", event, result.Errors)
		}
	}
	if !y.plan(t, tfdriver.Options{}).Empty() {
		t.Errorf("I4: after %s, the plan is not empty", event)
	}
	for _, shop := range y.shops {
		if err := y.box.PlaceOrder(shop.Name); err != nil {
			t.Errorf("after %s, shop %s takes no orders: %v", event, shop.Name, err)
		}
	}
	for _, v := range y.box.Violations() {
		t.Errorf("after %s: %v", event, v)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// held returns the username of each shop's key in the state.
func (y *year) held() map[string]string {
	held := map[string]string{}
	for _, shop := range y.shops {
		held[shop.Name] = y.state.Current[keyAddressOf(shop)].Text("username")
	}
	return held
}

// quarter lets three months pass, after which every key has to be another one.
func (y *year) quarter(t *testing.T, name string) {
	t.Helper()
	before := y.held()
	y.clock.Advance(91 * oneDay)
	y.settle(t, name)
	for shop, key := range y.held() {
		if key == before[shop] {
			t.Errorf("%s has not rotated the key of shop %s", name, shop)
		}
	}
}

// TestYear_ShopsTakeOrdersWhateverHappens is a year in the life of an agency's shops.
func TestYear_ShopsTakeOrdersWhateverHappens(t *testing.T) {
	t.Parallel()
	seed := yearSeed()
	y := &year{rollout: newRolloutOf(t, seed, sandbox.Options{}), state: tfdriver.NewState(), shops: slices.Clone(seed.Shops[:3])}
	fjellsport, ullogtre := seed.Shops[0], seed.Shops[2]
	y.settle(t, "the migration")
	y.quarter(t, "the first quarter")

	byHand, err := y.box.GenerateKey(fjellsport.MerchantID, "by hand")
	if err != nil {
		t.Fatal(err)
	}
	if err := y.box.Install(fjellsport.Name, byHand.Username, byHand.Secret); err != nil {
		t.Fatal(err)
	}
	y.settle(t, "a change by hand")

	y.settle(t, "a lost secret", keyAddressOf(ullogtre))

	// A key that is younger could be another run's, which is about to install it.
	y.clock.Advance(rotation.InstallTime)
	y.exclusive = true
	y.settle(t, "the clean-up of strays")
	y.mustHaveOneKeyEach(t)
	y.quarter(t, "the second quarter")

	y.shops = append(y.shops, seed.Shops[3])
	y.settle(t, "a new shop")
	y.quarter(t, "the third quarter")

	if err := y.box.UninstallExtension(ullogtre.Name, sandbox.KlarnaCheckoutV3); err != nil {
		t.Fatal(err)
	}
	y.shops = slices.DeleteFunc(y.shops, func(shop sandbox.Shop) bool { return shop.Name == ullogtre.Name })
	y.settle(t, "a shop that has closed")
	if left := y.box.Keys(ullogtre.MerchantID); len(left) > 0 {
		t.Errorf("the shop that has closed leaves %d keys behind", len(left))
	}
	y.quarter(t, "the fourth quarter")
	y.mustHaveOneKeyEach(t)
}

func (y *year) mustHaveOneKeyEach(t *testing.T) {
	t.Helper()
	held := y.held()
	for _, shop := range y.shops {
		if keys := y.box.Keys(shop.MerchantID); len(keys) != 1 || keys[0].Username != held[shop.Name] {
			t.Errorf("store %s has the keys %v, want %s alone", shop.MerchantID, keys, held[shop.Name])
		}
	}
}
