package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// oldKey is a shop, and the key that it is to leave.
type oldKey struct{ shop, username, keyID string }

// toSwitch is what there is to switch in [threeShops], by merchant ID.
var toSwitch = keysToSwitch()

func keysToSwitch() map[string]oldKey {
	keys := map[string]oldKey{
		"M00412871": {"fjellsport", "M00412871-qT7vA", "M00412871/5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01"},
		"M00537204": {"kaffebonna", "M00537204-xM2pE", "M00537204/81c4a9d6-0b7c-4c55-8a3b-94f1d0e2c702"},
		"M00698335": {"ullogtre", "M00698335-Zc4hJ", "M00698335/e73a58b2-95d1-4f6c-a2c8-0d4b7e19f804"},
	}
	if byPages() {
		for merchantID, key := range keys {
			username := inKlarnasForm(key.username)
			keys[merchantID] = oldKey{key.shop, username, merchantID + "/" + username}
		}
	}
	return keys
}

// threeShops are those of [sandbox.ThreeShops]. The pages show no host: there, the form of a username tells that a key
// is one of Klarna's.
func threeShops() sandbox.Seed {
	if byPages() {
		return klarnasForm(sandbox.ThreeShops())
	}
	return sandbox.ThreeShops()
}

// klarnasForm gives Klarna's keys usernames that have the form of Klarna's.
func klarnasForm(seed sandbox.Seed) sandbox.Seed {
	for _, store := range seed.Stores {
		for i, key := range store.Keys {
			if key.Host == legacyHost {
				store.Keys[i].Username = inKlarnasForm(key.Username)
			}
		}
	}
	for i, shop := range seed.Shops {
		seed.Shops[i].KustomID = inKlarnasForm(shop.KustomID)
	}
	return seed
}

// unusedKey is the key of [threeShops] that no shop has.
func unusedKey() string {
	if byPages() {
		return "M00537204_b9LkC"
	}
	return "M00537204-b9LkC"
}

func inKlarnasForm(username string) string { return strings.Replace(username, "-", "_", 1) }

func storesToSwitch() config.Variables {
	stores := map[string]config.Variable{}
	for merchantID, s := range toSwitch {
		stores[merchantID] = config.StringVariable(s.shop)
	}
	return config.Variables{"stores": config.MapVariable(stores)}
}

func eachKey(merchantID string) string { return keyAddress + `["` + merchantID + `"]` }

func eachShop(merchantID string) string {
	return `mystore_klarna_checkout_credentials.shop["` + merchantID + `"]`
}

// TestAccSwitch_MovesThreeShops is the guide, for three shops in one apply.
func TestAccSwitch_MovesThreeShops(t *testing.T) {
	v := newVendors(t, threeShops(), sandbox.Options{})
	want := planned{}
	for merchantID, s := range toSwitch {
		want[eachKey(merchantID)] = "import " + s.keyID + ", create, delete"
		want[eachShop(merchantID)] = "create"
	}
	runTerraform(t, v, []resource.TestStep{{
		Config:           switchExample(t),
		ConfigVariables:  storesToSwitch(),
		ConfigPlanChecks: plans(want),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownOutputValue("hosts", exactly(values{"M00412871": shownHost(), "M00537204": shownHost(), "M00698335": shownHost()})),
			statecheck.ExpectKnownValue(eachKey("M00537204"), tfjsonpath.New("description"), shownDescription()),
		},
		PostApplyFunc: func() {
			v.wantSwitched(t)
			// The key that no shop used is nobody's to delete.
			v.key(t, "M00537204", unusedKey())
			v.release(t, "fjellsport", "kaffebonna", "ullogtre")
		},
	}})
}

// wantSwitched checks that every shop of toSwitch takes payments with a new key, that its old key was deleted, and that the
// steps had the guide's order.
func (v *vendors) wantSwitched(t *testing.T) {
	t.Helper()
	for merchantID, s := range toSwitch {
		v.wantWorking(t, s.shop)
		shop := v.shop(t, s.shop)
		if key := v.key(t, merchantID, shop.KustomID); key.Host != kustomHost || key.Secret != shop.KustomSecret {
			t.Errorf("shop %s is on key %s of %s", s.shop, key.Username, key.Host)
		}
		for _, key := range v.Keys(merchantID) {
			if key.Username == s.username {
				t.Errorf("store %s still has its old key", merchantID)
			}
		}
		v.wantOrder(t, merchantID, s.shop)
		v.mustPlaceOrder(s.shop)
		if status, err := v.EndpointStatus(merchantID); err != nil || status.ActionRequired {
			t.Errorf("store %s after an order: action required: %v, %v", merchantID, status.ActionRequired, err)
		}
	}
	v.wantCount(t, len(toSwitch), sandbox.Portal, http.MethodPost, "")
	v.wantCount(t, len(toSwitch), sandbox.Mystore, http.MethodPatch, "")
	v.wantCount(t, len(toSwitch), sandbox.Portal, http.MethodDelete, "")
}

