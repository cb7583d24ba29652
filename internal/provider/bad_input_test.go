package provider_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// badInput is a mistake of a user, and the error that names it.
type badInput struct {
	name string
	hcl  func(*testing.T) string
	// provider is the provider block's body.
	provider string
	env      map[string]string
	limit    int
	prepare  func(*testing.T, *sandbox.Sandbox)

	// planned says that the plan fails already.
	planned bool
	summary string
	// at is the beginning of the line that the error points to.
	at   string
	says []string
}

const (
	keyBlock  = `resource "kustom_api_key" "checkout" {`
	shopBlock = `resource "mystore_klarna_checkout_credentials" "nettbutikk" {`
	dataBlock = `data "kustom_legacy_integrations" "all" {`
)

// with returns a configuration with a change.
func with(hcl func(*testing.T) string, old, changed string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		return edit(t, hcl(t), old, changed)
	}
}

// raw returns a configuration that is no example.
func raw(hcl string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		return example(t, keyExample+"terraform.tf") + hcl
	}
}

func secretIs(secret string) map[string]string {
	return map[string]string{"TF_VAR_kustom_secret": secret}
}

func portalTokenIs(token string) map[string]string {
	return map[string]string{"KUSTOM_PORTAL_TOKEN": token}
}

func shopTokensAre(json string) map[string]string {
	return map[string]string{"MYSTORE_TOKENS": json, "TF_VAR_kustom_secret": exampleSecret}
}

func badCredentials() []badInput {
	return []badInput{
		{name: "portal token missing", hcl: generated, env: portalTokenIs(""), planned: true,
			summary: "No API key can be generated", at: keyBlock, says: []string{"The provider's portal_token is not set."}},
		{name: "portal token wrong", hcl: raw(keyOnly), env: portalTokenIs("wrong-portal-token"), planned: true,
			summary: "No API key can be generated", at: keyBlock, says: []string{"It is wrong or has expired."}},
		{name: "portal user can't see Integrations", hcl: raw(keyOnly), env: portalTokenIs("example-token-staff"), planned: true,
			summary: "No API key can be generated", at: keyBlock,
			says: []string{"The portal user of this token can't see Integrations."}},
		{name: "portal user can't see Integrations, data source", hcl: integrationsHCL, env: portalTokenIs("example-token-staff"), planned: true,
			summary: "Legacy integrations not read", at: dataBlock, says: []string{"can't see Integrations."}},
		{name: "store not visible", hcl: raw(keyOnly), env: portalTokenIs("example-token-stranger"), planned: true,
			summary: "No API key can be generated", at: "merchant_id", says: []string{"can't see such a store."}},
		{name: "no token for the shop", hcl: pasted, env: shopTokensAre(`{"butikk": "example-token-butikk"}`),
			summary: "Credentials not changed", at: "shop",
			says: []string{"The provider has no Mystore token for shop nettbutikk."}},
		{name: "shop's token wrong", hcl: pasted, env: shopTokensAre(`{"nettbutikk": "wrong-shop-token"}`),
			summary: "Credentials not changed", at: "shop",
			says: []string{"Mystore rejects the shop's token."}},
		{name: "token of another shop", hcl: pasted, env: shopTokensAre(`{"nettbutikk": "example-token-butikk"}`),
			summary: "Credentials not changed", at: "shop",
			says: []string{"It belongs to another shop, or lacks the permission for extensions."}},
	}
}

