package tfdriver

import (
	"context"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// builtinType is a resource type that Terraform has itself, and the name of its provider.
const builtinType = "terraform_data"

var builtinObject = tftypes.Object{AttributeTypes: map[string]tftypes.Type{
	"id": tftypes.String, "input": tftypes.DynamicPseudoType, "output": tftypes.DynamicPseudoType,
}}

func (d *Driver) addBuiltin() {
	d.types[builtinType] = builtinObject
	d.attributes[builtinType] = map[string]attribute{"id": {computed: true}, "input": {}, "output": {computed: true}}
}

// builtin serves terraform_data: an output that is the input, and is not known while that changes.
type builtin struct{ Server }

func (builtin) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return new(tfprotov6.ValidateResourceConfigResponse), nil
}

func (builtin) ReadResource(_ context.Context, r *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return &tfprotov6.ReadResourceResponse{NewState: r.CurrentState, Private: r.Private}, nil
}

func (builtin) PlanResourceChange(_ context.Context, r *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	before, err := r.PriorState.Unmarshal(builtinObject)
	if err != nil {
		return nil, err
	}
	proposed, err := r.ProposedNewState.Unmarshal(builtinObject)
	if err != nil || proposed.IsNull() {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: r.ProposedNewState}, err
	}
	was, planned := members(before), members(proposed)
	if was == nil {
		planned["id"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	}
	if was == nil || !was["input"].Equal(planned["input"]) {
		planned["output"] = tftypes.NewValue(tftypes.DynamicPseudoType, tftypes.UnknownValue)
	}
	state, err := tfprotov6.NewDynamicValue(builtinObject, tftypes.NewValue(builtinObject, planned))
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: &state}, err
}

func (builtin) ApplyResourceChange(_ context.Context, r *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	planned, err := r.PlannedState.Unmarshal(builtinObject)
	if err != nil || planned.IsNull() {
		return &tfprotov6.ApplyResourceChangeResponse{NewState: r.PlannedState}, err
	}
	made := members(planned)
	if !made["id"].IsKnown() {
		made["id"] = tftypes.NewValue(tftypes.String, uuid.NewString())
	}
	made["output"] = made["input"]
	state, err := tfprotov6.NewDynamicValue(builtinObject, tftypes.NewValue(builtinObject, made))
	return &tfprotov6.ApplyResourceChangeResponse{NewState: &state}, err
}
