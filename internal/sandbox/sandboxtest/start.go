package sandboxtest

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// Start returns a sandbox and a server of it, which stops when the test ends.
func Start(t testing.TB, seed sandbox.Seed, o sandbox.Options) (*sandbox.Sandbox, *sandbox.Server) {
	t.Helper()
	s, err := sandbox.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, server
}
