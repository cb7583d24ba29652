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

// move is an example that takes shops from one way to another, and what the plan for three shops says.
type move struct{ example, want string }

var moves = []move{
	{"pairs-to-connections", "Plan: 0 to add, 0 to change, 0 to destroy"},
	{"connections-to-pairs", "3 to import, 6 to add, 0 to change, 3 to destroy"},
	{"pairs-to-fleet", "1 to import, 0 to add, 0 to change, 0 to destroy"},
	{"fleet-to-connections", "3 to import, 0 to add, 0 to change, 0 to destroy"},
	{"connections-to-fleet", "1 to import, 0 to add, 0 to change, 0 to destroy"},
}

// TestAccMove_KeepsKeys takes three shops from one way to another and back. They take payments all the time, and keep their
// keys but for the last move, to pairs.
func TestAccMove_KeepsKeys(t *testing.T) {
	t.Parallel()
	fleetToPairs := func(t *testing.T, w *testEnv) {
		w.write(t, "main.tf", edit(t, read(t, filepath.Join(w.dir, "main.tf")), "kustom_mystore_connection.shop", "kustom_mystore_fleet.all"))
	}
	for name, test := range map[string]struct {
		moves []move
		edit  func(*testing.T, *testEnv)
	}{
		"through connections": {moves[:1], func(*testing.T, *testEnv) {}},
		"through a fleet":     {moves[2:], fleetToPairs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed})
			w.useExample(t, wayPair, seed)
			w.mustApply(t)
			before := w.held(t, seed)
			for _, move := range test.moves {
				w.move(t, move, seed, func(*testing.T, *testEnv) {})
				mustHaveChangedInOrder(t, w)
				if held := w.held(t, seed); !maps.Equal(held, before) {
					t.Errorf("%s: the shops have the keys %v, and had %v", move.example, held, before)
				}
			}
			w.move(t, moves[1], seed, test.edit)
			w.mustBeRight(t, seed, 0)
		})
	}
}

