package provider

import (
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// keyName returns a user's name for a key.
func keyName(key rotation.KeyRef) string {
	if key.Username != "" {
		return key.Username
	}
	return key.CredentialID
}

// keyRefAttributes are the attributes of a key that is deleted or stays.
func keyRefAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"merchant_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID (MID) of the key's store."},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key. Empty if unknown."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to. Empty if unknown."},
		"waits_for": schema.StringAttribute{
			Computed: true, MarkdownDescription: "What must happen before a later apply deletes the key. Null if the " +
				"provider deletes the key immediately.",
		},
	}
}

// keySetAttribute is a computed set of keys of a type.
func keySetAttribute(key types.ObjectType, attributes map[string]schema.Attribute, description string) schema.SetNestedAttribute {
	return schema.SetNestedAttribute{
		Computed: true, MarkdownDescription: description, CustomType: types.SetType{ElemType: key},
		NestedObject: schema.NestedAttributeObject{CustomType: key, Attributes: attributes},
	}
}

// keyRefType is the type of keyRefAttributes.
var keyRefType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
	"host": types.StringType, "waits_for": types.StringType,
}}

// leftKeyAttributes are the attributes of a key whose planned deletion did not happen.
func leftKeyAttributes() map[string]schema.Attribute {
	attributes := keyRefAttributes()
	attributes["waits_for"] = schema.StringAttribute{
		Computed: true, MarkdownDescription: "What must happen before a later apply deletes the key. Null if the " +
			"deletion has failed.",
	}
	attributes["last_error"] = schema.StringAttribute{
		Computed: true, MarkdownDescription: "Why the provider could not delete the key, and what to do. Null if the " +
			"deletion only waits.",
	}
	return attributes
}

// leftKeyType is the type of leftKeyAttributes.
var leftKeyType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
	"host": types.StringType, "waits_for": types.StringType, "last_error": types.StringType,
}}

// leftKeys returns the keys of a plan that are still to be deleted: those that wait, and those that were kept.
// It leaves out a key that another shop needs.
func leftKeys(p rotation.Plan, kept []rotation.KeptKey) types.Set {
	var elements []attr.Value
	for _, key := range p.Delete {
		i := slices.IndexFunc(kept, func(k rotation.KeptKey) bool { return k.Key.CredentialID == key.CredentialID })
		if key.WaitsFor != "" && i < 0 {
			elements = append(elements, leftKey(key, ""))
		}
	}
	for _, k := range kept {
		if k.IsInUse() {
			continue
		}
		key := rotation.KeyRef{MerchantID: k.Key.MerchantID, CredentialID: k.Key.CredentialID, Username: k.Key.Username, WaitsFor: k.WaitsFor()}
		for _, planned := range p.Delete {
			if planned.CredentialID == key.CredentialID {
				key.Host = planned.Host
			}
		}
		lastError := ""
		if key.WaitsFor == "" {
			lastError = advise(k.Err).advice()
		}
		elements = append(elements, leftKey(key, lastError))
	}
	return types.SetValueMust(leftKeyType, elements)
}

// leftKey returns a key as an element of leftKeyType.
func leftKey(key rotation.KeyRef, lastError string) attr.Value {
	values := keyRefValues(key)
	values["last_error"] = nullWhenEmpty(lastError)
	return types.ObjectValueMust(leftKeyType.AttrTypes, values)
}

// stillLeft returns the keys that are still to be deleted.
func stillLeft(left types.Set, memory rotation.Memory) types.Set {
	elements := slices.DeleteFunc(slices.Clone(left.Elements()), func(element attr.Value) bool {
		refs := keyRefs(types.SetValueMust(leftKeyType, []attr.Value{element}), &diag.Diagnostics{})
		return !slices.ContainsFunc(refs, memory.AwaitsDeletion)
	})
	return types.SetValueMust(leftKeyType, elements)
}

// keySet returns keys as a set of keyRefType.
func keySet(keys []rotation.KeyRef) types.Set {
	elements := make([]attr.Value, 0, len(keys))
	for _, key := range keys {
		elements = append(elements, types.ObjectValueMust(keyRefType.AttrTypes, keyRefValues(key)))
	}
	return types.SetValueMust(keyRefType, elements)
}

// keyRefValues are the values of keyRefAttributes.
func keyRefValues(key rotation.KeyRef) map[string]attr.Value {
	return map[string]attr.Value{
		"merchant_id":   types.StringValue(key.MerchantID),
		"credential_id": types.StringValue(key.CredentialID),
		"username":      types.StringValue(key.Username),
		"host":          nullWhenEmpty(key.Host),
		"waits_for":     nullWhenEmpty(key.WaitsFor),
	}
}

// keyRefs reads a set of keyRefType or leftKeyType. An element of another type is an error in diags.
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

// newKeyHost returns a new key's host for a plan. LacksDescriptions says that the portal shows no hosts.
func newKeyHost(environment *kustom.Environment, lacksDescriptions bool) types.String {
	switch {
	case lacksDescriptions:
		return types.StringNull()
	case environment == nil:
		return types.StringUnknown()
	}
	return types.StringValue(environment.Host())
}

// keyID returns the import ID of a key.
func keyID(key kustom.Key) string { return key.MerchantID + "/" + key.CredentialID }
