package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// TestModels reads and writes a state of each resource as the framework would.
func TestModels(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resource resource.Resource
		model    any
	}{
		"api key":     {newAPIKeyResource(), new(apiKeyModel)},
		"exclusive":   {newAPIKeysExclusiveResource(), new(apiKeysExclusiveModel)},
		"credentials": {newCheckoutCredentialsResource(), new(checkoutCredentialsModel)},
		"connection":  {newConnectionResource(), new(connectionModel)},
		"fleet":       {newFleetResource(), new(fleetModel)},
	} {
		for kind, value := range map[string]any{"null": nil, "unknown": tftypes.UnknownValue} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				var described resource.SchemaResponse
				test.resource.Schema(t.Context(), resource.SchemaRequest{}, &described)
				before := stateOf(t, described.Schema, value)
				if diags := load(t.Context(), before, test.model); diags.HasError() {
					t.Fatal(diags)
				}
				after := tfsdk.State{Schema: described.Schema}
				if diags := store(t.Context(), &after, test.model); diags.HasError() {
					t.Fatal(diags)
				}
				if !after.Raw.Equal(before.Raw) {
					t.Errorf("%s became %s", before.Raw, after.Raw)
				}
			})
		}
	}
}

// stateOf is a state whose attributes all have a value.
func stateOf(t *testing.T, s schema.Schema, value any) tfsdk.State {
	t.Helper()
	typ, ok := s.Type().TerraformType(t.Context()).(tftypes.Object)
	if !ok {
		t.Fatalf("the state is a %s", s.Type())
	}
	attributes := map[string]tftypes.Value{}
	for name, attribute := range typ.AttributeTypes {
		attributes[name] = tftypes.NewValue(attribute, value)
	}
	return tfsdk.State{Schema: s, Raw: tftypes.NewValue(typ, attributes)}
}

func TestMisfitModels(t *testing.T) {
	t.Parallel()
	two := schema.Schema{Attributes: map[string]schema.Attribute{
		"name": schema.StringAttribute{Optional: true}, "size": schema.Int64Attribute{Optional: true},
	}}
	state := stateOf(t, two, nil)
	type named struct {
		Name types.String `tfsdk:"name"`
	}
	for says, model := range map[string]any{
		"it has 1 fields, there are 2 attributes": new(named),
		"size is basetypes.Int64Value": new(struct {
			named
			Size types.String `tfsdk:"size"`
		}),
		"sizes is <nil>": new(struct {
			named
			Sizes types.Int64 `tfsdk:"sizes"`
		}),
	} {
		diags := load(t.Context(), state, model)
		if !diags.HasError() || !strings.Contains(diags[0].Detail(), says) {
			t.Errorf("%T was read: %v", model, diags)
		}
	}
	if diags := store(t.Context(), &state, named{}); !diags.HasError() {
		t.Error("a model without all attributes was written")
	}
	diags := store(t.Context(), &state, struct {
		named
		Size int `tfsdk:"size"`
	}{})
	if !diags.HasError() || !strings.Contains(diags[0].Detail(), "size is int") {
		t.Errorf("a model of other types was written: %v", diags)
	}
	if diags := load(t.Context(), tfsdk.State{Schema: two, Raw: tftypes.NewValue(two.Type().TerraformType(t.Context()), nil)}, new(named)); !diags.HasError() {
		t.Error("a model was read where there is nothing")
	}
}
