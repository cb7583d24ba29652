package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const versionOne = "kustom_secret_wo_version = 1"

func secretVariable(secret string) config.Variables {
	return config.Variables{"kustom_secret": config.StringVariable(secret)}
}

// TestShop_WritesSecretAgainOnlyForNewVersion imports a shop, which must not be written to because its secret gets its
// first version, and then changes the secret by its version. The secret is never in the state.
func TestShop_WritesSecretAgainOnlyForNewVersion(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	imported := pasted(t) + importBlock(pastedAddress, "nettbutikk")
	noSecret := inState(pastedAddress, values{"kustom_secret_wo": nil, "kustom_secret": nil})
	runInProcess(t, v, []resource.TestStep{
		{
			Config:           imported,
			ConfigVariables:  secretVariable(exampleSecret),
			ConfigPlanChecks: plans(planned{pastedAddress: "import nettbutikk, update"}),
			ConfigStateChecks: append(noSecret, inState(pastedAddress, values{
				"kustom_secret_wo_version": 1, "updated_at": "2026-10-01T08:00:00Z", "extension_version": "3.4.1",
			})...),
			PostApplyFunc: func() {
				v.wantOnlyReads(t)
				v.wantCount(t, 0, sandbox.Merchant, "", "")
			},
		},
		{
			// A new secret without a new version can't be seen.
			Config:           imported,
			ConfigVariables:  secretVariable("kco_live_api_notYet"),
			ConfigPlanChecks: plans(planned{}),
		},
		{
			PreConfig:         v.ResetRequests,
			Config:            edit(t, imported, versionOne, "kustom_secret_wo_version = 2"),
			ConfigVariables:   secretVariable(exampleSecret),
			ConfigPlanChecks:  plans(planned{pastedAddress: "update"}),
			ConfigStateChecks: noSecret,
			PostApplyFunc: func() {
				v.wantWorking(t, "nettbutikk")
				v.wantCount(t, 1, sandbox.Mystore, http.MethodPatch, credentialsCall)
				// The pair, and the invented one.
				v.wantCount(t, 2, sandbox.Merchant, http.MethodGet, orderCall)
			},
		},
	})
}

// TestShop_TakesOverShopWithoutImport takes over a shop that has credentials, without an import.
func TestShop_TakesOverShopWithoutImport(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	runInProcess(t, v, []resource.TestStep{{
		Config:           pasted(t),
		ConfigVariables:  secretVariable(exampleSecret),
		ConfigPlanChecks: plans(planned{pastedAddress: "create"}),
		PostApplyFunc: func() {
			v.wantWorking(t, "nettbutikk")
			v.wantCount(t, 1, sandbox.Mystore, http.MethodPatch, credentialsCall)
		},
	}})
	// The default is to leave the shop as it is.
	v.wantWorking(t, "nettbutikk")
}

// TestShop_ImportsShopWithoutCredentials imports a shop whose credentials were never set.
func TestShop_ImportsShopWithoutCredentials(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	v.release(t, "nettbutikk")
	runInProcess(t, v, []resource.TestStep{{
		Config:           pasted(t) + importBlock(pastedAddress, "nettbutikk"),
		ConfigVariables:  secretVariable(exampleSecret),
		ConfigPlanChecks: plans(planned{pastedAddress: "import nettbutikk, update"}),
		PostApplyFunc:    func() { v.wantWorking(t, "nettbutikk") },
	}})
}