func badPairs() []badInput {
	const id = `"M00123456-aB3dE"`
	return []badInput{
		{name: "ID and secret swapped", hcl: with(pasted, id, `"kco_live_api_swapped"`), env: secretIs(exampleUsername), planned: true,
			summary: "Kustom ID and Kustom Secret are swapped", at: "kustom_id"},
		{name: "white space around the ID", hcl: with(pasted, id, `" M00123456-aB3dE"`), env: secretIs(exampleSecret), planned: true,
			summary: "White space around the value", at: "kustom_id"},
		{name: "white space around the secret", hcl: pasted, env: secretIs(exampleSecret + " "), planned: true,
			summary: "White space around the value", at: "kustom_secret_wo"},
		{name: "ID of the playground", hcl: with(pasted, id, `"PM00123456-aB3dE"`), env: secretIs("kco_test_api_playground"), planned: true,
			summary: "The key belongs to the playground environment", at: "kustom_id"},
		{name: "secret of the playground", hcl: pasted, env: secretIs("kco_test_api_playground"), planned: true,
			summary: "Secret of another environment", at: "kustom_secret_wo"},
		{name: "pair refused", hcl: with(pasted, versionOne, versionOne+"\n  timeouts { create = \"2s\" }"), env: secretIs("kco_live_api_lost"),
			summary: "Credentials not changed", at: "kustom_id",
			says: []string{"Kustom's merchant API rejects this Kustom ID (M00123456-aB3dE) with this Kustom Secret."}},
		{name: "region firewall", hcl: pasted, env: secretIs(exampleSecret), prepare: firewall,
			summary: "Credentials not changed", at: shopBlock, says: []string{"it accepts no requests from this region."}},
		{name: "Klarna Checkout V3 missing", hcl: pasted, env: secretIs(exampleSecret), planned: true, prepare: uninstall,
			summary: "Credentials can't be installed", at: "shop",
			says: []string{"Shop nettbutikk has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom."}},
		{name: "Klarna Checkout V2 instead", hcl: pasted, env: secretIs(exampleSecret), planned: true, prepare: downgrade,
			summary: "Credentials can't be installed", at: "shop",
			says: []string{"Shop nettbutikk has Klarna Checkout V2, but not Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom."}},
		{name: "secret of an imported key", hcl: func(t *testing.T) string { return generated(t) + importBlock(keyAddress, exampleKeyID) }, planned: true,
			summary: "No secret", at: "kustom_secret"},
	}
}

func badKeys() []badInput {
	return []badInput{
		{name: "import ID malformed", hcl: raw(keyOnly + importBlock(keyAddress, exampleUsername)), planned: true,
			summary: "Malformed import ID", says: []string{`"M00123456-aB3dE" is not the import ID of an API key.`}},
		{name: "imported key does not exist", hcl: raw(keyOnly + importBlock(keyAddress, exampleStore+"/00000000-0000-4000-8000-000000000000")), planned: true,
			summary: "API key not read",
			says:    []string{"Store M00123456 has no API key with the ID 00000000-0000-4000-8000-000000000000. Perhaps someone deleted it."}},
		{name: "imported shop does not exist", hcl: with(raw(shopless), "butikk", "ukjent"), env: secretIs(exampleSecret), planned: true,
			summary: "Shop not read", says: []string{"The provider has no Mystore token for shop ukjent."}},
		{name: "key limit reached", hcl: raw(keyOnly), limit: 1,
			summary: "API key not generated", at: "merchant_id",
			says: []string{"Store M00123456 has the maximum number of API keys."}},
		{name: "new key on the legacy host", hcl: with(raw(keyOnly), `"M00123456"`, "\"M00123456\"\n  host = \"api.klarna.com\""), planned: true,
			summary: "A new key can't belong to Klarna's host", at: "host"},
		{name: "host of the playground", hcl: with(raw(keyOnly), `"M00123456"`, "\"M00123456\"\n  host = \"api.playground.kustom.co\""), planned: true,
			summary: "Host of another environment", at: "host"},
		{name: "store of the playground", hcl: with(raw(keyOnly), "M00123456", "PM00123456"), planned: true,
			summary: "The store belongs to the playground environment", at: "merchant_id"},
		{name: "merchant ID malformed", hcl: with(raw(keyOnly), "M00123456", "00123456"), planned: true,
			summary: "Malformed merchant ID", at: "merchant_id"},
		{name: "description malformed", hcl: with(raw(keyOnly), `"M00123456"`, "\"M00123456\"\n  description = \"Vår nøkkel\""), planned: true,
			summary: "Malformed description", at: "description"},
	}
}

