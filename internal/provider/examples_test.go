package provider_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// moves are the examples that take shops from one way to another, and what the plans for three shops say.
var moves = []struct{ example, want string }{
	{"pairs-to-connections", "Plan: 0 to add, 0 to change, 0 to destroy"},
	{"connections-to-pairs", "3 to import, 6 to add, 0 to change, 3 to destroy"},
	{"pairs-to-fleet", "1 to import, 0 to add, 0 to change, 0 to destroy"},
	{"fleet-to-connections", "3 to import, 0 to add, 0 to change, 0 to destroy"},
	{"connections-to-fleet", "1 to import, 0 to add, 0 to change, 0 to destroy"},
}

// TestAccMove_KeepsKeysFromPairsToConnections takes three shops from pairs to connections, which must not touch them,
// and back, which gives them new keys. They must take payments at every moment.
func TestAccMove_KeepsKeysFromPairsToConnections(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	w.useExample(t, wayPair, seed)
	w.mustApply(t)

	for i, move := range moves[:2] {
		w.removeExample(t)
		w.useExample(t, move.example, seed)
		w.sandbox.ResetRequests()
		w.mustPlan(t, move.want)
		w.mustApplySaved(t)
		if i == 0 {
			mustHaveChangedInOrder(t, w)
		}
		w.mustBeEmpty(t)
		w.mustBeRight(t, seed, 0)
	}
}

// TestAccMove_KeepsKeysThroughFleet takes three shops from pairs to a fleet, to connections and to a fleet again,
// none of which may touch them. From there to pairs each gets a new key.
func TestAccMove_KeepsKeysThroughFleet(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	w.useExample(t, wayPair, seed)
	w.mustApply(t)
	before := w.held(t, seed)
	for _, move := range moves[2:] {
		w.removeExample(t)
		w.useExample(t, move.example, seed)
		w.sandbox.ResetRequests()
		w.mustPlan(t, move.want)
		w.mustApplySaved(t)
		mustHaveChangedInOrder(t, w)
		w.mustBeEmpty(t)
		if held := w.held(t, seed); !maps.Equal(held, before) {
			t.Errorf("%s: the shops have the keys %v, and had %v", move.example, held, before)
		}
	}

	w.removeExample(t)
	w.useExample(t, "connections-to-pairs", seed)
	w.write(t, "main.tf", edit(t, read(t, filepath.Join(w.dir, "main.tf")), "kustom_mystore_connection.shop", "kustom_mystore_fleet.all"))
	w.mustPlan(t, "3 to import, 6 to add, 0 to change, 3 to destroy")
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
	w.mustBeRight(t, seed, 0)
}

// held returns the Kustom ID that each shop of the seed has, and expects each to take payments.
func (w *testEnv) held(t *testing.T, seed sandbox.Seed) map[string]string {
	t.Helper()
	held := map[string]string{}
	for _, seeded := range seed.Shops {
		shop, _ := w.sandbox.Shop(seeded.Name)
		held[shop.Name] = shop.KustomID
		w.order(t, shop.Name)
	}
	return held
}

// removeExample removes what useExample has copied.
func (w *testEnv) removeExample(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Base(file) == "provider.tf" {
			continue
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAccBrowserExample_NeedsOnlySessions switches the sandbox's shops with the published configuration and nothing but
// sessions: the block that it has is what leads to the pages.
func TestAccBrowserExample_NeedsOnlySessions(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed, external: true, way: waysPages})
	w.useExample(t, "browser", seed)
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.mustBeRight(t, seed, 0)
	for _, r := range w.sandbox.Sandbox.Requests() {
		if r.API == sandbox.Portal || r.API == sandbox.Mystore {
			t.Errorf("%s was asked by its API: %s %s", r.API, r.Method, r.Template)
		}
	}
}