// move replaces the configuration by that of a published example, and applies it by a saved plan.
func (w *testEnv) move(t *testing.T, m move, seed sandbox.Seed, edit func(*testing.T, *testEnv)) {
	t.Helper()
	w.removeExample(t)
	w.useExample(t, m.example, seed)
	edit(t, w)
	w.sandbox.ResetRequests()
	w.mustPlan(t, m.want)
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
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

// TestAccBrowserExample_NeedsOnlySessions switches the sandbox's shops with the published configuration and with sessions only.
// The provider calls no API but the merchant API.
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

// TestAccExamples_StoreNoSecret applies, by a saved plan, the examples whose tokens or secrets Terraform is to store nowhere.
func TestAccExamples_StoreNoSecret(t *testing.T) {
	t.Parallel()
	const tokensOf, portal = "secret/kustom/mystore-tokens", "secret/kustom/portal"
	fromVault := func(t *testing.T, w *testEnv, env map[string]string) {
		tokens := map[string]string{}
		if err := json.Unmarshal([]byte(env["MYSTORE_TOKENS"]), &tokens); err != nil {
			t.Fatal(err)
		}
		w.serveVault(t, vaultSecrets{portal: {"portal_token": env["KUSTOM_PORTAL_TOKEN"]}, tokensOf: tokens})
	}
	three := sandbox.ThreeShops()
	for name, test := range map[string]struct {
		seed    sandbox.Seed
		planned string
		// give passes tokens and secrets to the example, which are not in the environment any more.
		give  func(t *testing.T, w *testEnv, env map[string]string)
		check func(*testing.T, *testEnv)
	}{
		"ephemeral-tokens": {three, "3 to add, 0 to change, 0 to destroy", func(_ *testing.T, w *testEnv, env map[string]string) {
			w.set("TF_VAR_portal_token", env["KUSTOM_PORTAL_TOKEN"])
			w.set("TF_VAR_mystore_tokens", env["MYSTORE_TOKENS"])
		}, nil},
		"switch-fleet-vault": {three, "2 to add, 0 to change, 0 to destroy", fromVault, func(t *testing.T, w *testEnv) { w.mustReportShops(t, three) }},
		"vault-tokens":       {three, "3 to add, 0 to change, 0 to destroy", fromVault, func(t *testing.T, w *testEnv) { w.mustReportShops(t, three) }},
		"secret-from-vault": {exampleSeed(), "1 to add, 0 to change, 0 to destroy", func(t *testing.T, w *testEnv, env map[string]string) {
			w.set("KUSTOM_PORTAL_TOKEN", env["KUSTOM_PORTAL_TOKEN"])
			w.set("MYSTORE_TOKENS", env["MYSTORE_TOKENS"])
			w.serveVault(t, vaultSecrets{"secret/kustom/butikk": {"secret": exampleSecret}})
		}, func(t *testing.T, w *testEnv) {
			if shop, _ := w.sandbox.Shop("butikk"); shop.KustomID != exampleUsername || shop.KustomSecret != exampleSecret {
				t.Errorf("the shop has %s, with a secret: %v", shop.KustomID, shop.KustomSecret != "")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, testEnvOptions{seed: &test.seed, hastened: true}).checkOut(t, name)
			w.unset("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS")
			test.give(t, w, w.server.Env())
			w.mustGet(t)
			w.mustPlan(t, test.planned)
			w.mustApplySaved(t)
			w.mustBeEmpty(t)
			if len(test.seed.Shops) == len(three.Shops) {
				w.mustHaveSwitched(t, len(three.Shops))
				w.mustBeSwitched(t, three)
			}
			if test.check != nil {
				test.check(t, w)
			}
			w.mustStoreNoSecret(t, "terraform.tfstate", savedPlan+"!tfplan")
		})
	}
}

// mustGet lays the modules of an example where Terraform looks for them.
func (w *testEnv) mustGet(t *testing.T) {
	t.Helper()
	if got := w.terraform(t, "get", "-no-color"); got.code != 0 {
		t.Fatal(got.output)
	}
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
	one, all := []string{"fjellsport"}, []string{"fjellsport", "kaffebonna", "ullogtre"}
	for name, test := range map[string]struct {
		shops []string
		says  string
	}{
		"quickstart":          {one, "1 added, 0 changed, 0 destroyed"},
		"switch-one-shop":     {one, "1 added, 0 changed, 0 destroyed"},
		"connections":         {all, "3 added, 0 changed, 0 destroyed"},
		"connections-modules": {all, "3 added, 0 changed, 0 destroyed"},
		"fleet":               {all, "1 added, 0 changed, 0 destroyed"},
		"switch-modules":      {all, "3 imported, 6 added, 0 changed, 3 destroyed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, hastened: true}).checkOut(t, name)
			w.mustGet(t)
			before := w.held(t, seed)
			mustSay(t, w.mustApply(t), test.says)
			if made := w.sandbox.Count(sandbox.Portal, http.MethodPost, storeKeysCall); made != len(test.shops) {
				t.Errorf("%d keys were generated, want %d", made, len(test.shops))
			}
			for shop, id := range w.held(t, seed) {
				if changed := id != before[shop]; changed != slices.Contains(test.shops, shop) {
					t.Errorf("shop %s has a new key: %v", shop, changed)
				}
			}
			w.mustBeEmpty(t)
			w.sandbox.wantViolations(t)
			if strings.HasSuffix(name, "-modules") {
				w.mustBeSwitched(t, seed)
			}
		})
	}
}

// TestAccSwitchOneShop_WarnsOfTrafficToKlarna expects the example's check to warn until the shop has its first order.
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

// TestAccRotateConnections_RotatesOnlyNamedShops names an incident in one shop, and then changes the list of people.
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
			// They must send no requests.
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
