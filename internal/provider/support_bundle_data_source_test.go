package provider_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const bundleExample = "data-sources/kustom_support_bundle/"

// bundle is what the JSON form of a support bundle says, as far as the tests look at it.
type bundle struct {
	Environment    string `json:"environment"`
	EndpointStatus *struct {
		ActionRequired bool `json:"action_required"`
		Services       []struct{ Service, Host string }
	} `json:"endpoint_status"`
	APIKeys []struct {
		Username     string   `json:"username"`
		Description  *string  `json:"description"`
		MystoreShops []string `json:"mystore_shops"`
	} `json:"api_keys"`
	Shop *struct {
		Extension   *struct{ Version string } `json:"klarna_checkout_v3"`
		Credentials *struct {
			KustomID string `json:"kustom_id"`
		} `json:"credentials"`
	} `json:"shop"`
	Proof *struct {
		Verdict string       `json:"verdict"`
		Cause   *string      `json:"cause"`
		Calls   []bundleCall `json:"calls"`
	} `json:"proof"`
	Failures []struct {
		Part  string       `json:"part"`
		Cause string       `json:"cause"`
		Calls []bundleCall `json:"calls"`
	} `json:"failures"`
}

type bundleCall struct {
	Call          string `json:"call"`
	Status        int    `json:"status"`
	CorrelationID string `json:"correlation_id"`
}

const bundleHCL = `
variable "kustom_secret" {
  type      = string
  sensitive = true
}

data "kustom_support_bundle" "it" {
  merchant_id   = "M00123456"
  shop          = "nettbutikk"
  kustom_id     = "M00123456-aB3dE"
  kustom_secret = var.kustom_secret
}

output "json" {
  value = data.kustom_support_bundle.it.json
}

output "markdown" {
  value = data.kustom_support_bundle.it.markdown
}
`

// gather applies [bundleHCL], and returns the bundle and all texts that it left: the two forms of the
// bundle, the output and the state.
func (w *testEnv) gather(t *testing.T, secret string) (bundle, string) {
	t.Helper()
	w.env = append(w.env, "TF_VAR_kustom_secret="+secret)
	w.write(t, "main.tf", example(t, bundleExample+"terraform.tf")+bundleHCL)
	applied := w.mustApply(t)
	text := w.terraform(t, "output", "-raw", "json").output
	var got bundle
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	all := text + w.terraform(t, "output", "-raw", "markdown").output + applied.output + read(t, filepath.Join(w.dir, "terraform.tfstate"))
	return got, all
}

// TestSupportBundle_KeepsNoSecretOfProof gathers one with a pair that works. Its secret is kept nowhere.
func TestSupportBundle_KeepsNoSecretOfProof(t *testing.T) {
	t.Parallel()
	seed := exampleSeed()
	careless := "its secret is kco_live_api_EXAMPLEn4T8vLq2ZsX6cWj9BfRk3Hd7Yp"
	seed.Stores[0].Keys[0].Description = &careless
	seed.Stores[0].Services = []sandbox.Service{{Service: "checkout", Host: legacyHost}}
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed, sandbox: sandbox.Options{Merchant: sandbox.MerchantJSON}})
	got, all := w.gather(t, exampleSecret)
	// The first call has the invented credentials.
	if p := got.Proof; p == nil || p.Verdict != "accepted" || p.Cause != nil || len(p.Calls) != 2 ||
		p.Calls[0].Status != http.StatusUnauthorized || p.Calls[1].Status != http.StatusNotFound || p.Calls[1].CorrelationID == "" {
		t.Errorf("the proof is %+v", p)
	}
	if s := got.EndpointStatus; s == nil || !s.ActionRequired || len(s.Services) != 1 || s.Services[0].Host != legacyHost {
		t.Errorf("the status, before the proof, is %+v", s)
	}
	if k := got.APIKeys; len(k) != 1 || *k[0].Description != rotation.SecretAsID || len(k[0].MystoreShops) != 1 || k[0].MystoreShops[0] != "nettbutikk" {
		t.Errorf("the keys are %+v", k)
	}
	if got.Environment != sandbox.Production || got.Shop.Extension.Version != "3.4.1" || got.Shop.Credentials.KustomID != exampleUsername || len(got.Failures) > 0 {
		t.Errorf("the bundle is %+v", got)
	}
	if n := leaks(all, w.sandbox.Secrets()); n > 0 {
		t.Errorf("%d secrets are in it:\n%s", n, all)
	}
	w.sandbox.wantViolations(t)
}

