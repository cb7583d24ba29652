package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccMoveBetweenTheWays takes three shops from pairs to connections, which must not touch them,
// and back, which gives them new keys. They must take payments at every moment.
func TestAccMoveBetweenTheWays(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newWorld(t, worldOptions{seed: &seed})
	w.useExample(t, wayPair, seed)
	w.mustApply(t)

	w.removeExample(t)
	w.useExample(t, "pairs-to-connections", seed)
	w.sandbox.ResetRequests()
	moved := w.mustApply(t)
	if want := "3 imported, 0 added, 0 changed, 0 destroyed"; !strings.Contains(moved.output, want) {
		t.Errorf("the move to connections is not %q:\n%s", want, moved.output)
	}
	mustHaveChangedInOrder(t, w)
	w.mustBeEmpty(t)
	w.mustBeRight(t, seed, 0)

	w.removeExample(t)
	w.useExample(t, "connections-to-pairs", seed)
	moved = w.mustApply(t)
	if want := "3 imported, 6 added, 0 changed, 3 destroyed"; !strings.Contains(moved.output, want) {
		t.Errorf("the move to pairs is not %q:\n%s", want, moved.output)
	}
	w.mustBeEmpty(t)
	w.mustBeRight(t, seed, 0)
}

// removeExample removes what useExample has copied.
func (w *world) removeExample(t *testing.T) {
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

// TestAccEphemeralTokens gives the provider's tokens as ephemeral values: with connections, nothing
// secret is stored in the state or in a saved plan.
func TestAccEphemeralTokens(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newWorld(t, worldOptions{seed: &seed, external: true})
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
func (w *world) set(name, value string) {
	w.unset(name)
	w.env = append(w.env, name+"="+value)
}

// unset takes variables out of the environment of Terraform.
func (w *world) unset(names ...string) {
	var env []string
	for _, variable := range w.env {
		keep := true
		for _, name := range names {
			keep = keep && !strings.HasPrefix(variable, name+"=")
		}
		if keep {
			env = append(env, variable)
		}
	}
	w.env = env
}

// TestAccEncryptedState keeps the secrets of three keys in a state that OpenTofu encrypts.
func TestAccEncryptedState(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newWorld(t, worldOptions{seed: &seed})
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
