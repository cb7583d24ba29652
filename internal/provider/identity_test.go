package provider_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	keyType        = "kustom_api_key"
	shopType       = "mystore_klarna_checkout_credentials"
	connectionType = "kustom_mystore_connection"
	exclusiveType  = "kustom_api_keys_exclusive"

	keyCall        = "/stores/{merchant_id}/credentials/{credential_id}"
	extensionsCall = "/shops/{shop}/extensions"
)

func (c *caller) wantIdentity(i instance, want map[string]string) {
	c.t.Helper()
	if got := c.identityOf(i); !maps.Equal(got, want) {
		c.t.Errorf("the identity is %q, want %q", got, want)
	}
}

// TestIdentity_StaysThroughLife follows an object of each type through its life. States that know no identities, as
// older versions have written them, get one from every call.
func TestIdentity_StaysThroughLife(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typeName       string
		config, change attributes
		// identity is what is known of the identity before the object is made.
		identity map[string]string
	}{
		{typeName: keyType, config: attributes{"merchant_id": exampleStore},
			change:   attributes{"merchant_id": exampleStore, "force_destroy": true},
			identity: map[string]string{"merchant_id": exampleStore}},
		{typeName: shopType,
			config:   attributes{"shop": "butikk", "kustom_id": exampleUsername, "kustom_secret": exampleSecret},
			change:   attributes{"shop": "butikk", "kustom_id": exampleUsername, "kustom_secret": exampleSecret, "verify": false},
			identity: map[string]string{"shop": "butikk"}},
		{typeName: connectionType, config: attributes{"shop": "butikk", "merchant_id": exampleStore},
			change:   attributes{"shop": "butikk", "merchant_id": exampleStore, "replaced_key_policy": "keep"},
			identity: map[string]string{"shop": "butikk", "merchant_id": exampleStore}},
	}
	for _, test := range tests {
		t.Run(test.typeName, func(t *testing.T) {
			t.Parallel()
			c := newVendors(t, exampleSeed(), sandbox.Options{}).caller(t)
			made, diagnostics := c.create(test.typeName, test.config)
			c.mustBeFine(diagnostics)
			want := test.identity
			if test.typeName == keyType {
				want["credential_id"] = c.stateOf(made)["credential_id"]
			}
			c.wantIdentity(made, want)
			for name, step := range map[string]func(instance) (instance, []*tfprotov6.Diagnostic){
				"refresh": c.refresh,
				"update":  func(i instance) (instance, []*tfprotov6.Diagnostic) { return c.update(i, test.change) },
			} {
				for _, before := range []instance{made, made.unidentified()} {
					after, diagnostics := step(before)
					if text := errorsOf(diagnostics); text != "" {
						t.Errorf("%s: %s", name, text)
					}
					c.wantIdentity(after, want)
				}
			}
		})
	}
}

// TestIdentity_StaysToTheEnd expects an identity of an object that was deleted: Terraform does not accept a removal without.
func TestIdentity_StaysToTheEnd(t *testing.T) {
	t.Parallel()
	t.Run(keyType, func(t *testing.T) {
		t.Parallel()
		v := newVendors(t, exampleSeed(), sandbox.Options{})
		c := v.caller(t)
		made, diagnostics := c.create(keyType, attributes{"merchant_id": exampleStore})
		c.mustBeFine(diagnostics)
		identity := c.identityOf(made)
		v.mustDeleteKey(exampleStore, identity["credential_id"])
		// In the run that made the key, an answer without it may lag.
		kept, diagnostics := c.refresh(made)
		c.mustBeFine(diagnostics)
		if c.stateOf(kept) == nil {
			t.Error("the run that made the key takes it for gone")
		}
		v.caller(t).wantGone(made.unidentified(), identity)
	})
	t.Run(shopType, func(t *testing.T) {
		t.Parallel()
		v := newVendors(t, exampleSeed(), sandbox.Options{})
		made, diagnostics := v.caller(t).create(shopType, attributes{"shop": "butikk", "kustom_id": exampleUsername, "kustom_secret": exampleSecret})
		v.Arm(sandbox.Fault{API: sandbox.Mystore, Method: http.MethodGet, Template: credentialsCall, Status: http.StatusNotFound})
		v.Arm(sandbox.Fault{
			API: sandbox.Mystore, Method: http.MethodGet, Template: extensionsCall, Status: http.StatusOK,
			ContentType: "application/vnd.api+json", Body: `{"data":[],"links":{}}`,
		})
		// The next run knows nothing yet of the shop.
		c := v.caller(t)
		c.mustBeFine(diagnostics)
		c.wantGone(made.unidentified(), map[string]string{"shop": "butikk"})
	})
}

