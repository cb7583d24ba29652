// Package tfdriver drives a provider through its protocol-6 server in the same process, as Terraform does. It reads,
// plans and applies a configuration, keeps a state, and checks the provider's answers by Terraform's rules.
//
// It is for tests with many runs, for which Terraform processes take too long. It handles one object at a time, and a
// number chooses the order, so a run can be repeated. An apply can also handle objects at once, as Terraform does. A configuration is a [Config], or a [Module] in Terraform's
// language.
package tfdriver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Object is a resource block.
type Object struct {
	// Address is the type and the name, such as "kustom_api_key.checkout".
	Address string
	// Provider is the name of the provider configuration.
	Provider string
	Values   Values
	// CreateBeforeDestroy is the lifecycle argument of that name.
	CreateBeforeDestroy bool
	// ImportID, if set, is the ID of an import block. An object that the state lacks is imported.
	ImportID string
	// ImportIdentity, if set, is the identity of an import block.
	ImportIdentity map[string]string
	// After are the addresses of depends_on.
	After []string
	// Postcondition, if set, returns why the applied object fails the run. The object is in the state all the same.
	Postcondition func(value tftypes.Value) error
	// MovedFrom, if set, is the old address of a moved block. An object at that address moves here if this address is
	// free.
	MovedFrom string
}

// typeName returns the resource type of an address.
func typeName(address string) string {
	name, _, _ := strings.Cut(address, ".")
	return name
}