// TestSupportBundle_NamesWhatFailed gathers bundles while something is wrong. Each bundle names what failed.
func TestSupportBundle_NamesWhatFailed(t *testing.T) {
	const (
		status, keys, holders    = "endpoint switch status", "API keys", "shops that use the keys"
		extension, credentialsOf = "Klarna Checkout V3 of the shop", "credentials of the shop"
		statusCall               = "/stores/{merchant_id}/endpoint-status"
	)
	arm := func(f sandbox.Fault) func(*testing.T, *testEnv) {
		return func(_ *testing.T, w *testEnv) { w.sandbox.Arm(f) }
	}
	refused := func(api, body string) sandbox.Fault {
		return sandbox.Fault{API: api, Status: http.StatusForbidden, ContentType: "application/json", Body: body}
	}
	tests := map[string]struct {
		prepare func(*testing.T, *testEnv)
		secret  string
		// failed are the parts that could not be read. The cause of the first contains says, and it has at least so many calls.
		failed  []string
		says    string
		calls   int
		verdict string
	}{
		"status refused": {
			prepare: arm(sandbox.Fault{API: sandbox.Portal, Template: statusCall, Status: http.StatusServiceUnavailable}),
			failed:  []string{status}, says: "503 Service Unavailable", calls: 5, verdict: "accepted",
		},
		"portal echoes the token": {
			prepare: arm(refused(sandbox.Portal, `{"error_code":"FORBIDDEN","error_messages":["not example-token-admin | no"],"correlation_id":"c-1"}`)),
			failed:  []string{status, keys}, says: "not (sensitive) | no", calls: 1, verdict: "accepted",
		},
		"portal silent": {
			prepare: arm(sandbox.Fault{API: sandbox.Portal, Kind: sandbox.FaultDrop}),
			failed:  []string{status, keys}, says: "GET " + statusCall, calls: 5, verdict: "accepted",
		},
		"one shop not readable": {
			prepare: arm(sandbox.Fault{
				API: sandbox.Mystore, Template: credentialsCall, Status: http.StatusForbidden,
				Match: func(r sandbox.Request) bool { return r.Shop == "butikk" },
			}),
			failed: []string{holders}, says: "shop butikk", calls: 1, verdict: "accepted",
		},
		"no Klarna Checkout V3": {
			prepare: func(t *testing.T, w *testEnv) { uninstall(t, w.sandbox.Sandbox) },
			failed:  []string{extension}, says: "shop nettbutikk has no Klarna Checkout V3", verdict: "accepted",
		},
		"Mystore silent": {
			prepare: arm(sandbox.Fault{API: sandbox.Mystore, Kind: sandbox.FaultDrop}),
			failed:  []string{holders, extension, credentialsOf}, says: "credentials of shop", calls: 5, verdict: "accepted",
		},
		"pair refused": {secret: "kco_live_api_lost", verdict: "refused"},
		"region firewall": {
			prepare: arm(sandbox.Fault{API: sandbox.Merchant, Status: http.StatusForbidden, ContentType: "text/html", Body: exampleSecret}),
			verdict: "region firewall",
		},
		"merchant API silent": {
			prepare: arm(sandbox.Fault{API: sandbox.Merchant, Kind: sandbox.FaultDrop}), verdict: "unknown",
		},
		"ID and secret swapped in the shop": {
			prepare: func(t *testing.T, w *testEnv) {
				w.sandbox.mustInstall("nettbutikk", exampleSecret, "M00123456-zY9xW")
			},
			verdict: "accepted",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := exampleSeed()
			w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
			if test.prepare != nil {
				test.prepare(t, w)
			}
			got, all := w.gather(t, cmp.Or(test.secret, exampleSecret))
			if got.Proof == nil || got.Proof.Verdict != test.verdict || (got.Proof.Cause == nil) != (test.verdict == "accepted") {
				t.Errorf("the proof is %+v, want %s", got.Proof, test.verdict)
			}
			var failed []string
			for _, f := range got.Failures {
				failed = append(failed, f.Part)
			}
			if strings.Join(failed, ", ") != strings.Join(test.failed, ", ") {
				t.Fatalf("the failed parts are %q, want %q", failed, test.failed)
			}
			if len(failed) > 0 && (!strings.Contains(got.Failures[0].Cause, test.says) || len(got.Failures[0].Calls) < test.calls) {
				t.Errorf("the first failure is %+v", got.Failures[0])
			}
			if n := leaks(all, append(w.sandbox.Secrets(), "kco_live_api_lost")); n > 0 {
				t.Errorf("%d secrets are in it:\n%s", n, all)
			}
			w.sandbox.wantViolations(t)
		})
	}
}

