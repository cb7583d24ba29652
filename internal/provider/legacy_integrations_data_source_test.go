package provider_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	integrationsAddress = "data.kustom_legacy_integrations.all"
	integrationsExample = "data-sources/kustom_legacy_integrations/"
)

func integrationsHCL(t *testing.T) string {
	t.Helper()
	return example(t, integrationsExample+"terraform.tf", integrationsExample+"data-source.tf")
}

func integrationsOf(merchantIDs string) string {
	return "data \"kustom_legacy_integrations\" \"all\" {\n  merchant_ids = " + merchantIDs + "\n}\n"
}

// currentIn expects of a key whether it is current, and which shops use it.
func currentIn(current bool, shops ...string) map[string]knownvalue.Check {
	checks := []knownvalue.Check{}
	for _, shop := range shops {
		checks = append(checks, knownvalue.StringExact(shop))
	}
	return map[string]knownvalue.Check{"current": knownvalue.Bool(current), "mystore_shops": knownvalue.ListExact(checks)}
}

// TestLegacyIntegrations_ListsLegacyKeys runs the published example: two legacy keys of one store, of which a
// shop uses one, and two stores with one each.
func TestLegacyIntegrations_ListsLegacyKeys(t *testing.T) {
	apiOnly(t, "no page shows a host: TestAccSwitch_MovesThreeShops finds keys by their form")
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{})
	legacy := func(merchantID string, lastUsed knownvalue.Check, current bool, shops ...string) knownvalue.Check {
		facts := currentIn(current, shops...)
		facts["merchant_id"], facts["host"], facts["last_used_at"] = knownvalue.StringExact(merchantID), knownvalue.StringExact(legacyHost), lastUsed
		return knownvalue.ObjectExact(facts)
	}
	runInProcess(t, v, []resource.TestStep{{
		Config: integrationsHCL(t),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownOutputValue("legacy_keys", knownvalue.MapExact(map[string]knownvalue.Check{
				"M00412871-qT7vA": legacy("M00412871", knownvalue.StringExact("2026-03-02T10:41:17Z"), true, "fjellsport"),
				"M00537204-xM2pE": legacy("M00537204", knownvalue.StringExact("2026-03-02T09:58:03Z"), true, "kaffebonna"),
				"M00537204-b9LkC": legacy("M00537204", knownvalue.Null(), false),
				"M00698335-Zc4hJ": legacy("M00698335", knownvalue.StringExact("2026-03-01T20:12:36Z"), true, "ullogtre"),
			})),
			statecheck.ExpectKnownValue(integrationsAddress, tfjsonpath.New("action_required"), knownvalue.Bool(true)),
			statecheck.ExpectKnownValue(integrationsAddress, tfjsonpath.New("integrations").AtSliceIndex(0).AtMapKey("id"),
				knownvalue.StringExact(toSwitch["M00412871"].keyID)),
			// Within a store, the oldest comes first.
			statecheck.ExpectKnownValue(integrationsAddress, tfjsonpath.New("integrations").AtSliceIndex(1).AtMapKey("description"),
				knownvalue.StringExact("test by hand")),
		},
		PostApplyFunc: func() { v.wantOnlyReads(t); v.wantViolations(t) },
	}})
}

// TestLegacyIntegrations_ReadsAllPages lists more keys than fit on a page, and some stores' keys without
// listing all.
func TestLegacyIntegrations_ReadsAllPages(t *testing.T) {
	const stores = 120
	v := newVendors(t, sandbox.FleetSeed(stores), sandbox.Options{})
	count := func(n int) []statecheck.StateCheck {
		return inState(integrationsAddress, values{"integrations": knownvalue.ListSizeExact(n)})
	}
	runInProcess(t, v, []resource.TestStep{
		{
			Config:            integrationsHCL(t),
			ConfigStateChecks: count(stores),
			PostApplyFunc: func() {
				pages, shops := v.Count(sandbox.Portal, http.MethodGet, keysCall), v.Count(sandbox.Mystore, http.MethodGet, credentialsCall)
				if pages == 0 || shops*2 != pages*stores {
					t.Errorf("%d pages and %d shops were read, want two pages for %d shops", pages, shops, stores)
				}
				v.ResetRequests()
			},
		},
		{
			Config:            integrationsOf(`["M00500001", "M00500120"]`),
			ConfigStateChecks: count(2),
			PostApplyFunc: func() {
				for _, r := range v.Requests() {
					if r.Template == keysCall && r.MerchantID != "M00500001" && r.MerchantID != "M00500120" {
						t.Errorf("the keys of %q were listed", r.MerchantID)
					}
				}
			},
		},
		{
			Config:            integrationsOf(`["M00500001", "M00500002", "M00500003", "M00500120"]`),
			ConfigStateChecks: count(4),
		},
	})
	v.wantViolations(t)
}