// wantOrder checks that a key was generated, proven and installed before the old one was deleted.
func (v *vendors) wantOrder(t *testing.T, merchantID, shop string) {
	t.Helper()
	requests := v.Requests()
	at := func(api, method string, about func(sandbox.Request) bool) int {
		return slices.IndexFunc(requests, func(r sandbox.Request) bool {
			return r.API == api && r.Method == method && about(r)
		})
	}
	ofStore := func(r sandbox.Request) bool { return r.MerchantID == merchantID }
	order := []int{
		at(sandbox.Portal, http.MethodPost, ofStore),
		at(sandbox.Merchant, http.MethodGet, func(r sandbox.Request) bool { return r.Caller == v.shop(t, shop).KustomID }),
		at(sandbox.Mystore, http.MethodPatch, func(r sandbox.Request) bool { return r.Shop == shop }),
		at(sandbox.Portal, http.MethodDelete, ofStore),
	}
	if order[0] < 0 || !slices.IsSorted(order) {
		t.Errorf("store %s: generated, proven, installed, deleted were requests %v", merchantID, order)
	}
}

// TestKey_StaysThroughSettings starts a shop that never had a key, keeps its key through changes of what is Terraform's
// business alone, and finds both objects again by their import IDs.
func TestKey_StaysThroughSettings(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	anew := `description = "autumn"`
	if byPages() {
		anew = `rotate_when_changed = { season = "autumn" }`
	}
	var username string
	runInProcess(t, v, []resource.TestStep{
		{
			Config: generated(t),
			ConfigPlanChecks: plans(
				planned{keyAddress: "create", shopAddress: "create"},
				plancheck.ExpectKnownValue(keyAddress, tfjsonpath.New("host"), shownHost()),
				plancheck.ExpectKnownValue(keyAddress, tfjsonpath.New("description"), shownDescription()),
				knownInPlan(keyAddress, "environment", "live"),
				knownInPlan(shopAddress, "id", "butikk"),
			),
			ConfigStateChecks: slices.Concat(
				inState(keyAddress, values{"merchant_id": exampleStore, "host": shownHost(), "created_at": "2026-11-02T09:00:00Z"}),
				inState(shopAddress, values{"extension_version": shownVersion("3.4.1"), "updated_at": shownChange("2026-11-02T09:00:00Z")}),
				[]statecheck.StateCheck{
					statecheck.ExpectSensitiveValue(keyAddress, tfjsonpath.New("secret")),
					statecheck.ExpectSensitiveValue(shopAddress, tfjsonpath.New("kustom_secret")),
				},
			),
			PostApplyFunc: func() {
				v.wantWorking(t, "butikk")
				username = v.shop(t, "butikk").KustomID
				if got := v.key(t, exampleStore, username).Description; !byPages() && (got == nil || *got != "terraform") {
					t.Errorf("the portal shows the description %v", got)
				}
				v.wantCount(t, 1, sandbox.Portal, http.MethodPost, storeKeysCall)
				v.wantCount(t, 1, sandbox.Mystore, http.MethodPatch, credentialsCall)
			},
		},
		{ResourceName: keyAddress, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"secret"}},
		{ResourceName: shopAddress, ImportState: true, ImportStateVerify: true, ImportStateId: "butikk",
			ImportStateVerifyIgnore: []string{"kustom_secret"}},
		{
			PreConfig: v.ResetRequests,
			Config: edit(t, generated(t), `merchant_id = "M00123456"`, `merchant_id = "M00123456"
					force_destroy = true
					timeouts { delete = "3m" }`),
			ConfigPlanChecks: plans(planned{keyAddress: "update"}),
			PostApplyFunc:    func() { v.wantOnlyReads(t) },
		},
		{
			Config: edit(t, generated(t), `shop          = "butikk"`, `shop = "butikk"
					deletion_policy = "retain"
					verify          = true
					timeouts { update = "3m" }`),
			ConfigPlanChecks: plans(planned{keyAddress: "update", shopAddress: "update"}),
			PostApplyFunc: func() {
				v.wantOnlyReads(t)
				v.wantCount(t, 0, sandbox.Merchant, "", "")
			},
		},
		{
			Config:            edit(t, generated(t), `merchant_id = "M00123456"`, "merchant_id = \"M00123456\"\n"+anew),
			ConfigPlanChecks:  plans(planned{keyAddress: "create, delete", shopAddress: "update"}),
			ConfigStateChecks: inState(keyAddress, values{"description": shownByAPI("autumn")}),
			PostApplyFunc: func() {
				v.wantWorking(t, "butikk")
				if v.shop(t, "butikk").KustomID == username || len(v.Keys(exampleStore)) != 2 {
					t.Errorf("shop butikk is on %s, and the store has %d keys", v.shop(t, "butikk").KustomID, len(v.Keys(exampleStore)))
				}
				v.release(t, "butikk")
			},
		},
	})
	// The test's own end destroys both objects; the key made in the portal is none of them.
	if keys := v.Keys(exampleStore); len(keys) != 1 || keys[0].Username != exampleUsername {
		t.Errorf("%d keys are left", len(keys))
	}
}

// TestKey_WaitsForPendingKey waits until the portal has generated a key, and until the key works.
func TestKey_WaitsForPendingKey(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{Pending: 3, PropagationDelay: 10 * time.Second})
	runInProcess(t, v, []resource.TestStep{{
		Config: generated(t),
		PostApplyFunc: func() {
			v.wantWorking(t, "butikk")
			v.wantCount(t, 1, sandbox.Portal, http.MethodPost, storeKeysCall)
			v.wantAnswer(t, sandbox.Portal, http.MethodPost, storeKeysCall, http.StatusAccepted)
			v.wantAnswer(t, sandbox.Merchant, http.MethodGet, orderCall, http.StatusUnauthorized)
			if len(v.Keys(exampleStore)) != 2 {
				t.Errorf("the store has %d keys, want 2", len(v.Keys(exampleStore)))
			}
			v.release(t, "butikk")
		},
	}})
}
