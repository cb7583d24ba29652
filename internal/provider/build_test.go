package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built builds the provider, once for all tests that need it as a process of its own.
var built = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(os.Getenv(testDirectory), "terraform-provider-kustom")
	cmd := exec.Command("go", "build", "-o", binary, "../..")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return binary, nil
})

func builtProvider(t *testing.T) string {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatalf("building the provider: %v", err)
	}
	return binary
}
