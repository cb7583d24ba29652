package transport_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestIsLoopback_RecognizesThisMachine(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"": false, "localhost.example": false, "0.0.0.0": false, "10.0.0.1": false, "api.kustom.co": false, "127.0.0.1.example": false,
	} {
		if got := transport.IsLoopback(host); got != want {
			t.Errorf("%q is this machine: %t, want %t", host, got, want)
		}
	}
}
