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
		"Shop a, b takes payments with it": &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a", "b"}},
		"add c-1 to credential_ids":        &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}},
		"Shop a may use it, but the provider can't read that shop. Mystore rejects": &rotation.KeyUsageUnknownError{
			Username: "M1-a", Shops: []string{"a"}, Cause: refusal("mystore", 401, "unauthorized"),
		},
		"because the provider can read no shop that may use it":          &rotation.KeyUsageUnknownError{Username: "M1-a"},
		"was not deleted. portal.example returned a server error (503)":  refusal("portal", 503, ""),
		"was not deleted. The run was interrupted. Run again. The next ": context.Canceled,
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