// shopless imports the credentials of a shop that is replaced by name in the tests.
const shopless = `
variable "kustom_secret" {
  type      = string
  ephemeral = true
}

resource "mystore_klarna_checkout_credentials" "shop" {
  provider                 = kustom
  shop                     = var.shop
  kustom_id                = "M00123456-aB3dE"
  kustom_secret_wo         = var.kustom_secret
  kustom_secret_wo_version = 1
}

variable "shop" {
  default = "butikk"
}

import {
  to       = mystore_klarna_checkout_credentials.shop
  id       = var.shop
  provider = kustom
}
`

func badSettings() []badInput {
	return []badInput{
		{name: "environment unknown", hcl: raw(keyOnly), provider: `environment = "staging"`, planned: true,
			summary: "Unknown environment", at: "environment"},
		{name: "portal silent", hcl: integrationsHCL, provider: "request_timeout = \"300ms\"\n  max_retries = 0", planned: true,
			prepare: func(_ *testing.T, s *sandbox.Sandbox) {
				s.Arm(sandbox.Fault{API: sandbox.Portal, Kind: sandbox.FaultSilence})
			},
			summary: "Legacy integrations not read", at: dataBlock, says: []string{"Check the network and portal_url"}},
		{name: "portal token not known yet", planned: true,
			provider: "portal_token = terraform_data.late.output",
			hcl: func(t *testing.T) string {
				return integrationsHCL(t) + "\nresource \"terraform_data\" \"late\" {\n  input = \"example-token-admin\"\n}\n"
			},
			summary: "Legacy integrations not read", at: dataBlock,
			says: []string{"The provider needs portal_token during the plan, but its value is known only after an apply."}},
	}
}

func firewall(_ *testing.T, s *sandbox.Sandbox) {
	s.Arm(sandbox.Fault{
		API: sandbox.Merchant, Kind: sandbox.FaultAnswer, Status: http.StatusForbidden,
		ContentType: "text/html", Body: "<html><body>Request blocked</body></html>",
	})
}

func uninstall(t *testing.T, s *sandbox.Sandbox) {
	if err := s.UninstallExtension("nettbutikk", sandbox.KlarnaCheckoutV3); err != nil {
		t.Fatal(err)
	}
}

func downgrade(t *testing.T, s *sandbox.Sandbox) {
	uninstall(t, s)
	v2 := sandbox.Extension{ID: "klarna-checkout", Name: "Klarna Checkout V2", Version: "2.9.0", Active: true}
	if err := s.InstallExtension("nettbutikk", v2); err != nil {
		t.Fatal(err)
	}
}

// TestProvider_RejectsBadInput expects one error for each mistake, at its place, and no change at the vendors.
func TestProvider_RejectsBadInput(t *testing.T) {
	rejectAll(t, slices.Concat(badCredentials(), badPairs(), badKeys(), badSettings()))
}

// rejectAll expects one error for each mistake, and no change at the vendors.
func rejectAll(t *testing.T, tests []badInput) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// TestProvider_WarnsOfUnreadShop expects a warning for a shop that can't be read. The plan of everything else succeeds.
func TestProvider_WarnsOfUnreadShop(t *testing.T) {
	apiOnly(t, "it is about a token")
	for name, test := range map[string]struct {
		hcl     func(*testing.T) string
		summary string
	}{
		"data source": {raw(integrationsOf(`["M00123456"]`)), "Shop not read: nettbutikk"},
		"exclusive":   {raw(exclusive(exampleStore, strings.TrimPrefix(exampleKeyID, exampleStore+"/"))), "Shop not read: nettbutikk"},
		"pair":        {pasted, "Credentials can't be installed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := exampleSeed()
			w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
			w.write(t, "main.tf", test.hcl(t))
			for variable, value := range shopTokensAre(`{"nettbutikk": "wrong-shop-token"}`) {
				w.env = append(w.env, variable+"="+value)
			}
			got := w.terraform(t, "plan", "-input=false", "-no-color")
			output := unwrapped(got.output)
			if says := "Mystore rejects the shop's token"; got.code != 0 || !strings.Contains(output, "Warning: "+test.summary) || !strings.Contains(output, says) {
				t.Errorf("exit code %d, want the warning %q that %s:\n%s", got.code, test.summary, says, got.output)
			}
		})
	}
}