// wantGone expects that a refresh finds an instance gone.
func (c *caller) wantGone(i instance, identity map[string]string) {
	c.t.Helper()
	gone, diagnostics := c.refresh(i)
	c.mustBeFine(diagnostics)
	if state := c.stateOf(gone); state != nil {
		c.t.Errorf("it is still there: %q", state)
	}
	c.wantIdentity(gone, identity)
}

// TestIdentity_OfOrphanStays_I3 fails to create an object and leaves a key to delete. The object keeps its identity, whether
// the portal's ID of the key is known or not.
func TestIdentity_OfOrphanStays_I3(t *testing.T) {
	t.Parallel()
	lost := sandbox.Fault{API: sandbox.Portal, Method: http.MethodPost, Kind: sandbox.FaultLoseAnswer}
	undeletable := sandbox.Fault{API: sandbox.Portal, Method: http.MethodDelete, Template: keyCall, Status: http.StatusInternalServerError}
	unproven := sandbox.Fault{API: sandbox.Merchant, Status: http.StatusUnauthorized}
	tests := []struct {
		name, typeName string
		config         attributes
		faults         []sandbox.Fault
		// named says that the portal's ID of the key is known.
		named bool
	}{
		{"lost key", keyType, attributes{"merchant_id": exampleStore}, []sandbox.Fault{lost}, false},
		{"lost connection", connectionType, attributes{"shop": "butikk", "merchant_id": exampleStore}, []sandbox.Fault{lost}, false},
		{"stuck connection", connectionType, attributes{"shop": "butikk", "merchant_id": exampleStore}, []sandbox.Fault{unproven, undeletable}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			c := v.caller(t)
			for _, fault := range test.faults {
				v.Arm(fault)
			}
			orphan, diagnostics := c.create(test.typeName, test.config)
			if errorsOf(diagnostics) == "" {
				t.Fatal("it was made without an error")
			}
			state := c.stateOf(orphan)
			if (state["credential_id"] != "") != test.named || (state["idempotency_key"] != "") != (test.typeName == keyType) {
				t.Fatalf("the state is %q", state)
			}
			want := map[string]string{"merchant_id": exampleStore}
			if test.typeName == connectionType {
				want = map[string]string{"merchant_id": exampleStore, "shop": "butikk"}
			}
			c.wantIdentity(orphan, want)
			for _, before := range []instance{orphan, orphan.unidentified()} {
				after, diagnostics := c.refresh(before)
				c.mustBeFine(diagnostics)
				c.wantIdentity(after, want)
			}
		})
	}
}

// TestIdentity_MovesWithStore moves a connection to another store. Its identity changes only when the shop has a key of
// that store.
func TestIdentity_MovesWithStore(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	c := v.caller(t)
	made, diagnostics := c.create(connectionType, attributes{"shop": "butikk", "merchant_id": exampleStore})
	c.mustBeFine(diagnostics)
	move := attributes{"shop": "butikk", "merchant_id": otherStore, "allow_store_change": true}
	fault := v.Arm(sandbox.Fault{API: sandbox.Portal, Method: http.MethodPost, Status: http.StatusBadRequest})
	kept, diagnostics := c.update(made, move)
	if errorsOf(diagnostics) == "" {
		t.Fatal("the shop was moved in spite of the fault")
	}
	c.wantIdentity(kept, map[string]string{"shop": "butikk", "merchant_id": exampleStore})
	fault.Disarm()
	moved, diagnostics := c.update(kept, move)
	c.mustBeFine(diagnostics)
	c.wantIdentity(moved, map[string]string{"shop": "butikk", "merchant_id": otherStore})
	moved, diagnostics = c.refresh(moved)
	c.mustBeFine(diagnostics)
	c.wantIdentity(moved, map[string]string{"shop": "butikk", "merchant_id": otherStore})
}

