package provider

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// TestLeftKeys_TellsWhatWaitsFromWhatHasFailed: a key of a policy that waits, and of a shop that is not confirmed, is in
// order. One that another shop needs is not left: it is that shop's.
func TestLeftKeys_TellsWhatWaitsFromWhatHasFailed(t *testing.T) {
	t.Parallel()
	ref := func(id, waitsFor string) rotation.KeyRef {
		return rotation.KeyRef{MerchantID: "M1", CredentialID: id, Username: "M1-" + id, Host: "host", WaitsFor: waitsFor}
	}
	kept := func(id string, err error) rotation.KeptKey {
		return rotation.KeptKey{Key: ref(id, "").Orphan(), Err: err}
	}
	left := leftKeys(rotation.Plan{Delete: []rotation.KeyRef{ref("gone", ""), ref("policy", "no use"), ref("refused", "")}}, []rotation.KeptKey{
		kept("refused", errors.New("refused")),
		kept("unknown", &rotation.KeyUsageUnknownError{Username: "M1-unknown", Shops: []string{"dead"}}),
		kept("unconfirmed", &mystore.NotConfirmedError{Shop: "a"}),
		kept("used", &rotation.KeyStillUsedError{Username: "M1-used", UnusedFor: time.Hour}),
		kept("shared", &rotation.KeyInUseError{Username: "M1-shared", Shops: []string{"b"}}),
	})
	var waits, failed []string
	for _, element := range left.Elements() {
		object, ok := element.(types.Object)
		if !ok {
			t.Fatalf("a key is a %T", element)
		}
		attributes := object.Attributes()
		name := attribute[types.String](attributes, "username").ValueString()
		switch {
		case known(attribute[types.String](attributes, "waits_for")):
			waits = append(waits, name)
		case known(attribute[types.String](attributes, "last_error")):
			failed = append(failed, name)
		}
	}
	if !slices.Equal(waits, []string{"M1-policy", "M1-unconfirmed", "M1-used"}) || !slices.Equal(failed, []string{"M1-refused", "M1-unknown"}) || len(left.Elements()) != 5 {
		t.Errorf("these wait: %v, and these have failed: %v", waits, failed)
	}
	memory := rotation.Memory{Undeleted: []kustom.Orphan{ref("refused", "").Orphan()}, Retired: []rotation.RetiredKey{{KeyRef: ref("policy", "")}}}
	if still := stillLeft(left, memory); len(still.Elements()) != 2 {
		t.Errorf("of two keys that are still to be deleted, these are left: %v", still)
	}
}