func (b badInput) run(t *testing.T) {
	for _, name := range []string{"KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS"} {
		if _, ok := b.env[name]; ok {
			apiOnly(t, "it is about a token")
		}
	}
	seed := exampleSeed()
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed, sandbox: sandbox.Options{KeyLimit: b.limit}})
	if b.prepare != nil {
		b.prepare(t, w.sandbox.Sandbox)
	}
	w.write(t, "main.tf", b.hcl(t))
	settings := b.provider
	if byPages() {
		settings += "\n  browser {}"
	}
	w.write(t, "provider.tf", "provider \"kustom\" {\n  "+settings+"\n}\n")
	for name, value := range b.env {
		w.env = append(w.env, name+"="+value)
	}
	before := snapshot(t, w.sandbox.Sandbox)
	command := []string{"apply", "-auto-approve", "-input=false", "-json"}
	if b.planned {
		command = []string{"plan", "-input=false", "-json"}
	}
	r := w.terraform(t, command...)
	if r.code == 0 {
		t.Error("no failure")
	}
	b.check(t, failures(t, r.output))
	if after := snapshot(t, w.sandbox.Sandbox); after != before {
		t.Errorf("the servers changed:\n%s\n%s", before, after)
	}
	for _, request := range w.sandbox.Requests() {
		// The portal is asked for a key before it can refuse to make one.
		if request.Method != http.MethodGet && (b.planned || request.Status < http.StatusBadRequest) {
			t.Errorf("%s %s was answered with %d", request.Method, request.Path, request.Status)
		}
	}
	for _, secret := range append(w.sandbox.Secrets(), b.env["TF_VAR_kustom_secret"]) {
		if secret != "" && secret != exampleUsername && strings.Contains(r.output, secret) {
			t.Errorf("the output has a secret")
		}
	}
}

func (b badInput) check(t *testing.T, errs []diagnostic) {
	t.Helper()
	if len(errs) != 1 {
		t.Fatalf("%d errors, want 1: %+v", len(errs), errs)
	}
	got := errs[0]
	if got.Summary != b.summary {
		t.Errorf("summary %q, want %q", got.Summary, b.summary)
	}
	detail := strings.Join(strings.Fields(got.Detail), " ")
	for _, sentence := range b.says {
		if !strings.Contains(detail, sentence) {
			t.Errorf("the error does not say\n%s\nbut\n%s", sentence, detail)
		}
	}
	if line := strings.Fields(got.Snippet.Code + " "); b.at != "" && !strings.HasPrefix(strings.Join(line, " "), b.at) {
		t.Errorf("the error points to %q, want %q", got.Snippet.Code, b.at)
	}
}

// snapshot returns the vendors' stores and shops, without secrets.
func snapshot(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sandbox/report", nil))
	var report map[string]json.RawMessage
	if err := json.Unmarshal(recorder.Body.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return string(report["stores"]) + string(report["shops"])
}

// diagnostic is a diagnostic in Terraform's -json output.
type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Snippet  struct {
		Code string `json:"code"`
	} `json:"snippet"`
}

// failures returns the errors out of -json output.
func failures(t *testing.T, output string) []diagnostic {
	t.Helper()
	var errs []diagnostic
	for lines := bufio.NewScanner(strings.NewReader(output)); lines.Scan(); {
		var message struct {
			Diagnostic diagnostic `json:"diagnostic"`
		}
		// Terraform's complaint about the override of the provider is not JSON.
		if json.Unmarshal(lines.Bytes(), &message) == nil && message.Diagnostic.Severity == "error" {
			errs = append(errs, message.Diagnostic)
		}
	}
	return errs
}
