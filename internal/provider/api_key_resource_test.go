package provider_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// keyOnly is the key of [generated] without its shop.
const keyOnly = `
resource "kustom_api_key" "checkout" {
  merchant_id = "M00123456"
}
`

// TestAccKey_ImportChangesNothing imports a key that was made in the portal. It stays as it is, without a secret,
// until something asks for another one.
func TestAccKey_ImportChangesNothing(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	imported := keyOnly + importBlock(keyAddress, exampleImportID())
	runTerraform(t, v, []resource.TestStep{
		{
			Config:           imported,
			ConfigPlanChecks: plans(planned{keyAddress: "import " + exampleImportID()}),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("id"), knownvalue.StringExact(exampleImportID())),
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("username"), knownvalue.StringExact(exampleUsername)),
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("host"), shownHost()),
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("environment"), knownvalue.StringExact("live")),
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("created_at"), knownvalue.StringExact("2026-10-01T08:00:00Z")),
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("secret"), knownvalue.Null()),
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("description"), knownvalue.Null()),
			},
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

// exampleImportID is the import ID of the example's key: pages know no other ID of it than its username.
func exampleImportID() string {
	if byPages() {
		return exampleStore + "/" + exampleUsername
	}
	return exampleKeyID
}

// legacyStore is the store of [sandbox.ThreeShops] that has one key only.
const legacyStore = "M00412871"

func legacyKey(body string) string {
	return `resource "kustom_api_key" "checkout" {
		merchant_id = "` + legacyStore + `"
		` + body + `
	}` + importBlock(keyAddress, toSwitch[legacyStore].keyID)
}

// TestKey_KeepsImportedLegacyKeyOfNamedHost names Klarna's host to keep an imported key for now, and later does not.
func TestKey_KeepsImportedLegacyKeyOfNamedHost(t *testing.T) {
	apiOnly(t, "no page shows a host")
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{})
	runInProcess(t, v, []resource.TestStep{
		{
			Config:           legacyKey(`host = "api.klarna.com"`),
			ConfigPlanChecks: plans(planned{keyAddress: "import " + toSwitch[legacyStore].keyID}),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("host"), knownvalue.StringExact(legacyHost)),
			},
			PostApplyFunc: func() { v.wantOnlyReads(t); v.wantWorking(t, "fjellsport") },
		},
		{
			// The shop still uses the old key, which Terraform wants to delete first.
			Config:      legacyKey(""),
			ExpectError: words("The key M00412871-qT7vA was not deleted. Shop fjellsport takes payments with it"),
		},
		{
			PreConfig: func() {
				v.wantCount(t, 0, sandbox.Portal, http.MethodDelete, "")
				v.release(t, "fjellsport")
			},
			Config:           legacyKey(""),
			ConfigPlanChecks: plans(planned{keyAddress: "delete, create"}),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(keyAddress, tfjsonpath.New("host"), knownvalue.StringExact(kustomHost)),
			},
			PostApplyFunc: func() { v.wantViolations(t) },
		},
	})
}

// TestKey_ReplacesKeyDeletedInPortal makes and installs another key in place of one that somebody deleted in
// the portal.
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

// TestKey_KeepsStateWhileStoreIsNotVisible does not take a store for empty that the portal user has lost access to: its
// keys would be made a second time.
func TestKey_KeepsStateWhileStoreIsNotVisible(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	admin := v.env["KUSTOM_PORTAL_TOKEN"]
	runInProcess(t, v, []resource.TestStep{
		{Config: keyOnly},
		{PreConfig: func() { v.env["KUSTOM_PORTAL_TOKEN"] = "example-token-stranger" }, Config: keyOnly,
			ExpectError: words("API key not read")},
		{PreConfig: func() { v.env["KUSTOM_PORTAL_TOKEN"] = admin }, Config: keyOnly,
			ConfigPlanChecks: plans(planned{}),
			PostApplyFunc:    func() { v.wantCount(t, 1, sandbox.Portal, http.MethodPost, "") }},
	})
}
