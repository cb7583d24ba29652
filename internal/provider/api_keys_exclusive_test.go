package provider

import (
	"context"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestWhyKept(t *testing.T) {
	key := rotation.StoreKey{KeyRef: rotation.KeyRef{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"}}
	for says, err := range map[string]error{
		"because shop a, b takes payments with it": &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a", "b"}},
		"add c-1 to credential_ids":                &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}},
		"because shop a may use it and can't be read. Mystore does not": &rotation.KeyUsageUnknownError{
			Username: "M1-a", Shops: []string{"a"}, Cause: refusal("mystore", 401, "unauthorized"),
		},
		"because the provider has no shop to ask":                        &rotation.KeyUsageUnknownError{Username: "M1-a"},
		"was not deleted. portal.example returned a server error (503)":  refusal("portal", 503, ""),
		"was not deleted. The run was interrupted. Run again; the next ": context.Canceled,
	} {
		got := keptMessage(key, err).detail()
		if !strings.HasPrefix(got, "The key M1-a was not deleted") || !strings.Contains(got, says) {
			t.Errorf("want %q in\n%s", says, got)
		}
		// There is no such attribute here.
		for _, impossible := range []string{"force_destroy", "deletion_policy"} {
			if strings.Contains(got, impossible) {
				t.Errorf("impossible advice in\n%s", got)
			}
		}
	}
}
