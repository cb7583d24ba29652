package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

// mirrorConfig writes a filesystem mirror with the release, and returns a CLI configuration that uses only that mirror.
func mirrorConfig(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		at := filepath.Join(dir, host, "storefront-iac", "kustom", "1.2.3", runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(release(t), filepath.Join(at, "terraform-provider-kustom_v1.2.3")); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "tfrc")
	if err := os.WriteFile(config, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror { path = %q }\n}\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestAccInit_PlansWithoutChange plans the files of init as they are. The plan switches every shop, and changes nothing at
// the vendors.
func TestAccInit_PlansWithoutChange(t *testing.T) {
	t.Parallel()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("needs a Terraform: run make test")
	}
	shared := sandbox.ThreeShops()
	shared.Shops[2].KustomID, shared.Shops[2].KustomSecret, shared.Shops[2].MerchantID = shared.Shops[0].KustomID, shared.Shops[0].KustomSecret, ""
	shared.Stores[2].Website = ""
	for name, test := range map[string]struct {
		seed  sandbox.Seed
		args  []string
		plans string
	}{
		"connections": {sandbox.ThreeShops(), nil, "Plan: 3 to add, 0 to change, 0 to destroy"},
		"shared":      {shared, []string{"--shared", "M00412871"}, "Plan: 3 to add, 0 to change, 0 to destroy"},
		"fleet":       {sandbox.FleetSeed(101), nil, "Plan: 1 to add, 0 to change, 0 to destroy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box, server := sandboxtest.Start(t, test.seed, sandbox.Options{})
			home := t.TempDir()
			env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TF_CLI_CONFIG_FILE=" + mirrorConfig(t), "CHECKPOINT_DISABLE=1"}
			for variable, value := range server.Env() {
				env = append(env, variable+"="+value)
			}
			dir := filepath.Join(home, "shops")
			run := func(in, program string, args ...string) string {
				t.Helper()
				return output(t, in, env, program, args...)
			}
			run(home, release(t), append([]string{"init", dir}, test.args...)...)
			terraform := os.Getenv("TF_ACC_TERRAFORM_PATH")
			run(dir, terraform, "fmt", "-check", "-recursive")
			if found := run(dir, terraform, "init", "-input=false", "-no-color"); !strings.Contains(found, "v1.2.3") {
				t.Errorf("terraform init did not find the release:\n%s", found)
			}
			run(dir, terraform, "validate", "-no-color")
			plan := run(dir, terraform, "plan", "-input=false", "-no-color")
			if !strings.Contains(plan, test.plans) {
				t.Errorf("the plan is not %q:\n%s", test.plans, plan)
			}
			for _, shop := range test.seed.Shops {
				if !strings.Contains(plan, "the shop uses "+shop.KustomID) {
					t.Errorf("the plan does not switch shop %s", shop.Name)
				}
			}
			if requests := box.Requests(); slices.ContainsFunc(requests, changes) {
				t.Errorf("init or the plan changed something: %v", requests)
			}
		})
	}
}

func changes(r sandbox.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}
