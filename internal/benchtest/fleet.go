package benchtest

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type fleet struct{}

type fleetModel struct {
	Shops              types.Map      `tfsdk:"shops"`
	MaxConcurrency     types.Int64    `tfsdk:"max_concurrency"`
	RotateAfterDays    types.Int64    `tfsdk:"rotate_after_days"`
	RotateBeforeExpiry types.String   `tfsdk:"rotate_before_expiry"`
	ReplacedKeyPolicy  types.String   `tfsdk:"replaced_key_policy"`
	UnusedFor          types.String   `tfsdk:"unused_for"`
	AllowStoreChange   types.Bool     `tfsdk:"allow_store_change"`
	DeletionPolicy     types.String   `tfsdk:"deletion_policy"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

var (
	replacedType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
		"host": types.StringType, "waits_for": types.StringType,
	}}
	leftType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
		"host": types.StringType, "waits_for": types.StringType, "last_error": types.StringType,
	}}
	shopType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"merchant_id": types.StringType, "description": types.StringType, "rotate_when_changed": types.MapType{ElemType: types.StringType},
		"credential_id": types.StringType, "username": types.StringType, "host": types.StringType, "created_at": types.StringType,
		"expires_at": types.StringType, "reason": types.StringType, "keys_to_delete": types.SetType{ElemType: replacedType}, "keys_kept": types.SetType{ElemType: replacedType},
		"keys_left": types.SetType{ElemType: leftType}, "previous_username": types.StringType, "last_error": types.StringType,
	}}
)

func (fleet) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_fleet"
}

// Schema sets the custom types of nested attributes, as the real fleet does. Without them, it would be slower.
func (fleet) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computed := schema.StringAttribute{Computed: true}
	replaced := schema.SetNestedAttribute{
		Computed: true, CustomType: types.SetType{ElemType: replacedType},
		NestedObject: schema.NestedAttributeObject{CustomType: replacedType, Attributes: map[string]schema.Attribute{
			"merchant_id": computed, "credential_id": computed, "username": computed, "host": computed, "waits_for": computed,
		}},
	}
	left := schema.SetNestedAttribute{
		Computed: true, CustomType: types.SetType{ElemType: leftType},
		NestedObject: schema.NestedAttributeObject{CustomType: leftType, Attributes: map[string]schema.Attribute{
			"merchant_id": computed, "credential_id": computed, "username": computed, "host": computed, "waits_for": computed, "last_error": computed,
		}},
	}
	resp.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"shops": schema.MapNestedAttribute{
				Required: true, CustomType: types.MapType{ElemType: shopType},
				NestedObject: schema.NestedAttributeObject{CustomType: shopType, Attributes: map[string]schema.Attribute{
					"merchant_id":         schema.StringAttribute{Required: true},
					"description":         schema.StringAttribute{Optional: true, Computed: true},
					"rotate_when_changed": schema.MapAttribute{Optional: true, ElementType: types.StringType},
					"credential_id":       computed, "username": computed, "host": computed, "created_at": computed,
					"expires_at": computed, "reason": computed, "keys_to_delete": replaced, "keys_kept": replaced, "keys_left": left, "previous_username": computed,
					"last_error": computed,
				}},
			},
			"max_concurrency":      schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(32)},
			"rotate_after_days":    schema.Int64Attribute{Optional: true},
			"rotate_before_expiry": schema.StringAttribute{Optional: true},
			"replaced_key_policy":  schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("delete")},
			"unused_for":           schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("24h")},
			"allow_store_change":   schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
			"deletion_policy":      schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("retain")},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

func (fleet) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan fleetModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	shops := plan.Shops.Elements()
	for name, element := range shops {
		if shop, ok := element.(types.Object); ok {
			shops[name] = knownShop(shop)
		}
	}
	plan.Shops = types.MapValueMust(shopType, shops)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// knownShop replaces the unknown values of a shop with invented ones, and adds one replaced key.
func knownShop(shop types.Object) types.Object {
	attributes := shop.Attributes()
	for name, value := range attributes {
		if s, ok := value.(types.String); ok {
			known(&s)
			attributes[name] = s
		}
	}
	key := map[string]attr.Value{}
	for name := range replacedType.AttrTypes {
		key[name] = types.StringValue(made)
	}
	attributes["keys_to_delete"] = types.SetValueMust(replacedType, []attr.Value{types.ObjectValueMust(replacedType.AttrTypes, key)})
	attributes["keys_kept"] = types.SetValueMust(replacedType, nil)
	attributes["keys_left"] = types.SetValueMust(leftType, nil)
	attributes["last_error"] = types.StringNull()
	return types.ObjectValueMust(shopType.AttrTypes, attributes)
}

// Read does nothing: the framework has already copied the state to the response.
func (fleet) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (fleet) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (fleet) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
