package tfdriver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// functions are the functions of Terraform that the tests' configurations call.
var functions = map[string]function.Function{
	"try": tryfunc.TryFunc, "can": tryfunc.CanFunc,
	"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "flatten": stdlib.FlattenFunc, "format": stdlib.FormatFunc,
	"join": stdlib.JoinFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc,
	"merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "max": stdlib.MaxFunc, "parseint": stdlib.ParseIntFunc,
	"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "substr": stdlib.SubstrFunc, "values": stdlib.ValuesFunc,
	"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "trimspace": stdlib.TrimSpaceFunc,
	"toset":  stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
	"tomap":  stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"alltrue": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(!slices.ContainsFunc(arguments[0].AsValueSlice(), cty.Value.False)), nil
		},
	}),
	"startswith": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "prefix", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(strings.HasPrefix(arguments[0].AsString(), arguments[1].AsString())), nil
		},
	}),
}

// variableType returns the type of a variable.
func variableType(b *hclsyntax.Block) (cty.Type, error) {
	attribute := b.Body.Attributes["type"]
	if attribute == nil {
		return cty.DynamicPseudoType, nil
	}
	typ, _, diagnostics := typeexpr.TypeConstraintWithDefaults(attribute.Expr)
	if diagnostics.HasErrors() {
		return cty.NilType, diagnostics
	}
	return typ, nil
}

// argument is an expression as the value of an argument.
type argument struct {
	scope      scope
	expression hclsyntax.Expression
}

// addresses returns the addresses of the objects that the argument refers to.
func (a *argument) addresses() []string { return a.scope.addresses(a.expression) }

// encode returns the argument's value in a schema's type.
func (a *argument) encode(typ tftypes.Type, resolve resolver) (tftypes.Value, error) {
	value, err := a.scope.evaluate(a.expression, resolve)
	if err != nil {
		return tftypes.Value{}, err
	}
	want, err := ctyType(typ)
	if err != nil {
		return tftypes.Value{}, err
	}
	if value, err = convert.Convert(value, optional(want)); err != nil {
		return tftypes.Value{}, err
	}
	return fromCty(value, want, typ)
}

// optional returns a type whose objects may lack attributes.
func optional(typ cty.Type) cty.Type {
	switch {
	case typ.IsObjectType():
		attributes := map[string]cty.Type{}
		for name, of := range typ.AttributeTypes() {
			attributes[name] = optional(of)
		}
		return cty.ObjectWithOptionalAttrs(attributes, slices.Collect(maps.Keys(attributes)))
	case typ.IsMapType():
		return cty.Map(optional(typ.ElementType()))
	case typ.IsListType():
		return cty.List(optional(typ.ElementType()))
	case typ.IsSetType():
		return cty.Set(optional(typ.ElementType()))
	}
	return typ
}

func ctyType(typ tftypes.Type) (cty.Type, error) {
	encoded, err := typ.MarshalJSON() //nolint:staticcheck // It is the only encoding of a type that both libraries know.
	if err != nil {
		return cty.NilType, err
	}
	return ctyjson.UnmarshalType(encoded)
}

// fromCty converts a value of an expression to one of the provider's. Of and typ are the same type in both libraries.
func fromCty(value cty.Value, of cty.Type, typ tftypes.Type) (tftypes.Value, error) {
	if of == cty.DynamicPseudoType && value.IsWhollyKnown() && !value.IsNull() {
		// A dynamic value carries its own type.
		encoded, err := ctyjson.MarshalType(value.Type())
		if err != nil {
			return tftypes.Value{}, err
		}
		concrete, err := tftypes.ParseJSONType(encoded) //nolint:staticcheck // As above.
		if err != nil {
			return tftypes.Value{}, err
		}
		of, typ = value.Type(), concrete
	}
	encoded, err := msgpack.Marshal(value, of)
	if err != nil {
		return tftypes.Value{}, err
	}
	return tftypes.ValueFromMsgPack(encoded, typ) //nolint:staticcheck // As above.
}

// toCty converts a value of the provider's to one for expressions.
func toCty(value tftypes.Value) (cty.Value, error) {
	if value.Type() == nil {
		return cty.DynamicVal, nil
	}
	typ, err := ctyType(value.Type())
	if err != nil {
		return cty.NilVal, err
	}
	encoded, err := value.MarshalMsgPack(value.Type()) //nolint:staticcheck // As above.
	if err != nil {
		return cty.NilVal, err
	}
	return msgpack.Unmarshal(encoded, typ)
}

// scope is where an expression is evaluated: in a module, for one key of for_each.
type scope struct {
	module *Module
	each   *each
	// self is the object of a postcondition.
	self cty.Value
}

func (m *Module) scope(e *each) scope { return scope{module: m, each: e} }

// roots are the first names of traversals that do not lead to a resource.
var roots = map[string]bool{"var": true, "local": true, "data": true, "each": true, "path": true, "self": true, "terraform": true}

