package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// overheard makes Terraform start the provider so that what the provider writes to standard error is kept,
// and returns where.
func overheard(t *testing.T, w *testEnv) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("starts the provider by a shell script")
	}
	dir := t.TempDir()
	heard := filepath.Join(dir, "stderr")
	script := fmt.Sprintf("#!/bin/sh\nexec %q \"$@\" 2>>%q\n", builtProvider(t), heard)
	if err := os.WriteFile(filepath.Join(dir, "terraform-provider-kustom"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(t, ".cli.tfrc", fmt.Sprintf("provider_installation {\n  dev_overrides { \"storefront-iac/kustom\" = %q }\n  direct {}\n}\n", dir))
	return heard
}

// TestAccFleet_WritesNoLogUnasked takes a fleet and pairs through a migration with no TF_LOG variable set: the provider
// writes nothing at all, which Terraform would have to parse and drop.
func TestAccFleet_WritesNoLogUnasked(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayFleet, wayPair} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, external: true})
			heard := overheard(t, w)
			w.useExample(t, way, seed)
			w.mustApply(t)
			w.mustBeEmpty(t)
			if said := read(t, heard); said != "" {
				t.Errorf("the provider writes %d bytes:\n%.2000s", len(said), said)
			}
			w.env = append(w.env, "TF_LOG=INFO", "TF_LOG_PATH="+filepath.Join(t.TempDir(), "log"))
			w.mustBeEmpty(t)
			if read(t, heard) == "" {
				t.Error("the provider writes nothing even if it is asked to: the test shows nothing")
			}
		})
	}
}

// TestFleet_LogsProgressWithoutSecrets tells at INFO how far a fleet has come: a line for each shop, and no secret.
func TestFleet_LogsProgressWithoutSecrets(t *testing.T) {
	t.Parallel()
	const shops = 5
	w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
	failing, leaving := w.seed.Shops[1], w.seed.Shops[2]
	mend := w.arm(answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity), failing)
	w.mustApply(t)
	mend()
	w.remove(t, leaving.Name)
	w.mustApply(t)
	type line struct {
		Level    string `json:"@level"`
		Message  string `json:"@message"`
		Shop     string
		Username string
		Done, Of int
	}
	got := map[string]int{}
	for text := range strings.Lines(w.log.String()) {
		var said line
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(said.Message, "shop ") && said.Level == "info" {
			got[fmt.Sprintf("%s: %s %s of %d", said.Message, said.Shop, said.Username, said.Of)]++
			if said.Done < 1 || said.Done > said.Of {
				t.Errorf("%d of %d are done", said.Done, said.Of)
			}
		}
	}
	want := map[string]int{
		fmt.Sprintf("shop failed: %s  of 5", failing.Name): 1, fmt.Sprintf("shop removed: %s  of 2", leaving.Name): 1,
		fmt.Sprintf("shop connected: %s %s of 2", failing.Name, w.holds(t, failing.Name)): 1,
	}
	for _, shop := range w.seed.Shops {
		if shop.Name != failing.Name {
			want[fmt.Sprintf("shop connected: %s %s of 5", shop.Name, w.holds(t, shop.Name))] = 1
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the log says %v, want %v", got, want)
	}
	if leaks(w.log.String(), w.box.Secrets()) > 0 {
		t.Error("I2: the log has a secret")
	}
}