// references returns the addresses that an object depends on.
func (o Object) references() []string {
	found := map[string]bool{}
	collect(o.Values, found)
	for _, address := range o.After {
		found[address] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// references returns the addresses that a value refers to.
func references(value any) []string {
	found := map[string]bool{}
	collect(value, found)
	return slices.Sorted(maps.Keys(found))
}

func collect(value any, into map[string]bool) {
	switch v := value.(type) {
	case Ref:
		into[v.Address] = true
	case *argument:
		for _, address := range v.addresses() {
			into[address] = true
		}
	case Values:
		for _, element := range v {
			collect(element, into)
		}
	case map[string]any:
		for _, element := range v {
			collect(element, into)
		}
	case []any:
		for _, element := range v {
			collect(element, into)
		}
	}
}

// Config is a configuration.
type Config []Object

func (c Config) object(address string) (Object, bool) {
	i := slices.IndexFunc(c, func(o Object) bool { return o.Address == address })
	if i < 0 {
		return Object{}, false
	}
	return c[i], true
}

// targets returns the wanted addresses and everything that they refer to, directly or not; nil for none.
func (c Config) targets(wanted []string) map[string]bool {
	if len(wanted) == 0 {
		return nil
	}
	all, left := map[string]bool{}, slices.Clone(wanted)
	for len(left) > 0 {
		address := left[0]
		left = left[1:]
		if all[address] {
			continue
		}
		all[address] = true
		if object, ok := c.object(address); ok {
			left = append(left, object.references()...)
		}
	}
	return all
}

// Instance is an object in the state. It is immutable.
type Instance struct {
	Address  string
	Provider string
	// Value is fully known.
	Value    tftypes.Value
	Private  []byte
	Identity *tfprotov6.ResourceIdentityData
	// Tainted says that the call that created the object failed.
	Tainted bool
	// DependsOn has the addresses that the object's configuration referred to.
	DependsOn []string
	// CreateBeforeDestroy is the last configured value.
	CreateBeforeDestroy bool
}

// Text returns the string at a path; empty if it is null or missing.
func (i *Instance) Text(path ...string) string {
	value, ok := at(i.Value, path)
	var text string
	if !ok || value.IsNull() || !value.IsKnown() || value.As(&text) != nil {
		return ""
	}
	return text
}

// JSON returns the object's attributes as Terraform keeps them in a state.
func (i *Instance) JSON() ([]byte, error) { return asJSON(i.Value) }

// IsTrue reports whether the boolean at a path is true.
func (i *Instance) IsTrue(path ...string) bool {
	value, ok := at(i.Value, path)
	var yes bool
	return ok && !value.IsNull() && value.IsKnown() && value.As(&yes) == nil && yes
}

// Strings returns all strings in the object, in no order.
func (i *Instance) Strings() []string { return i.StringsIn("") }

// StringsIn returns all strings in the attributes with a name, at any depth.
func (i *Instance) StringsIn(attribute string) []string {
	var all []string
	// The callback returns no error.
	_ = tftypes.Walk(i.Value, func(path *tftypes.AttributePath, v tftypes.Value) (bool, error) {
		var text string
		if attribute != "" && !slices.Contains(path.Steps(), tftypes.AttributePathStep(tftypes.AttributeName(attribute))) {
			return true, nil
		}
		if v.IsKnown() && !v.IsNull() && v.Type().Is(tftypes.String) && v.As(&text) == nil {
			all = append(all, text)
		}
		return true, nil
	})
	return all
}

// State is a Terraform state. It is immutable, so keeping the pointer keeps an old state.
type State struct {
	// Current has the objects by address.
	Current map[string]*Instance
	// Deposed has the replaced objects that are not destroyed yet, by address, oldest first.
	Deposed map[string][]*Instance
}

// NewState returns an empty state.
func NewState() *State {
	return &State{Current: map[string]*Instance{}, Deposed: map[string][]*Instance{}}
}

func (s *State) clone() *State {
	c := &State{Current: maps.Clone(s.Current), Deposed: map[string][]*Instance{}}
	for address, instances := range s.Deposed {
		c.Deposed[address] = slices.Clone(instances)
	}
	return c
}

// Without returns the state without an object, as terraform state rm leaves it.
func (s *State) Without(address string) *State {
	c := s.clone()
	delete(c.Current, address)
	delete(c.Deposed, address)
	return c
}

// WithTaint returns the state with an object that is tainted, or is not any more.
func (s *State) WithTaint(address string, tainted bool) *State {
	c := s.clone()
	if instance := c.Current[address]; instance != nil {
		changed := *instance
		changed.Tainted = tainted
		c.Current[address] = &changed
	}
	return c
}

// WithoutInstance returns the state without one object, which may be deposed.
func (s *State) WithoutInstance(instance *Instance) *State {
	c := s.clone()
	if c.Current[instance.Address] == instance {
		delete(c.Current, instance.Address)
		return c
	}
	c.forgetDeposed(instance)
	return c
}

// forgetDeposed removes a deposed object.
func (s *State) forgetDeposed(instance *Instance) {
	address := instance.Address
	s.Deposed[address] = slices.DeleteFunc(slices.Clone(s.Deposed[address]), func(o *Instance) bool { return o == instance })
	if len(s.Deposed[address]) == 0 {
		delete(s.Deposed, address)
	}
}

// Instances returns all objects by address. The deposed ones come last.
func (s *State) Instances() []*Instance {
	var all []*Instance
	for _, address := range slices.Sorted(maps.Keys(s.Current)) {
		all = append(all, s.Current[address])
	}
	for _, address := range slices.Sorted(maps.Keys(s.Deposed)) {
		all = append(all, s.Deposed[address]...)
	}
	return all
}

// Result has the messages of a run.
type Result struct {
	// Errors and Warnings are the diagnostics. Each begins with its address.
	Errors, Warnings []string
	// printed is Terraform's output about them.
	printed strings.Builder
	// Diagnostics are the errors and warnings in the order of their arrival.
	Diagnostics []Diagnostic
}

// Diagnostic is an error or a warning.
type Diagnostic struct {
	// Address is the address of the object, or "provider" for the provider's block.
	Address         string
	IsError         bool
	Summary, Detail string
	// Argument is the first step of the path that the diagnostic points to; empty if it points to the whole block.
	Argument string
}

// Output returns what Terraform prints of the diagnostics: a line for each, and its detail below it.
func (r *Result) Output() string { return r.printed.String() }

// Failed reports whether there is an error.
func (r *Result) Failed() bool { return len(r.Errors) > 0 }

// Add adds the messages of another part of the same run.
func (r *Result) Add(other *Result) {
	r.Errors, r.Warnings = append(r.Errors, other.Errors...), append(r.Warnings, other.Warnings...)
	r.Diagnostics = append(r.Diagnostics, other.Diagnostics...)
}

func (r *Result) fail(address, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.Errors = append(r.Errors, address+": "+text)
	r.print("Error", text, "")
	r.Diagnostics = append(r.Diagnostics, Diagnostic{Address: address, IsError: true, Summary: text})
}

// problem adds an error, unless the provider has already reported it.
func (r *Result) problem(address string, err error) {
	if !errors.Is(err, errRefused) {
		r.fail(address, "%v", err)
	}
}

func (r *Result) print(severity, summary, detail string) {
	fmt.Fprintf(&r.printed, "%s: %s\n\n%s\n\n", severity, summary, detail)
}

// add adds diagnostics, and reports whether one is an error.
func (r *Result) add(address string, diagnostics []*tfprotov6.Diagnostic) bool {
	failed := false
	for _, d := range diagnostics {
		text := address + ": " + d.Summary + ": " + d.Detail
		isError := d.Severity == tfprotov6.DiagnosticSeverityError
		if isError || !slices.Contains(r.Warnings, text) {
			r.Diagnostics = append(r.Diagnostics, Diagnostic{address, isError, d.Summary, d.Detail, argumentOf(d.Attribute)})
		}
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			r.Errors = append(r.Errors, text)
			r.print("Error", d.Summary, d.Detail)
			failed = true
			continue
		}
		if !slices.Contains(r.Warnings, text) {
			r.Warnings = append(r.Warnings, text)
			r.print("Warning", d.Summary, d.Detail)
		}
	}
	return failed
}

// argumentOf returns the first step of a path; empty if that is no attribute.
func argumentOf(path *tftypes.AttributePath) string {
	if steps := path.Steps(); len(steps) > 0 {
		if name, ok := steps[0].(tftypes.AttributeName); ok {
			return string(name)
		}
	}
	return ""
}