// TestAccEphemeralTokens_AreStoredNowhere gives the provider's tokens as ephemeral values: with connections, nothing
// secret is stored in the state or in a saved plan.
func TestAccEphemeralTokens_AreStoredNowhere(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed, external: true})
	w.useExample(t, "ephemeral-tokens", seed)
	env := w.server.Env()
	w.unset("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS")
	if got := w.terraform(t, "plan", "-input=false", "-no-color"); got.code == 0 {
		t.Fatal("the plan needs no tokens: the test shows nothing")
	}
	w.env = append(w.env, "TF_VAR_portal_token="+env["KUSTOM_PORTAL_TOKEN"], "TF_VAR_mystore_tokens="+env["MYSTORE_TOKENS"])
	if got := w.terraform(t, "plan", "-input=false", "-no-color", "-out=saved.tfplan"); got.code != 0 {
		t.Fatal(got.output)
	}
	if got := w.terraform(t, "apply", "-input=false", "-no-color", "saved.tfplan"); got.code != 0 {
		t.Fatal(got.output)
	}
	w.mustBeEmpty(t)
	w.mustBeRight(t, seed, 0)
	w.mustStoreNoSecret(t, "terraform.tfstate", "saved.tfplan!tfplan")
}

// set sets a variable in the environment of Terraform.
func (w *testEnv) set(name, value string) {
	w.env = append(w.without(name), name+"="+value)
}

// unset takes variables out of the environment of Terraform, and of a provider that runs in this process.
func (w *testEnv) unset(names ...string) {
	w.env = w.without(names...)
	if w.reattached == nil {
		return
	}
	for _, name := range names {
		delete(w.vendors, name)
	}
}

// without returns the environment of Terraform without some variables.
func (w *testEnv) without(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(w.env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(names, name)
	})
}

// TestAccEncryptedState_HidesSecrets keeps the secrets of three keys in a state that OpenTofu encrypts.
func TestAccEncryptedState_HidesSecrets(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	if !strings.HasPrefix(w.terraform(t, "version").output, "OpenTofu") {
		t.Skip("Terraform does not encrypt its state: run make test TF=tofu")
	}
	w.useExample(t, "encrypted-state", seed)
	w.env = append(w.env, "TF_VAR_state_passphrase=a passphrase of the test")
	w.mustApply(t)
	w.mustBeEmpty(t)

	readable := w.terraform(t, "state", "pull").output
	if n := leaks(readable, w.sandbox.Secrets()); n != len(seed.Stores) {
		t.Errorf("with the passphrase, the state shows %d secrets, want the %d new ones", n, len(seed.Stores))
	}
	raw := read(t, filepath.Join(w.dir, "terraform.tfstate"))
	if n := leaks(raw, w.sandbox.Secrets()); n > 0 {
		t.Errorf("without the passphrase, the state shows %d secrets", n)
	}
	if !json.Valid([]byte(raw)) || !strings.Contains(raw, "encrypted_data") {
		t.Error("the state does not look like an encrypted one")
	}
}

// TestAccExamples_SwitchOnlyTheirShops applies examples as they are published, with the provider as a process
// of its own: the shops take payments with new keys, and other shops are left alone.
func TestAccExamples_SwitchOnlyTheirShops(t *testing.T) {
	t.Parallel()
	for name, shops := range map[string][]string{
		"quickstart":      {"fjellsport"},
		"switch-one-shop": {"fjellsport"},
		"connections":     {"fjellsport", "kaffebonna", "ullogtre"},
		"fleet":           {"fjellsport", "kaffebonna", "ullogtre"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, external: true}).checkOut(t, name)
			before := w.held(t, seed)
			w.mustApply(t)
			if made := w.sandbox.Count(sandbox.Portal, http.MethodPost, storeKeysCall); made != len(shops) {
				t.Errorf("%d keys were made, want %d", made, len(shops))
			}
			for shop, id := range w.held(t, seed) {
				if changed := id != before[shop]; changed != slices.Contains(shops, shop) {
					t.Errorf("shop %s has a new key: %v", shop, changed)
				}
			}
			w.mustBeEmpty(t)
			for _, v := range w.sandbox.Violations() {
				t.Errorf("violation: %v", v)
			}
		})
	}
}

