package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// keyName returns what a person knows a key by.
func keyName(key rotation.KeyRef) string {
	if key.Username != "" {
		return key.Username
	}
	return key.CredentialID
}

// keyRefAttributes describe a key that goes or stays.
func keyRefAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"merchant_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID of the key's store."},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key; empty if not known."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to; empty if not known."},
		"waits_for": schema.StringAttribute{
			Computed: true, MarkdownDescription: "What the key's deletion waits for; null if it is deleted at once.",
		},
	}
}

// keyRefType is the type of what keyRefAttributes describe.
var keyRefType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
	"host": types.StringType, "waits_for": types.StringType,
}}

func keySet(keys []rotation.KeyRef) types.Set {
	elements := make([]attr.Value, 0, len(keys))
	for _, key := range keys {
		elements = append(elements, types.ObjectValueMust(keyRefType.AttrTypes, map[string]attr.Value{
			"merchant_id":   types.StringValue(key.MerchantID),
			"credential_id": types.StringValue(key.CredentialID),
			"username":      types.StringValue(key.Username),
			"host":          nullWhenEmpty(key.Host),
			"waits_for":     nullWhenEmpty(key.WaitsFor),
		}))
	}
	return types.SetValueMust(keyRefType, elements)
}

func keyRefs(set types.Set, diags *diag.Diagnostics) []rotation.KeyRef {
	var keys []rotation.KeyRef
	for _, element := range set.Elements() {
		object, ok := element.(types.Object)
		if !ok {
			unexpectedKeySet(fmt.Sprintf("%T", element)).addTo(diags, path.Empty())
			return nil
		}
		attributes := object.Attributes()
		keys = append(keys, rotation.KeyRef{
			MerchantID:   attribute[types.String](attributes, "merchant_id").ValueString(),
			CredentialID: attribute[types.String](attributes, "credential_id").ValueString(),
			Username:     attribute[types.String](attributes, "username").ValueString(),
			Host:         attribute[types.String](attributes, "host").ValueString(),
			WaitsFor:     attribute[types.String](attributes, "waits_for").ValueString(),
		})
	}
	return keys
}

// newKeyHost returns the host of a new key as a plan shows it. Undescribed says that the portal shows no hosts.
func newKeyHost(environment *kustom.Environment, undescribed bool) types.String {
	switch {
	case undescribed:
		return types.StringNull()
	case environment == nil:
		return types.StringUnknown()
	}
	return types.StringValue(environment.Host())
}

// keyID returns the import ID of a key.
func keyID(key kustom.Key) string { return key.MerchantID + "/" + key.CredentialID }
