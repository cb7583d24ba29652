package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// TestModels_FitTheirSchemas reads and writes a state of each resource as the framework would.
func TestModels_FitTheirSchemas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resource resource.Resource
		again    func(*testing.T, schema.Schema, tfsdk.State) tfsdk.State
	}{
		"api key":     {newAPIKeyResource(), writtenAgain[apiKeyModel]},
		"exclusive":   {newAPIKeysExclusiveResource(), writtenAgain[apiKeysExclusiveModel]},
		"credentials": {newCheckoutCredentialsResource(), writtenAgain[checkoutCredentialsModel]},
		"connection":  {newConnectionResource(), writtenAgain[connectionModel]},
		"fleet":       {newFleetResource(), writtenAgain[fleetModel]},
	} {
		for kind, value := range map[string]any{"null": nil, "unknown": tftypes.UnknownValue} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				var described resource.SchemaResponse
				test.resource.Schema(t.Context(), resource.SchemaRequest{}, &described)
				before := stateOf(t, described.Schema, value)
				if after := test.again(t, described.Schema, before); !after.Raw.Equal(before.Raw) {
					t.Errorf("%s became %s", before.Raw, after.Raw)
				}
			})
		}
	}
}

// writtenAgain reads a state as a model, and returns the state that the model makes.
func writtenAgain[M any](t *testing.T, s schema.Schema, before tfsdk.State) tfsdk.State {
	t.Helper()
	var diags diag.Diagnostics
	after := tfsdk.State{Schema: s}
	store(t.Context(), &after, load[M](t.Context(), before, &diags), &diags)
	if diags.HasError() {
		t.Fatal(diags)
	}
	return after
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

type onlyName struct {
	Name types.String `tfsdk:"name"`
}

type sizedByText struct {
	onlyName
	Size types.String `tfsdk:"size"`
}

type sizesOfInt struct {
	onlyName
	Sizes types.Int64 `tfsdk:"sizes"`
}

type sizedByInt struct {
	onlyName
	Size int `tfsdk:"size"`
}

func TestModels_RejectMisfits(t *testing.T) {
	t.Parallel()
	two := schema.Schema{Attributes: map[string]schema.Attribute{
		"name": schema.StringAttribute{Optional: true}, "size": schema.Int64Attribute{Optional: true},
	}}
	state := stateOf(t, two, nil)
	nothing := tfsdk.State{Schema: two, Raw: tftypes.NewValue(two.Type().TerraformType(t.Context()), nil)}
	for says, try := range map[string]func(diags *diag.Diagnostics){
		"it has 1 fields, there are 2 attributes": func(diags *diag.Diagnostics) { load[onlyName](t.Context(), state, diags) },
		"size is basetypes.Int64Value":            func(diags *diag.Diagnostics) { load[sizedByText](t.Context(), state, diags) },
		"sizes is <nil>":                          func(diags *diag.Diagnostics) { load[sizesOfInt](t.Context(), state, diags) },
		"there are 0 attributes":                  func(diags *diag.Diagnostics) { load[onlyName](t.Context(), nothing, diags) },
		"Received framework type":                 func(diags *diag.Diagnostics) { store(t.Context(), &state, onlyName{}, diags) },
		"size is int":                             func(diags *diag.Diagnostics) { store(t.Context(), &state, sizedByInt{}, diags) },
	} {
		var diags diag.Diagnostics
		try(&diags)
		if !diags.HasError() || !strings.Contains(diags[0].Detail(), says) {
			t.Errorf("%q: got %v", says, diags)
		}
	}
}