// variantSeed has a store for each way in which a legacy key can be current or not.
func variantSeed() sandbox.Seed {
	v3 := []sandbox.Extension{{ID: sandbox.KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.4.1", Active: true}}
	made := time.Date(2024, time.May, 1, 12, 0, 0, 0, time.UTC)
	seed := sandbox.Seed{Users: []sandbox.User{{Token: "variants-portal-token", Email: "ops@agency.example"}}}
	store := func(merchantID string, keys ...sandbox.Key) {
		for i := range keys {
			keys[i].CredentialID = fmt.Sprintf("%s-%d", merchantID, i)
			keys[i].Username = merchantID + "-" + keys[i].Username
			keys[i].Secret = "kco_live_api_" + keys[i].Username
			keys[i].CreatedAt = made.Add(time.Duration(i) * time.Hour)
			keys[i].CreatedBy = "ops@agency.example"
		}
		seed.Stores = append(seed.Stores, sandbox.Store{MerchantID: merchantID, Name: merchantID, Website: "https://a.example", Keys: keys})
	}
	shop := func(name, username string, extensions []sandbox.Extension) {
		s := sandbox.Shop{Name: name, Token: "variants-token-" + name, Extensions: extensions, KustomID: username}
		if username != "" {
			s.KustomSecret, s.UpdatedAt = "kco_live_api_"+username, &made
		}
		seed.Shops = append(seed.Shops, s)
	}
	used := func(days int) *time.Time {
		at := made.AddDate(0, 0, days)
		return &at
	}
	// Held by two shops, although another key was used later.
	store("M001", sandbox.Key{Username: "held", Host: legacyHost, LastUsedAt: used(1)}, sandbox.Key{Username: "later", Host: legacyHost, LastUsedAt: used(2)})
	shop("shop-b", "M001-held", v3)
	shop("shop-a", "M001-held", v3)
	// Held by no configured shop: the one used last.
	store("M002", sandbox.Key{Username: "last", Host: legacyHost, LastUsedAt: used(4)}, sandbox.Key{Username: "earlier", Host: legacyHost, LastUsedAt: used(3)},
		sandbox.Key{Username: "never", Host: legacyHost})
	// Switched by hand already: the old key is not current, however much it was used.
	store("M003", sandbox.Key{Username: "old", Host: legacyHost, LastUsedAt: used(9)}, sandbox.Key{Username: "new", Host: kustomHost})
	shop("switched", "M003-new", v3)
	// The new key took over, in a shop that is not configured.
	store("M004", sandbox.Key{Username: "old", Host: legacyHost, LastUsedAt: used(5)}, sandbox.Key{Username: "new", Host: kustomHost, LastUsedAt: used(6)})
	// Nobody ever used it.
	store("M005", sandbox.Key{Username: "never", Host: legacyHost})
	// Nothing legacy.
	store("M006", sandbox.Key{Username: "new", Host: kustomHost})
	// Shops that can't hold a key are no obstacle.
	shop("no-checkout", "", []sandbox.Extension{{ID: "bring-shipping", Name: "Bring", Version: "2.0.0", Active: true}})
	shop("nothing", "", nil)
	return seed
}

func TestLegacyIntegrations_TellsWhichKeyIsCurrent(t *testing.T) {
	v := newVendors(t, variantSeed(), sandbox.Options{})
	facts := func(current bool, shops ...string) knownvalue.Check {
		return knownvalue.ObjectPartial(currentIn(current, shops...))
	}
	runInProcess(t, v, []resource.TestStep{
		{
			Config: integrationsHCL(t),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("legacy_keys", knownvalue.MapExact(map[string]knownvalue.Check{
					"M001-held":    facts(true, "shop-a", "shop-b"),
					"M001-later":   facts(false),
					"M002-last":    facts(true),
					"M002-earlier": facts(false),
					"M002-never":   facts(false),
					"M003-old":     facts(false),
					"M004-old":     facts(false),
					"M005-never":   facts(false),
				})),
			},
		},
		{
			Config:            integrationsOf(`["M006"]`),
			ConfigStateChecks: inState(integrationsAddress, values{"action_required": false, "integrations": []values{}}),
		},
	})
	v.wantViolations(t)
}
