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

// captureStderr makes Terraform start the provider with its standard error in a file, and returns the file.
func captureStderr(t *testing.T, w *testEnv) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("starts the provider with a shell script")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "stderr")
	script := fmt.Sprintf("#!/bin/sh\nexec %q \"$@\" 2>>%q\n", builtProvider(t), file)
	if err := os.WriteFile(filepath.Join(dir, "terraform-provider-kustom"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(t, ".cli.tfrc", fmt.Sprintf("provider_installation {\n  dev_overrides { \"storefront-iac/kustom\" = %q }\n  direct {}\n}\n", dir))
	return file
}

// TestAccFleet_WritesNoLogByDefault switches shops without TF_LOG. The provider writes nothing, so Terraform does not have to
// parse and drop log lines.
func TestAccFleet_WritesNoLogByDefault(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayFleet, wayPair} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, external: true})
			stderr := captureStderr(t, w)
			w.useExample(t, way, seed)
			w.mustApply(t)
			w.mustBeEmpty(t)
			if written := read(t, stderr); written != "" {
				t.Errorf("the provider writes %d bytes:\n%.2000s", len(written), written)
			}
			w.env = append(w.env, "TF_LOG=INFO", "TF_LOG_PATH="+filepath.Join(t.TempDir(), "log"))
			w.mustBeEmpty(t)
			if read(t, stderr) == "" {
				t.Error("the provider writes nothing with TF_LOG either: the test shows nothing")
			}
		})
	}
}

// TestFleet_LogsProgressWithoutSecrets expects one line for each shop at level INFO, and no secret.
func TestFleet_LogsProgressWithoutSecrets(t *testing.T) {
	t.Parallel()
	const shops = 5
	w := newFleetEnv(t, sandbox.FleetSeed(shops), sandbox.Options{})
	failing, leaving := w.seed.Shops[1], w.seed.Shops[2]
	disarm := w.arm(answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity), failing)
	w.mustApply(t)
	disarm()
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
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(l.Message, "shop ") && l.Level == "info" {
			got[fmt.Sprintf("%s: %s %s of %d", l.Message, l.Shop, l.Username, l.Of)]++
			if l.Done < 1 || l.Done > l.Of {
				t.Errorf("%d of %d are done", l.Done, l.Of)
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
		t.Errorf("the log has %v, want %v", got, want)
	}
	if leaks(w.log.String(), w.box.Secrets()) > 0 {
		t.Error("I2: the log has a secret")
	}
}