// TestShop_CorrectsChangesByHand changes a shop's credentials in Mystore, in every way that can be seen
// there, and expects the next apply to put them right.
func TestShop_CorrectsChangesByHand(t *testing.T) {
	importedAndPasted := func(t *testing.T) string { return pasted(t) + importBlock(pastedAddress, "nettbutikk") }
	tests := []struct {
		name          string
		hcl           func(*testing.T) string
		shop, address string
		// change is what somebody does to a shop that holds a pair.
		change func(v *vendors, shop sandbox.Shop)
	}{
		{"other ID, secret in state", generated, "butikk", shopAddress, installOther},
		{"other secret, secret in state", generated, "butikk", shopAddress, installWrongSecret},
		{"cleared, secret in state", generated, "butikk", shopAddress, clearShop},
		{"other ID, write-only secret", pasted, "nettbutikk", pastedAddress, installOther},
		{"other secret, write-only secret", pasted, "nettbutikk", pastedAddress, installWrongSecret},
		{"cleared, write-only secret", pasted, "nettbutikk", pastedAddress, clearShop},
		{"extension installed anew, write-only secret", pasted, "nettbutikk", pastedAddress, reinstallExtension},
		{"other secret, imported, write-only secret", importedAndPasted, "nettbutikk", pastedAddress, installWrongSecret},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.HasPrefix(test.name, "other ID") {
				apiOnly(t, "a page does not show it: see TestPagesPair_CorrectsChangesByHand")
			}
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			hcl := test.hcl(t)
			variables := secretVariable(exampleSecret)
			runInProcess(t, v, []resource.TestStep{
				{Config: hcl, ConfigVariables: variables},
				{
					PreConfig: func() {
						test.change(v, v.shop(t, test.shop))
						v.ResetRequests()
					},
					Config:           hcl,
					ConfigVariables:  variables,
					ConfigPlanChecks: plans(planned{test.address: "update"}),
					PostApplyFunc: func() {
						v.wantWorking(t, test.shop)
						v.wantCount(t, 1, sandbox.Mystore, http.MethodPatch, credentialsCall)
						v.wantCount(t, 0, sandbox.Portal, http.MethodPost, "")
						v.release(t, test.shop)
					},
				},
			})
		})
	}
}

func installOther(v *vendors, shop sandbox.Shop) { v.byHand(shop.Name, exampleStore) }

func installWrongSecret(v *vendors, shop sandbox.Shop) {
	v.mustInstall(shop.Name, shop.KustomID, "kco_live_api_wrong")
}

func clearShop(v *vendors, shop sandbox.Shop) { v.mustInstall(shop.Name, "", "") }

func reinstallExtension(v *vendors, shop sandbox.Shop) {
	v.mustUninstall(shop.Name)
	v.mustInstallExtension(shop.Name, shop.Extensions[0])
}

// TestShop_WritesAfterImportOnlyIfChanged imports a shop with the command, which applies nothing. Its first version is
// no reason to write, unless somebody changes the shop before the apply.
func TestShop_WritesAfterImportOnlyIfChanged(t *testing.T) {
	for writes, name := range []string{"unchanged", "changed"} {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			change := func() {}
			if writes > 0 {
				apiOnly(t, "a page does not show that a secret has changed")
				change = func() { installWrongSecret(v, v.shop(t, "nettbutikk")) }
			}
			runInProcess(t, v, []resource.TestStep{
				{Config: pasted(t), ConfigVariables: secretVariable(exampleSecret),
					ResourceName: pastedAddress, ImportState: true, ImportStateId: "nettbutikk", ImportStatePersist: true},
				{
					PreConfig: change,
					Config:    pasted(t), ConfigVariables: secretVariable(exampleSecret),
					ConfigPlanChecks: plans(planned{pastedAddress: "update"}),
					PostApplyFunc: func() {
						v.wantWorking(t, "nettbutikk")
						v.wantCount(t, writes, sandbox.Mystore, http.MethodPatch, credentialsCall)
					},
				},
			})
		})
	}
}

// TestShop_RejectsShopWithoutExtension expects a shop whose Klarna Checkout V3 was removed to be seen as such,
// and to be put right when it is back.
func TestShop_RejectsShopWithoutExtension(t *testing.T) {
	apiOnly(t, "a page without the extension differs from the expected page")
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	extension := v.shop(t, "nettbutikk").Extensions[0]
	runInProcess(t, v, []resource.TestStep{
		{Config: pasted(t), ConfigVariables: secretVariable(exampleSecret)},
		{
			PreConfig:       func() { v.mustUninstall("nettbutikk") },
			Config:          pasted(t),
			ConfigVariables: secretVariable(exampleSecret),
			ExpectError:     words("Shop nettbutikk has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom. Install it in Mystore"),
		},
		{
			PreConfig:        func() { v.mustInstallExtension("nettbutikk", extension) },
			Config:           pasted(t),
			ConfigVariables:  secretVariable(exampleSecret),
			ConfigPlanChecks: plans(planned{pastedAddress: "update"}),
			PostApplyFunc:    func() { v.wantWorking(t, "nettbutikk") },
		},
	})
}

