package provider_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// keyOnly is the key of [generated] without its shop.
const keyOnly = `
resource "kustom_api_key" "checkout" {
  merchant_id = "M00123456"
}
`

// TestKey_ImportChangesNothing imports a key that a person generated in the portal. The state has no secret of it.
func TestKey_ImportChangesNothing(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	id := exampleKeyID
	if byPages() {
		// Pages show no other ID of a key than its username.
		id = exampleStore + "/" + exampleUsername
	}
	runInProcess(t, v, []resource.TestStep{
		{
			Config:           keyOnly + importBlock(keyAddress, id),
			ConfigPlanChecks: plans(planned{keyAddress: "import " + id}),
			ConfigStateChecks: inState(keyAddress, values{
				"id": id, "username": exampleUsername, "host": shownHost(), "environment": "live",
				"created_at": "2026-10-01T08:00:00Z", "secret": nil, "description": nil,
			}),
			PostApplyFunc: func() { v.wantOnlyReads(t) },
		},
		{
			Config: `resource "kustom_api_key" "checkout" {
					merchant_id   = "M00123456"
					force_destroy = true
					timeouts { delete = "10s" }
				}`,
			ConfigPlanChecks: plans(planned{keyAddress: "update"}),
			PostApplyFunc:    func() { v.wantOnlyReads(t) },
		},
		{Config: keyOnly, PostApplyFunc: func() { v.release(t, "butikk", "nettbutikk") }},
	})
	if len(v.Keys(exampleStore)) != 0 {
		t.Error("the imported key was not destroyed")
	}
	v.wantViolations(t)
}

// legacyStore is the store of [sandbox.ThreeShops] that has one key only.
const legacyStore = "M00412871"

// TestKey_KeepsImportedLegacyKeyOfNamedHost imports a key of Klarna's while the configuration names Klarna's host.
// Without the host, Terraform replaces the key as soon as its shop has another one.
func TestKey_KeepsImportedLegacyKeyOfNamedHost(t *testing.T) {
	apiOnly(t, "no page shows a host")
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{})
	id := toSwitch[legacyStore].keyID
	imported := edit(t, keyOnly, "M00123456", legacyStore) + importBlock(keyAddress, id)
	runInProcess(t, v, []resource.TestStep{
		{
			Config:            edit(t, imported, "\n}", "\n  host = \"api.klarna.com\"\n}"),
			ConfigPlanChecks:  plans(planned{keyAddress: "import " + id}),
			ConfigStateChecks: inState(keyAddress, values{"host": legacyHost}),
			PostApplyFunc:     func() { v.wantOnlyReads(t); v.wantWorking(t, "fjellsport") },
		},
		{
			// Without create_before_destroy, Terraform deletes the key first, which the shop still uses.
			Config:      imported,
			ExpectError: words("The key M00412871-qT7vA was not deleted. Shop fjellsport takes payments with it"),
		},
		{
			PreConfig: func() {
				v.wantCount(t, 0, sandbox.Portal, http.MethodDelete, "")
				v.release(t, "fjellsport")
			},
			Config:            imported,
			ConfigPlanChecks:  plans(planned{keyAddress: "delete, create"}),
			ConfigStateChecks: inState(keyAddress, values{"host": kustomHost}),
			PostApplyFunc:     func() { v.wantViolations(t) },
		},
	})
}

func TestKey_ReplacesKeyDeletedInPortal(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	runInProcess(t, v, []resource.TestStep{
		{Config: generated(t)},
		{
			PreConfig: func() {
				key := v.key(t, exampleStore, v.shop(t, "butikk").KustomID)
				v.mustDeleteKey(exampleStore, key.CredentialID)
				v.ResetRequests()
			},
			Config:           generated(t),
			ConfigPlanChecks: plans(planned{keyAddress: "create", shopAddress: "update"}),
			PostApplyFunc: func() {
				v.wantWorking(t, "butikk")
				v.wantCount(t, 1, sandbox.Portal, http.MethodPost, storeKeysCall)
				v.wantCount(t, 1, sandbox.Mystore, http.MethodPatch, credentialsCall)
				v.release(t, "butikk")
			},
		},
	})
}

// TestKey_KeepsStateWhileStoreIsNotVisible takes the portal user's access to the store away. The key must not count as
// deleted: the next run would generate it again.
func TestKey_KeepsStateWhileStoreIsNotVisible(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	use := func(token string) func() { return func() { v.env["KUSTOM_PORTAL_TOKEN"] = token } }
	runInProcess(t, v, []resource.TestStep{
		{Config: keyOnly},
		{PreConfig: use("example-token-stranger"), Config: keyOnly, ExpectError: words("API key not read")},
		{PreConfig: use("example-token-admin"), Config: keyOnly,
			ConfigPlanChecks: plans(planned{}),
			PostApplyFunc:    func() { v.wantCount(t, 1, sandbox.Portal, http.MethodPost, "") }},
	})
}