// TestSupportBundle_RejectsBadInput expects the errors before any request.
func TestSupportBundle_RejectsBadInput(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	const store, pair = "merchant_id = \"M00123456\"\n", "kustom_id = \"M00123456-aB3dE\"\n"
	of := func(arguments string) string {
		return "data \"kustom_support_bundle\" \"it\" {\n" + arguments + "\n}\n"
	}
	late := func(setting, value string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"late\" {\n  input = %q\n}\nprovider \"kustom\" {\n  %s = terraform_data.late.output\n}\n", value, setting)
	}
	var steps []resource.TestStep
	for _, test := range []struct{ config, says string }{
		{of(`merchant_id = "fjellsport"`), "Malformed merchant ID"},
		{of(`merchant_id = "PM00123456"`), "The store belongs to the playground environment"},
		{of(store + pair), "No secret"},
		{of(store + `kustom_secret = "kco_live_api_x"`), "No Kustom ID"},
		{of(store + pair + `kustom_secret = "kco_test_api_x"`), "Secret of another environment"},
		{of(store) + late("portal_token", "example-token-admin"), "The provider needs portal_token during the plan, but its value is known only after an apply"},
		{of(store) + late("environment", "production"), "The provider needs environment during the plan, but its value is known only after an apply"},
	} {
		steps = append(steps, resource.TestStep{Config: test.config, ExpectError: words(test.says)})
	}
	runInProcess(t, v, steps)
	v.wantNoRequests(t)
}

// TestSupportBundle_RejectsUnknownAPI proves a pair at an address that is not known yet.
func TestSupportBundle_RejectsUnknownAPI(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	runInProcess(t, v, []resource.TestStep{{
		Config: bundleHCL + `
				resource "terraform_data" "late" { input = "https://api.example" }
				provider "kustom" { api_url = terraform_data.late.output }`,
		ConfigVariables: secretVariable(exampleSecret),
		ExpectError:     words("The provider needs api_url during the plan, but its value is known only after an apply"),
	}})
	v.wantOnlyReads(t)
}

// TestSupportBundle_FailsWhenInterrupted interrupts a read while a vendor is silent. An incomplete bundle is an error.
func TestSupportBundle_FailsWhenInterrupted(t *testing.T) {
	t.Parallel()
	for _, api := range []string{sandbox.Portal, sandbox.Mystore, sandbox.Merchant} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			s, _ := newVendors(t, exampleSeed(), sandbox.Options{}).silence(t, api)
			if problems := s.readBundle().Diagnostics; len(problems) != 1 || !strings.HasPrefix(problems[0].Detail, "The run was interrupted.") {
				t.Errorf("the problems are %+v", problems)
			}
		})
	}
}

// readBundle reads a bundle of a shop, with a proof.
func (s *actionServer) readBundle() *tfprotov6.ReadDataSourceResponse {
	return s.readData("kustom_support_bundle", examplePair.with(exampleShop).with(values{"merchant_id": exampleStore}))
}

// TestSupportBundle_StateKeepsNoSecret expects a state without the secret. A state has the other arguments of a data source.
func TestSupportBundle_StateKeepsNoSecret(t *testing.T) {
	t.Parallel()
	s := newVendors(t, exampleSeed(), sandbox.Options{}).actionServer(t)
	got := s.readBundle()
	state := s.texts(s.schemas.DataSourceSchemas["kustom_support_bundle"].ValueType(), got.State)
	if state["kustom_id"] != exampleUsername || state["kustom_secret"] != "" || len(got.Diagnostics) > 0 {
		t.Errorf("the state has the ID %q, and a secret: %t; %v", state["kustom_id"], state["kustom_secret"] != "", got.Diagnostics)
	}
}
