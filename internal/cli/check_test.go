package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

// run runs a command, and returns the exit code and what it prints.
func run(ctx context.Context, deps cli.Deps, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	deps.Stdout, deps.Stderr = &out, &problems
	code = cli.Run(ctx, args, deps)
	return code, out.String(), problems.String()
}

// checkAt runs check with the environment of a sandbox.
func checkAt(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var browsers browser.Group
	t.Cleanup(func() { _ = browsers.Close() })
	getenv := func(name string) string { return env[name] }
	return run(t.Context(), cli.Deps{
		Getenv: getenv,
		Check: func(ctx context.Context, c provider.CheckOptions) (bool, error) {
			return provider.Check(ctx, provider.Options{Version: "1.2.3", Getenv: getenv, Browsers: &browsers}, c)
		},
	}, append([]string{"check"}, args...)...)
}

func startSandbox(t *testing.T) *sandbox.Server {
	t.Helper()
	_, server := sandboxtest.Start(t, sandbox.ThreeShops(), sandbox.Options{})
	return server
}

func TestCheck_ExitsWithVerdict(t *testing.T) {
	t.Parallel()
	env := startSandbox(t).Env()
	other := filepath.Join(t.TempDir(), "shops.csv")
	if err := os.WriteFile(other, []byte("merchant_id,shop\nM00537204,fjellsport\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args       []string
		code       int
		says, errs string
	}{
		{nil, 0, "Ready:", ""},
		{[]string{"--shops", "../../examples/switch-fleet/shops.csv"}, 0, "Ready:", ""},
		{[]string{"--shops", other}, 1, "MISMATCH", ""},
		{[]string{"--shops", "../../go.mod"}, 1, "", "go.mod"},
		{[]string{"--environment", "moon"}, 1, "", "Unknown environment"},
		{[]string{"--label", "x"}, 2, "", "label"},
		{[]string{"now"}, 2, "", "only flags"},
		{[]string{"--help"}, 0, "It changes nothing.", ""},
	} {
		code, out, errs := checkAt(t, env, test.args...)
		if code != test.code || !strings.Contains(out, test.says) || !strings.Contains(errs, test.errs) {
			t.Errorf("check %v ends with %d, and says: %s%s", test.args, code, out, errs)
		}
	}
}

func TestCheck_WritesReport(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	file := filepath.Join(t.TempDir(), "report.txt")
	if code, out, errs := checkAt(t, startSandbox(t).PagesEnv(), "--report", file); code != 0 {
		t.Fatalf("check ends with %d: %s%s", code, out, errs)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "Generate new") {
		t.Errorf("the report is %q (%v)", text, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the report's mode is %v (%v)", info.Mode(), err)
	}
}
