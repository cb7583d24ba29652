package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

var (
	// built builds the provider, once for all tests that need it as a process of its own.
	built = sync.OnceValues(func() (string, error) { return build(".", "../..") })
	// builtHastened builds the one whose clock runs faster.
	builtHastened = sync.OnceValues(func() (string, error) { return build("hastened", "./hastened") })
)

// build builds a provider from source into a folder of the tests' own.
func build(folder, source string) (string, error) {
	binary := filepath.Join(os.Getenv(testDirectory), folder, "terraform-provider-kustom")
	// As in a release. Terraform reads the whole file for its checksum at every command.
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, source)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return binary, nil
}

// These lay a built provider out as a registry's mirror on disk, and return where.
var (
	mirrorOfBuilt    = sync.OnceValues(func() (string, error) { return mirror("mirror", built) })
	mirrorOfHastened = sync.OnceValues(func() (string, error) { return mirror("hastened-mirror", builtHastened) })
)

func mirror(folder string, build func() (string, error)) (string, error) {
	binary, err := build()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(os.Getenv(testDirectory), folder)
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		at := filepath.Join(dir, host, "storefront-iac", "kustom", "0.0.1", runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(at, 0o700); err != nil {
			return "", err
		}
		if err := os.Link(binary, filepath.Join(at, "terraform-provider-kustom_v0.0.1")); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func builtProvider(t testing.TB) string { return mustBuild(t, built) }

func mustBuild(t testing.TB, build func() (string, error)) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatalf("building the provider: %v", err)
	}
	return binary
}