// resources returns the addresses of the resource blocks that an expression refers to, directly or through locals.
func (s scope) resources(expression hcl.Expression) []string {
	var found []string
	for _, traversal := range expression.Variables() {
		switch name, second := traversal.RootName(), secondName(traversal); {
		case name == "local":
			if local, ok := s.module.locals[second]; ok {
				found = append(found, s.resources(local)...)
			}
		case !roots[name]:
			found = append(found, name+"."+second)
		}
	}
	return found
}

func secondName(traversal hcl.Traversal) string {
	if len(traversal) < 2 {
		return ""
	}
	attribute, ok := traversal[1].(hcl.TraverseAttr)
	if !ok {
		return ""
	}
	return attribute.Name
}

// addresses returns the addresses of the objects that an expression refers to, one for each key.
func (s scope) addresses(expression hcl.Expression) []string {
	var all []string
	for _, address := range s.resources(expression) {
		block := s.module.blocks[address]
		if block == nil {
			continue // The evaluation will say so.
		}
		each, err := s.module.eachOf(block.Body)
		if err != nil {
			continue
		}
		for _, e := range each {
			all = append(all, e.address(address))
		}
	}
	return all
}

// address returns the address that an expression stands for, such as that of a depends_on.
func (s scope) address(expression hcl.Expression) (string, error) {
	if index, ok := expression.(*hclsyntax.IndexExpr); ok {
		of, err := s.address(index.Collection)
		if err != nil {
			return "", err
		}
		key, err := s.evaluate(index.Key, nil)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s[%q]", of, key.AsString()), nil
	}
	traversal, diagnostics := hcl.AbsTraversalForExpr(expression)
	if diagnostics.HasErrors() {
		return "", diagnostics
	}
	address := traversal.RootName() + "." + secondName(traversal)
	if len(traversal) == 3 {
		if index, ok := traversal[2].(hcl.TraverseIndex); ok {
			address = fmt.Sprintf("%s[%q]", address, index.Key.AsString())
		}
	}
	return address, nil
}

// evaluate returns the value of an expression. An object that resolve does not find is unknown.
func (s scope) evaluate(expression hcl.Expression, resolve resolver) (cty.Value, error) {
	context, err := s.context(expression, resolve)
	if err != nil {
		return cty.NilVal, err
	}
	value, diagnostics := expression.Value(context)
	if diagnostics.HasErrors() {
		return cty.NilVal, diagnostics
	}
	return value, nil
}

func (s scope) context(expression hcl.Expression, resolve resolver) (*hcl.EvalContext, error) {
	values := map[string]cty.Value{"var": cty.ObjectVal(s.module.variables)}
	if s.each != nil {
		values["each"] = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(s.each.key), "value": s.each.value})
	}
	if s.self != cty.NilVal {
		values["self"] = s.self
	}
	groups := map[string]map[string]cty.Value{}
	put := func(group, name string, value cty.Value) {
		if groups[group] == nil {
			groups[group] = map[string]cty.Value{}
		}
		groups[group][name] = value
	}
	data := map[string]map[string]cty.Value{}
	for _, traversal := range expression.Variables() {
		root, name := traversal.RootName(), secondName(traversal)
		var value cty.Value
		var err error
		switch {
		case root == "local":
			value, err = s.local(name, resolve)
		case root == "data":
			third, ok := traversal[2].(hcl.TraverseAttr)
			if !ok {
				return nil, errors.New("a data source has no name")
			}
			if data[name] == nil {
				data[name] = map[string]cty.Value{}
			}
			data[name][third.Name], err = s.module.data("data." + name + "." + third.Name)
			value = cty.ObjectVal(data[name])
		case !roots[root]:
			value, err = s.resource(root+"."+name, resolve)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		put(root, name, value)
	}
	for group, members := range groups {
		values[group] = cty.ObjectVal(members)
	}
	return &hcl.EvalContext{Variables: values, Functions: functions}, nil
}

func (s scope) local(name string, resolve resolver) (cty.Value, error) {
	expression, ok := s.module.locals[name]
	if !ok {
		return cty.NilVal, fmt.Errorf("there is no local.%s", name)
	}
	return s.module.scope(nil).evaluate(expression, resolve)
}

// resource returns the value of a resource. With for_each, it returns an object with the value for each key.
func (s scope) resource(address string, resolve resolver) (cty.Value, error) {
	block := s.module.blocks[address]
	if block == nil {
		return cty.NilVal, fmt.Errorf("there is no %s", address)
	}
	each, err := s.module.eachOf(block.Body)
	if err != nil {
		return cty.NilVal, err
	}
	values := map[string]cty.Value{}
	for _, e := range each {
		value := cty.DynamicVal
		if resolve != nil {
			if found, ok := resolve(e.address(address)); ok {
				if value, err = toCty(found); err != nil {
					return cty.NilVal, err
				}
			}
		}
		if e == nil {
			return value, nil
		}
		values[e.key] = value
	}
	return cty.ObjectVal(values), nil
}