// TestShop_TakesSecretOutOfState replaces kustom_secret by kustom_secret_wo.
func TestShop_TakesSecretOutOfState(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	stored := edit(t, edit(t, edit(t, pasted(t), versionOne, ""), "kustom_secret_wo         =", "kustom_secret ="), "ephemeral = true", "")
	runInProcess(t, v, []resource.TestStep{
		{
			Config: stored, ConfigVariables: secretVariable(exampleSecret),
			ConfigStateChecks: inState(pastedAddress, values{"kustom_secret": exampleSecret}),
		},
		{
			Config: pasted(t), ConfigVariables: secretVariable(exampleSecret),
			ConfigPlanChecks:  plans(planned{pastedAddress: "update"}),
			ConfigStateChecks: inState(pastedAddress, values{"kustom_secret": nil, "kustom_secret_wo": nil}),
			PostApplyFunc:     func() { v.wantWorking(t, "nettbutikk") },
		},
	})
}

// TestShopDelete_ClearsShopBeforeItsKey empties the shop first, and then deletes its key.
func TestShopDelete_ClearsShopBeforeItsKey(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	hcl := edit(t, generated(t), `shop          = "butikk"`, "shop = \"butikk\"\ndeletion_policy = \"clear\"")
	runInProcess(t, v, []resource.TestStep{
		{Config: hcl, PostApplyFunc: func() { v.wantWorking(t, "butikk") }},
		{
			Config: hcl, Destroy: true,
			ConfigPlanChecks: plans(planned{keyAddress: "delete", shopAddress: "delete"}),
			PostApplyFunc: func() {
				if shop := v.shop(t, "butikk"); shop.KustomID != "" || shop.KustomSecret != "" {
					t.Errorf("the shop still holds %s", shop.KustomID)
				}
				if len(v.Keys(exampleStore)) != 1 {
					t.Errorf("%d keys are left", len(v.Keys(exampleStore)))
				}
				v.wantViolations(t, sandbox.ViolationShopCleared)
			},
		},
	})
}

// TestShopDelete_RetainsShopAndKey keeps the key of a shop that goes on using it, says so at once, and deletes it
// when it is told to.
func TestShopDelete_RetainsShopAndKey(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	forced := edit(t, generated(t), `merchant_id = "M00123456"`, "merchant_id = \"M00123456\"\nforce_destroy = true")
	var began time.Time
	runInProcess(t, v, []resource.TestStep{
		{Config: generated(t), PostApplyFunc: func() { began = v.clock.Now() }},
		{
			Config: generated(t), Destroy: true,
			ExpectError: words("Shop butikk takes payments with it, because its destroyed resource left the credentials in place (deletion_policy = " +
				"\"retain\"). Nothing was deleted."),
		},
		{
			PreConfig: func() {
				v.wantWorking(t, "butikk")
				v.wantCount(t, 0, sandbox.Portal, http.MethodDelete, "")
				if waited := v.clock.Now().Sub(began); waited != 0 {
					t.Errorf("the refusal took %v", waited)
				}
			},
			Config:           forced,
			ConfigPlanChecks: plans(planned{keyAddress: "update", shopAddress: "create"}),
			PostApplyFunc:    func() { v.wantWorking(t, "butikk") },
		},
		{
			Config: forced, Destroy: true,
			PostApplyFunc: func() {
				if len(v.Keys(exampleStore)) != 1 {
					t.Errorf("%d keys are left", len(v.Keys(exampleStore)))
				}
				v.wantViolations(t, sandbox.ViolationKeyInUse, sandbox.ViolationShopStopped)
			},
		},
	})
}