// TestIdentity_ImportsAsIDDoes imports an object of each type by its identity and by its ID, with the same result.
func TestIdentity_ImportsAsIDDoes(t *testing.T) {
	t.Parallel()
	merchantID, credentialID, _ := strings.Cut(exampleKeyID, "/")
	for _, test := range []struct {
		typeName, id string
		identity     attributes
	}{
		{keyType, exampleKeyID, attributes{"merchant_id": merchantID, "credential_id": credentialID}},
		{shopType, "nettbutikk", attributes{"shop": "nettbutikk"}},
		{connectionType, "nettbutikk/" + exampleStore, attributes{"shop": "nettbutikk", "merchant_id": exampleStore}},
		{exclusiveType, exampleStore, attributes{"merchant_id": exampleStore}},
	} {
		t.Run(test.typeName, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			c := v.caller(t)
			want := map[string]string{}
			for name, value := range test.identity {
				want[name], _ = value.(string)
			}
			var states []map[string]string
			for _, id := range []string{test.id, ""} {
				imported, diagnostics := c.imported(test.typeName, id, test.identity)
				c.mustBeFine(diagnostics)
				c.wantIdentity(imported, want)
				read, diagnostics := c.refresh(imported)
				c.mustBeFine(diagnostics)
				c.wantIdentity(read, want)
				states = append(states, c.stateOf(read))
			}
			if !maps.Equal(states[0], states[1]) || states[1]["id"] != test.id {
				t.Errorf("imported by identity, it is\n%q, by ID\n%q", states[1], states[0])
			}
			v.wantOnlyReads(t)
		})
	}
}

// TestIdentity_RejectsWhatIDRejects expects the same error for a malformed identity as for a malformed ID.
func TestIdentity_RejectsWhatIDRejects(t *testing.T) {
	t.Parallel()
	c := newVendors(t, exampleSeed(), sandbox.Options{}).caller(t)
	for _, test := range []struct {
		typeName, id string
		identity     attributes
	}{
		{exclusiveType, "butikk", attributes{"merchant_id": "butikk"}},
		{keyType, "M00123456/", attributes{"merchant_id": "M00123456", "credential_id": ""}},
		{keyType, "M00123456/unsettled:1", attributes{"merchant_id": "M00123456", "credential_id": "unsettled:1"}},
		{keyType, "butikk/7a3c0c1e", attributes{"merchant_id": "butikk", "credential_id": "7a3c0c1e"}},
		{connectionType, "/M00123456", attributes{"shop": "", "merchant_id": "M00123456"}},
		{connectionType, "butikk/butikk", attributes{"shop": "butikk", "merchant_id": "butikk"}},
	} {
		_, byID := c.imported(test.typeName, test.id, nil)
		_, byIdentity := c.imported(test.typeName, "", test.identity)
		if got, want := errorsOf(byIdentity), errorsOf(byID); got != want || !strings.HasPrefix(got, "Malformed import ID: ") {
			t.Errorf("%s %q is refused with\n%q, by ID with\n%q", test.typeName, test.identity, got, want)
		}
	}
}

const exclusiveOnly = `
resource "kustom_api_keys_exclusive" "butikk" {
  merchant_id = "M00123456"
  credential_ids     = ["7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11"]
}
`

// TestAccIdentity_ImportsInExamples runs the published examples.
func TestAccIdentity_ImportsInExamples(t *testing.T) {
	const file = "import-by-identity.tf"
	tests := []struct{ address, hcl, actions string }{
		{keyAddress, keyOnly + example(t, keyExample+file), "import "},
		{pastedAddress, pasted(t) + example(t, shopExample+file), "import , update"},
		{connectionAddress, example(t, connectionExample+"resource.tf", connectionExample+file), "import , update"},
		{exclusiveType + ".butikk", exclusiveOnly + example(t, "resources/"+exclusiveType+"/"+file), "import "},
		{"kustom_mystore_fleet.norway", example(t, "resources/kustom_mystore_fleet/resource.tf", "resources/kustom_mystore_fleet/"+file), "import , update"},
	}
	for _, test := range tests {
		t.Run(test.address, func(t *testing.T) {
			v := newVendors(t, allShops(), sandbox.Options{})
			v.mustInstall("butikk", exampleUsername, exampleSecret)
			resource.ParallelTest(t, resource.TestCase{
				TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
				ProtoV6ProviderFactories: v.providers(),
				Steps: []resource.TestStep{{
					Config: test.hcl, ConfigVariables: secretVariable(exampleSecret),
					ConfigPlanChecks: plans(planned{test.address: test.actions}),
					PostApplyFunc:    func() { v.wantOnlyReads(t); v.release(t, "butikk", "nettbutikk") },
				}},
			})
		})
	}
}
