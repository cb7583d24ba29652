package tfdriver

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Values are the arguments of an object: strings, booleans, ints, nil, a [Ref], and []any and map[string]any of them.
// A missing argument is null.
type Values map[string]any

// Ref is a reference to an attribute of another object.
type Ref struct {
	// Address is the address of the other object.
	Address string
	// Path is the path of the attribute: names of attributes and keys of maps.
	Path []string
}

// RefTo returns a reference.
func RefTo(address string, path ...string) Ref { return Ref{Address: address, Path: path} }

// at returns the value at a path of attribute names and map keys.
func at(value tftypes.Value, path []string) (tftypes.Value, bool) {
	for _, name := range path {
		if !value.IsKnown() {
			return tftypes.NewValue(tftypes.DynamicPseudoType, tftypes.UnknownValue), true
		}
		var members map[string]tftypes.Value
		if value.IsNull() || value.As(&members) != nil {
			return tftypes.Value{}, false
		}
		member, ok := members[name]
		if !ok {
			return tftypes.Value{}, false
		}
		value = member
	}
	return value, true
}

// resolver returns the value of an object for a reference.
type resolver func(address string) (tftypes.Value, bool)

// encode converts an argument to a value of the type.
func encode(typ tftypes.Type, of any, resolve resolver) (tftypes.Value, error) {
	switch v := of.(type) {
	case nil:
		return tftypes.NewValue(typ, nil), nil
	case Ref:
		return dereference(typ, v, resolve)
	case *argument:
		return v.encode(typ, resolve)
	case Values:
		return encodeMembers(typ, v, resolve)
	case map[string]any:
		return encodeMembers(typ, v, resolve)
	case []any:
		return encodeElements(typ, v, resolve)
	}
	if err := tftypes.ValidateValue(typ, of); err != nil {
		return tftypes.Value{}, fmt.Errorf("encode %v: %w", of, err)
	}
	return tftypes.NewValue(typ, of), nil
}

func dereference(typ tftypes.Type, ref Ref, resolve resolver) (tftypes.Value, error) {
	object, ok := resolve(ref.Address)
	if !ok {
		return tftypes.NewValue(typ, tftypes.UnknownValue), nil
	}
	value, ok := at(object, ref.Path)
	if !ok {
		return tftypes.Value{}, fmt.Errorf("%s has no %v", ref.Address, ref.Path)
	}
	if !value.IsKnown() {
		return tftypes.NewValue(typ, tftypes.UnknownValue), nil
	}
	return value, nil
}

