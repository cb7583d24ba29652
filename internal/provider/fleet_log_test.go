package provider_test

import (
	"fmt"
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

// TestAccFleet_LogsProgressWithoutSecrets tells at INFO how far a fleet has come: a line for each shop, and no secret.
func TestAccFleet_LogsProgressWithoutSecrets(t *testing.T) {
	t.Parallel()
	const shops = 5
	seed := sandbox.FleetSeed(shops)
	w := newFleetRun(t, testEnvOptions{seed: &seed, external: true})
	log := filepath.Join(t.TempDir(), "log")
	w.env = append(w.env, "TF_LOG_PROVIDER=INFO", "TF_LOG_PATH="+log)
	mend := w.arm(answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity), seed.Shops[1])
	w.mustApply(t)
	mend()
	w.remove(t, seed.Shops[2].Name)
	w.use(t)
	w.mustApply(t)
	var progress []string
	for line := range strings.Lines(read(t, log)) {
		if _, said, ok := strings.Cut(line, ": shop "); ok && strings.Contains(line, "[INFO]") {
			progress = append(progress, said)
		}
	}
	told := strings.Join(progress, "")
	for i, shop := range seed.Shops {
		if want := 1 + strings.Count(" 1 2 ", fmt.Sprintf(" %d ", i)); strings.Count(told, "shop="+shop.Name) != want {
			t.Errorf("shop %s is told of %d times, want %d", shop.Name, strings.Count(told, "shop="+shop.Name), want)
		}
		if held := w.holds(t, shop.Name); !strings.Contains(told, "username="+held) {
			t.Errorf("the key %s of shop %s is not told of", held, shop.Name)
		}
	}
	for what, want := range map[string]int{"connected:": shops, "failed:": 1, "removed:": 1, "of=5": shops, "of=2": 2, "done=5": 1} {
		if got := strings.Count(told, what); got != want {
			t.Errorf("%q is told %d times, want %d", what, got, want)
		}
	}
	if leaks(read(t, log), w.sandbox.Secrets()) > 0 {
		t.Error("I2: the log has a secret")
	}
	if t.Failed() {
		t.Logf("told was\n%s", told)
	}
}
