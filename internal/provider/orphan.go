package provider

import (
	"cmp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// unsettledPrefix marks, in place of a credential ID, the idempotency key of a creation of which it
// is not known what became or, where there was none, what the store had before. It is in the state itself because Terraform does not hand the private
// state of a tainted object to its deletion.
const unsettledPrefix = "unsettled:"

// unsettledID returns what stands for an orphan's credential ID in the state.
func unsettledID(o kustom.Orphan) types.String {
	if o.CredentialID == "" {
		return types.StringValue(unsettledPrefix + cmp.Or(o.IdempotencyKey, o.Before))
	}
	return types.StringValue(o.CredentialID)
}

func isUnsettled(credentialID types.String) bool {
	return strings.HasPrefix(credentialID.ValueString(), unsettledPrefix)
}

// readOrphan returns the key that the state names, so that it can be deleted.
func readOrphan(merchantID, credentialID, username, description types.String) kustom.Orphan {
	o := kustom.Orphan{
		MerchantID: merchantID.ValueString(), Username: username.ValueString(), Description: description.ValueString(),
	}
	trace, unsettled := strings.CutPrefix(credentialID.ValueString(), unsettledPrefix)
	switch {
	case !unsettled:
		o.CredentialID = credentialID.ValueString()
	case strings.HasPrefix(trace, kustom.Bar):
		o.Before = trace
	default:
		o.IdempotencyKey = trace
	}
	return o
}
