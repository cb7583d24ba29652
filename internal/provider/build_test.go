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

// mirror lays the built provider out as a registry's mirror on disk.
var mirror = sync.OnceValues(func() (string, error) {
	binary, err := built()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(os.Getenv(testDirectory), "mirror")
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
})

func mirrored(t *testing.T) string {
	t.Helper()
	dir, err := mirror()
	if err != nil {
		t.Fatalf("building the provider: %v", err)
	}
	return dir
}

func builtProvider(t *testing.T) string { return mustBuild(t, built) }

func mustBuild(t *testing.T, build func() (string, error)) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatalf("building the provider: %v", err)
	}
	return binary
}
