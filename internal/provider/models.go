package provider

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// modelSource is a configuration, a plan or a state to read.
type modelSource interface {
	Get(ctx context.Context, target any) diag.Diagnostics
}

// modelTarget is a plan, a state or an identity to write.
type modelTarget interface {
	Set(ctx context.Context, value any) diag.Diagnostics
}

// load reads a model: a struct of framework types whose tags are the attributes' names.
//
// The framework's own Get and Set do the same, but compile a regular expression for each field every time. With
// them, a plan of 100 connections takes the provider 1.25 times the CPU, and an apply 1.2 times. The upstream issue
// is https://github.com/hashicorp/terraform-plugin-framework/issues/725.
func load[M any](ctx context.Context, from modelSource, diags *diag.Diagnostics) M {
	var model M
	var object types.Object
	problems := from.Get(ctx, &object)
	diags.Append(problems...)
	if problems.HasError() {
		return model
	}
	attributes, fields := object.Attributes(), modelFields(reflect.ValueOf(&model).Elem())
	if len(fields) != len(attributes) {
		diags.Append(modelMismatch(model, fmt.Sprintf("it has %d fields, there are %d attributes", len(fields), len(attributes))))
		return model
	}
	for name, field := range fields {
		value := reflect.ValueOf(attributes[name])
		if !value.IsValid() || !value.Type().AssignableTo(field.Type()) {
			diags.Append(modelMismatch(model, fmt.Sprintf("%s is %T", name, attributes[name])))
			continue
		}
		field.Set(value)
	}
	return model
}

// store writes a model in the same way as load reads it.
func store(ctx context.Context, to modelTarget, model any, diags *diag.Diagnostics) {
	kinds, values := map[string]attr.Type{}, map[string]attr.Value{}
	for name, field := range modelFields(reflect.Indirect(reflect.ValueOf(model))) {
		value, ok := field.Interface().(attr.Value)
		if !ok {
			diags.Append(modelMismatch(model, fmt.Sprintf("%s is %s", name, field.Type())))
			return
		}
		kinds[name], values[name] = value.Type(ctx), value
	}
	object, problems := types.ObjectValue(kinds, values)
	diags.Append(problems...)
	if !problems.HasError() {
		diags.Append(to.Set(ctx, object)...)
	}
}

// modelFields returns a model's fields by their attributes' names.
func modelFields(model reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for _, field := range reflect.VisibleFields(model.Type()) {
		if name, ok := field.Tag.Lookup("tfsdk"); ok {
			fields[name] = model.FieldByIndex(field.Index)
		}
	}
	return fields
}

// modelMismatch says that a model does not match its schema.
func modelMismatch(model any, why string) diag.Diagnostic {
	return unexpectedModel(fmt.Sprintf("%T", model), why).at(path.Empty())
}

// nullWhenEmpty returns null for an empty text.
func nullWhenEmpty(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// attribute returns an attribute of the schema's type.
func attribute[T attr.Value](attributes map[string]attr.Value, name string) T {
	value, _ := attributes[name].(T)
	return value
}

// setDefault sets an attribute that is null.
func setDefault(attribute *types.String, value string) {
	if attribute.IsNull() {
		*attribute = types.StringValue(value)
	}
}

// known reports whether v is neither null nor unknown.
func known(v types.String) bool { return !v.IsNull() && !v.IsUnknown() }

// setOfStrings returns the known elements of a set.
func setOfStrings(set types.Set) []string {
	var values []string
	for _, element := range set.Elements() {
		if text, ok := element.(types.String); ok && known(text) {
			values = append(values, text.ValueString())
		}
	}
	return values
}

// durationOf returns a validated duration, or 0.
func durationOf(text types.String) time.Duration {
	d, _ := time.ParseDuration(text.ValueString())
	return d
}

// stringMap returns a map of strings; nil if it is null or empty.
func stringMap(m types.Map) map[string]string {
	if len(m.Elements()) == 0 {
		return nil
	}
	values := make(map[string]string, len(m.Elements()))
	for name, element := range m.Elements() {
		if text, ok := element.(types.String); ok && !text.IsNull() {
			values[name] = text.ValueString()
		}
	}
	return values
}