func encodeMembers(typ tftypes.Type, of map[string]any, resolve resolver) (tftypes.Value, error) {
	members := map[string]tftypes.Value{}
	var err error
	switch t := typ.(type) {
	case tftypes.Object:
		for name := range of {
			if _, ok := t.AttributeTypes[name]; !ok {
				return tftypes.Value{}, fmt.Errorf("there is no attribute %s", name)
			}
		}
		for name, member := range t.AttributeTypes {
			if members[name], err = encode(member, of[name], resolve); err != nil {
				return tftypes.Value{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	case tftypes.Map:
		for name, value := range of {
			if members[name], err = encode(t.ElementType, value, resolve); err != nil {
				return tftypes.Value{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	default:
		return tftypes.Value{}, fmt.Errorf("%s is neither an object nor a map", typ)
	}
	return tftypes.NewValue(typ, members), nil
}

func encodeElements(typ tftypes.Type, of []any, resolve resolver) (tftypes.Value, error) {
	var element tftypes.Type
	switch t := typ.(type) {
	case tftypes.Set:
		element = t.ElementType
	case tftypes.List:
		element = t.ElementType
	default:
		return tftypes.Value{}, fmt.Errorf("%s is neither a list nor a set", typ)
	}
	elements := make([]tftypes.Value, len(of))
	for i, value := range of {
		var err error
		if elements[i], err = encode(element, value, resolve); err != nil {
			return tftypes.Value{}, err
		}
	}
	return tftypes.NewValue(typ, elements), nil
}

// asJSON encodes a fully known value as in a state file.
func asJSON(value tftypes.Value) ([]byte, error) {
	plain, err := Plain(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

// Plain returns a value as encoding/json would decode it. An unknown value becomes nil.
func Plain(value tftypes.Value) (any, error) {
	if value.IsNull() || !value.IsKnown() {
		return nil, nil
	}
	switch typ := value.Type(); {
	case typ.Is(tftypes.String):
		var text string
		err := value.As(&text)
		return text, err
	case typ.Is(tftypes.Bool):
		var yes bool
		err := value.As(&yes)
		return yes, err
	case typ.Is(tftypes.Number):
		var number big.Float
		err := value.As(&number)
		return json.Number(number.Text('g', -1)), err
	case typ.Is(tftypes.Object{}) || typ.Is(tftypes.Map{}):
		plain := map[string]any{}
		for name, member := range members(value) {
			var err error
			if plain[name], err = Plain(member); err != nil {
				return nil, err
			}
		}
		return plain, nil
	}
	plain := []any{}
	for _, element := range elements(value) {
		p, err := Plain(element)
		if err != nil {
			return nil, err
		}
		plain = append(plain, p)
	}
	return plain, nil
}

// Unknown returns true in place of everything in a value that is not known, and leaves out what is.
func Unknown(value tftypes.Value) any {
	switch {
	case !value.IsKnown():
		return true
	case value.IsNull():
		return nil
	case value.Type().Is(tftypes.Object{}) || value.Type().Is(tftypes.Map{}):
		unknown := map[string]any{}
		for name, member := range members(value) {
			if of := Unknown(member); of != nil {
				unknown[name] = of
			}
		}
		return unknown
	}
	var unknown []any
	for _, element := range elements(value) {
		unknown = append(unknown, Unknown(element))
	}
	if unknown == nil {
		return nil
	}
	return unknown
}

// attribute has the properties of an attribute or block that Terraform's rules use.
type attribute struct {
	computed bool
	// writeOnly says that the provider is given a value that is in no plan and no state.
	writeOnly bool
	nesting   tfprotov6.SchemaObjectNestingMode
	nested    map[string]attribute
}

func attributesOf(block *tfprotov6.SchemaBlock) map[string]attribute {
	all := nestedOf(block.Attributes)
	for _, b := range block.BlockTypes {
		all[b.TypeName] = attribute{}
	}
	return all
}

func nestedOf(attributes []*tfprotov6.SchemaAttribute) map[string]attribute {
	all := map[string]attribute{}
	for _, a := range attributes {
		described := attribute{computed: a.Computed, writeOnly: a.WriteOnly}
		if a.NestedType != nil {
			described.nesting, described.nested = a.NestedType.Nesting, nestedOf(a.NestedType.Attributes)
		}
		all[a.Name] = described
	}
	return all
}

func members(value tftypes.Value) map[string]tftypes.Value {
	var all map[string]tftypes.Value
	if value.IsNull() || !value.IsKnown() || value.As(&all) != nil {
		return nil
	}
	return all
}

func elements(value tftypes.Value) []tftypes.Value {
	var all []tftypes.Value
	if value.IsNull() || !value.IsKnown() || value.As(&all) != nil {
		return nil
	}
	return all
}

// proposed returns the state that Terraform proposes: the configured values and, for computed attributes that are not
// configured, the prior ones.
func proposed(schema map[string]attribute, prior, config tftypes.Value) tftypes.Value {
	was, now := members(prior), members(config)
	merged := map[string]tftypes.Value{}
	for name, value := range now {
		merged[name] = propose(schema[name], was[name], was != nil, value)
	}
	return tftypes.NewValue(config.Type(), merged)
}

func propose(a attribute, was tftypes.Value, existed bool, now tftypes.Value) tftypes.Value {
	switch {
	case a.writeOnly:
		return tftypes.NewValue(now.Type(), nil)
	case a.computed && now.IsNull() && existed:
		return was
	case a.nested == nil || now.IsNull() || !now.IsKnown():
		return now
	case a.nesting == tfprotov6.SchemaObjectNestingModeMap:
		before, merged := members(was), map[string]tftypes.Value{}
		for key, element := range members(now) {
			old, ok := before[key]
			if !ok {
				old = tftypes.NewValue(element.Type(), nil)
			}
			merged[key] = proposed(a.nested, old, element)
		}
		return tftypes.NewValue(now.Type(), merged)
	}
	return now
}

// checkPlanned returns why Terraform would reject a planned value for a configuration.
func checkPlanned(schema map[string]attribute, prior, config, planned tftypes.Value) error {
	was, given, plan := members(prior), members(config), members(planned)
	for name, a := range schema {
		value, old := plan[name], was[name]
		switch {
		case a.writeOnly:
			if !value.IsNull() {
				return fmt.Errorf("%s is write-only, and is planned", name)
			}
		case given[name].IsNull() && a.computed:
		case a.nested != nil && a.nesting == tfprotov6.SchemaObjectNestingModeMap:
			if err := checkPlannedMap(a, old, given[name], value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		case !value.Equal(given[name]) && (was == nil || !value.Equal(old)):
			return fmt.Errorf("%s is planned as %s, but configured as %s", name, value, given[name])
		}
	}
	return nil
}

func checkPlannedMap(a attribute, prior, config, planned tftypes.Value) error {
	was, given, plan := members(prior), members(config), members(planned)
	if len(given) != len(plan) {
		return fmt.Errorf("%d elements are planned, %d configured", len(plan), len(given))
	}
	for key, element := range given {
		value, ok := plan[key]
		if !ok {
			return fmt.Errorf("%s is not planned", key)
		}
		old, ok := was[key]
		if !ok {
			old = tftypes.NewValue(element.Type(), nil)
		}
		if err := checkPlanned(a.nested, old, element, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// checkKept returns how a result contradicts the plan: known planned values must not change.
func checkKept(planned, actual tftypes.Value) error {
	if !planned.IsKnown() {
		return nil
	}
	if planned.IsNull() || actual.IsNull() || !actual.IsKnown() {
		if planned.Equal(actual) {
			return nil
		}
		return fmt.Errorf("was planned as %s, and is %s", planned, actual)
	}
	switch planned.Type().(type) {
	case tftypes.Object, tftypes.Map:
		return checkMembersKept(members(planned), members(actual))
	case tftypes.List:
		return checkElementsKept(elements(planned), elements(actual))
	case tftypes.Set:
		if !planned.IsFullyKnown() {
			return checkCountKept(len(elements(planned)), len(elements(actual)))
		}
	}
	if !planned.Equal(actual) {
		return fmt.Errorf("was planned as %s, and is %s", planned, actual)
	}
	return nil
}

func checkMembersKept(planned, actual map[string]tftypes.Value) error {
	if err := checkCountKept(len(planned), len(actual)); err != nil {
		return err
	}
	for name, value := range planned {
		if err := checkKept(value, actual[name]); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
	}
	return nil
}

func checkElementsKept(planned, actual []tftypes.Value) error {
	if err := checkCountKept(len(planned), len(actual)); err != nil {
		return err
	}
	for i, value := range planned {
		if err := checkKept(value, actual[i]); err != nil {
			return fmt.Errorf("element %d %w", i, err)
		}
	}
	return nil
}

func checkCountKept(planned, actual int) error {
	if planned != actual {
		return fmt.Errorf("was planned with %d elements, and has %d", planned, actual)
	}
	return nil
}