// TestAccSwitchOneShop_WarnsOfTrafficToKlarna is told by the published check what Kustom Portal says of the store, until the
// first order has been placed and captured.
func TestAccSwitchOneShop_WarnsOfTrafficToKlarna(t *testing.T) {
	t.Parallel()
	const warning = "Traffic of store M00412871 still goes to Klarna: order_management."
	w := newTestEnv(t, testEnvOptions{external: true}).checkOut(t, "switch-one-shop")
	if got := w.mustApply(t); !strings.Contains(unwrapped(got.output), warning) {
		t.Errorf("the apply does not warn %q:\n%s", warning, got.output)
	}
	w.order(t, "fjellsport")
	if got := w.mustApply(t); strings.Contains(got.output, "Warning: Check") {
		t.Errorf("the apply after an order still warns:\n%s", got.output)
	}
}

// TestAccRotateConnections_RotatesOnlyNamedShops names an incident in one shop, and then other people.
func TestAccRotateConnections_RotatesOnlyNamedShops(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	w.useExample(t, "rotate-connections", seed)
	w.mustApply(t)
	for _, change := range []struct {
		variable string
		rotated  []string
	}{
		{`incidents={"fjellsport":"SEC-1"}`, []string{"fjellsport"}},
		{`people=["admin@butikk.example","new@butikk.example"]`, []string{"fjellsport", "kaffebonna", "ullogtre"}},
	} {
		before := w.held(t, seed)
		name, value, _ := strings.Cut(change.variable, "=")
		w.set("TF_VAR_"+name, value)
		w.mustApply(t)
		for shop, id := range w.held(t, seed) {
			if rotated := id != before[shop]; rotated != slices.Contains(change.rotated, shop) {
				t.Errorf("%s: shop %s has a new key: %v", change.variable, shop, rotated)
			}
		}
		w.mustBeEmpty(t)
	}
	w.mustBeRight(t, seed, 0)
}

// TestAccSecretFromVault_IsStoredNowhere installs a key that was made in the portal, whose secret only Vault has.
func TestAccSecretFromVault_IsStoredNowhere(t *testing.T) {
	t.Parallel()
	seed := exampleSeed()
	w := newTestEnv(t, testEnvOptions{seed: &seed, external: true}).checkOut(t, "secret-from-vault")
	w.serveVault(t, vaultSecrets{"secret/kustom/butikk": {"secret": exampleSecret}})
	w.mustApply(t)
	w.mustBeEmpty(t)
	if shop, _ := w.sandbox.Shop("butikk"); shop.KustomID != exampleUsername || shop.KustomSecret != exampleSecret {
		t.Errorf("the shop has %s, with a secret: %v", shop.KustomID, shop.KustomSecret != "")
	}
	w.mustStoreNoSecret(t, "terraform.tfstate")
}

// TestAccExamples_PassTheirOwnTests runs the tests that are published with examples, as users run them.
func TestAccExamples_PassTheirOwnTests(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(examples.FS, "*/tests/*.tftest.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Error("no example has tests")
	}
	for _, file := range files {
		name, _, _ := strings.Cut(file, "/")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, testEnvOptions{}).checkOut(t, name)
			// They say that nobody is asked.
			w.unset("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS")
			w.serveVault(t, nil)
			if r := w.terraform(t, "init", "-backend=false", "-input=false", "-no-color"); r.code != 0 {
				t.Fatal(r.output)
			}
			got := w.terraform(t, "test", "-no-color")
			want := strings.Count(example(t, file), "\nrun \"")
			if got.code != 0 || want == 0 || !strings.Contains(got.output, "Success! "+strconv.Itoa(want)+" passed, 0 failed.") {
				t.Errorf("exit code %d, want %d runs to pass:\n%s", got.code, want, got.output)
			}
			if asked := w.sandbox.Requests(); len(asked) > 0 {
				t.Errorf("%d requests were made", len(asked))
			}
		})
	}
}
