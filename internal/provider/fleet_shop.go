package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// fleetShop is one shop of a fleet.
type fleetShop struct {
	connectedShop
	LastError types.String `tfsdk:"last_error"`
}

// fleetShopType is the type of a fleetShop.
var fleetShopType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "description": types.StringType, "rotate_when_changed": types.MapType{ElemType: types.StringType},
	"credential_id": types.StringType, "username": types.StringType, "host": types.StringType, "created_at": types.StringType,
	"expires_at": types.StringType, "reason": types.StringType, "keys_to_delete": types.SetType{ElemType: keyRefType},
	"keys_kept": types.SetType{ElemType: keyRefType}, "keys_left": types.SetType{ElemType: leftKeyType},
	"previous_username": types.StringType, "last_error": types.StringType,
}}

// object returns the shop as an element of the map.
func (s fleetShop) object() attr.Value {
	return types.ObjectValueMust(fleetShopType.AttrTypes, map[string]attr.Value{
		"merchant_id": s.MerchantID, "description": s.Description, "rotate_when_changed": s.RotateWhenChanged,
		"credential_id": s.CredentialID, "username": s.Username, "host": s.Host, "created_at": s.CreatedAt, "expires_at": s.ExpiresAt,
		"reason": s.Reason, "keys_to_delete": s.KeysToDelete, "keys_kept": s.KeysKept, "keys_left": s.KeysLeft,
		"previous_username": s.PreviousUsername, "last_error": s.LastError,
	})
}

// readFleetShop reads an element of the map. The framework's [types.Object.As] takes 170 times as long: see [load].
func readFleetShop(element types.Object) fleetShop {
	attributes := element.Attributes()
	return fleetShop{
		connectedShop: connectedShop{
			MerchantID:        attribute[types.String](attributes, "merchant_id"),
			Description:       attribute[types.String](attributes, "description"),
			RotateWhenChanged: attribute[types.Map](attributes, "rotate_when_changed"),
			CredentialID:      attribute[types.String](attributes, "credential_id"),
			Username:          attribute[types.String](attributes, "username"),
			Host:              attribute[types.String](attributes, "host"),
			CreatedAt:         attribute[types.String](attributes, "created_at"),
			ExpiresAt:         attribute[types.String](attributes, "expires_at"),
			Reason:            attribute[types.String](attributes, "reason"),
			KeysToDelete:      attribute[types.Set](attributes, "keys_to_delete"),
			KeysKept:          attribute[types.Set](attributes, "keys_kept"),
			KeysLeft:          attribute[types.Set](attributes, "keys_left"),
			PreviousUsername:  attribute[types.String](attributes, "previous_username"),
		},
		LastError: attribute[types.String](attributes, "last_error"),
	}
}

// fleetShops returns the shops of a map, without unknown ones.
func fleetShops(shops types.Map) map[string]fleetShop {
	read := map[string]fleetShop{}
	for name, element := range shops.Elements() {
		if object, ok := element.(types.Object); ok && !object.IsUnknown() {
			read[name] = readFleetShop(object)
		}
	}
	return read
}

// unreadFleetShop returns a shop with only its store.
func unreadFleetShop(merchantID string) fleetShop {
	return fleetShop{connectedShop: connectedShop{
		MerchantID: types.StringValue(merchantID), RotateWhenChanged: types.MapNull(types.StringType),
		KeysToDelete: keySet(nil), KeysKept: keySet(nil), KeysLeft: leftKeys(rotation.Plan{}, nil),
	}}
}

// unchanged returns the shop with null for each unknown value.
func (s fleetShop) unchanged() fleetShop {
	for _, value := range []*types.String{&s.CredentialID, &s.Username, &s.Host, &s.CreatedAt, &s.ExpiresAt, &s.Reason, &s.LastError} {
		if value.IsUnknown() {
			*value = types.StringNull()
		}
	}
	for _, set := range []*types.Set{&s.KeysToDelete, &s.KeysKept} {
		if set.IsUnknown() {
			*set = keySet(nil)
		}
	}
	s.finish(rotation.Plan{}, nil)
	return s
}
