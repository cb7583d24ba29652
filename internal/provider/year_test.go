package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
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

const yearConfiguration = `
terraform {
  required_providers {
    kustom = { source = "storefront-iac/kustom" }
  }
}

variable "stores" {
  type = map(string)
}

data "kustom_legacy_integrations" "all" {
  merchant_ids = keys(var.stores)
}

import {
  for_each = { for i in data.kustom_legacy_integrations.all.integrations : i.merchant_id => i if i.current }
  to       = kustom_api_key.checkout[each.key]
  id       = each.value.id
}

resource "kustom_api_key" "checkout" {
  for_each          = var.stores
  merchant_id       = each.key
  rotate_after_days = 90

  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "shop" {
  for_each = var.stores
  provider = kustom

  shop          = each.value
  kustom_id     = kustom_api_key.checkout[each.key].username
  kustom_secret = kustom_api_key.checkout[each.key].secret
}
`

// yearCleanUp is what the clean-up in the course of the year adds.
const yearCleanUp = `
resource "kustom_api_keys_exclusive" "store" {
  for_each    = var.stores
  merchant_id = each.key
  credential_ids     = [kustom_api_key.checkout[each.key].credential_id]
}
`

// year is the world of shops in the course of a year.
type year struct {
	*testEnv
	clock *clocktest.Scaled
	// stores are the managed ones: merchant ID to shop.
	stores map[string]string
}

// settle applies, as often as an apply may have to wait for shops that it moves itself, and expects
// every shop to take orders and nothing to be left to do.
func (y *year) settle(t *testing.T, event string, args ...string) {
	t.Helper()
	y.writeVariable(t, "stores", y.stores)
	if r := y.apply(t, args...); r.code != 0 {
		mustBeOnlyHeldKeys(t, r.output)
		y.mustApply(t)
	}
	y.mustBeEmpty(t)
	for _, shop := range y.stores {
		if err := y.sandbox.PlaceOrder(shop); err != nil {
			t.Errorf("after %s, shop %s takes no orders: %v", event, shop, err)
		}
	}
	for _, v := range y.sandbox.Violations() {
		t.Errorf("after %s: %v", event, v)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// quarter lets three months pass, after which every key has to be another one.
func (y *year) quarter(t *testing.T, name string) {
	t.Helper()
	before := y.keysInState(t)
	y.clock.Advance(days(91))
	y.settle(t, name)
	for store, key := range y.keysInState(t) {
		if key["username"] == before[store]["username"] {
			t.Errorf("%s has not rotated the key of store %s", name, store)
		}
	}
}

// TestAccYear is a year in the life of an agency's shops.
func TestAccYear(t *testing.T) {
	t.Parallel()
	seed := yearSeed()
	clk := clocktest.NewScaled(speed)
	y := &year{testEnv: newTestEnv(t, testEnvOptions{seed: &seed, clock: clk}), clock: clk, stores: map[string]string{}}
	for _, shop := range seed.Shops[:3] {
		y.stores[shop.MerchantID] = shop.Name
	}
	fjellsport, ullogtre := seed.Shops[0], seed.Shops[2]

	y.write(t, "main.tf", yearConfiguration)
	y.settle(t, "the migration")
	y.quarter(t, "the first quarter")

	byHand, err := y.sandbox.GenerateKey(fjellsport.MerchantID, "by hand")
	if err != nil {
		t.Fatal(err)
	}
	if err := y.sandbox.Install(fjellsport.Name, byHand.Username, byHand.Secret); err != nil {
		t.Fatal(err)
	}
	y.settle(t, "a change by hand")

	y.settle(t, "a lost secret", fmt.Sprintf("-replace=kustom_api_key.checkout[%q]", ullogtre.MerchantID))

	y.hourPasses()
	y.write(t, "clean-up.tf", yearCleanUp)
	y.settle(t, "the clean-up of strays")
	y.mustHaveOneKeyEach(t)
	y.quarter(t, "the second quarter")

	y.stores[newShopStore] = newShop
	y.settle(t, "a new shop")
	y.quarter(t, "the third quarter")

	if err := y.sandbox.UninstallExtension(ullogtre.Name, sandbox.KlarnaCheckoutV3); err != nil {
		t.Fatal(err)
	}
	delete(y.stores, ullogtre.MerchantID)
	y.settle(t, "a shop that has closed")
	if left := y.sandbox.Keys(ullogtre.MerchantID); len(left) > 0 {
		t.Errorf("the shop that has closed leaves %d keys behind", len(left))
	}
	y.quarter(t, "the fourth quarter")
	y.mustHaveOneKeyEach(t)
}

func (y *year) mustHaveOneKeyEach(t *testing.T) {
	t.Helper()
	for store := range y.stores {
		var names []string
		for _, key := range y.sandbox.Keys(store) {
			names = append(names, key.Username)
		}
		want := []string{fmt.Sprint(y.keysInState(t)[store]["username"])}
		if !slices.Equal(names, want) {
			t.Errorf("store %s has the keys %s, want %s", store, strings.Join(names, ", "), want)
		}
	}
}
