package provider_test

import (
	"context"
	"iter"
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// listingServer is the interface of a server with list resources, which the provider has.
type listingServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
}

// caller calls the provider in this process as Terraform does. Only newer versions of Terraform make some of its calls.
type caller struct {
	t          testing.TB
	server     listingServer
	schemas    *tfprotov6.GetProviderSchemaResponse
	identities map[string]*tfprotov6.ResourceIdentitySchema
}

// caller returns a caller of a provider that is configured by v's environment.
func (v *vendors) caller(t testing.TB) *caller {
	t.Helper()
	return v.callerWith(t, attributes{})
}

// callerWith returns a caller of a provider that has these arguments in its block.
func (v *vendors) callerWith(t testing.TB, block attributes) *caller {
	t.Helper()
	server, err := v.providers()["kustom"]()
	if err != nil {
		t.Fatal(err)
	}
	lister, ok := server.(listingServer)
	if !ok {
		t.Fatal("the provider server can't list resources")
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, server: lister, schemas: schemas, identities: identities.IdentitySchemas}
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: c.dynamic(schemas.Provider.ValueType(), block),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.mustBeFine(schemas.Diagnostics, identities.Diagnostics, configured.Diagnostics)
	return c
}

// attributes are an object's attributes: strings, numbers, booleans and lists of strings. What is left
// out is null.
type attributes map[string]any

func (c *caller) dynamic(typ tftypes.Type, of attributes) *tfprotov6.DynamicValue {
	c.t.Helper()
	object, ok := typ.(tftypes.Object)
	if !ok {
		c.t.Fatalf("%s is no object", typ)
	}
	for name := range of {
		if _, ok := object.AttributeTypes[name]; !ok {
			c.t.Fatalf("there is no attribute %s", name)
		}
	}
	values := map[string]tftypes.Value{}
	for name, typ := range object.AttributeTypes {
		value := of[name]
		if texts, ok := value.([]string); ok {
			elements := []tftypes.Value{}
			for _, text := range texts {
				elements = append(elements, tftypes.NewValue(tftypes.String, text))
			}
			value = elements
		}
		values[name] = tftypes.NewValue(typ, value)
	}
	return c.encode(typ, tftypes.NewValue(typ, values))
}

func (c *caller) encode(typ tftypes.Type, value tftypes.Value) *tfprotov6.DynamicValue {
	c.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(typ, value)
	if err != nil {
		c.t.Fatal(err)
	}
	return &encoded
}

// decode returns an object's attributes, nil if the object is null.
func (c *caller) decode(typ tftypes.Type, value *tfprotov6.DynamicValue) map[string]tftypes.Value {
	c.t.Helper()
	decoded, err := value.Unmarshal(typ)
	if err != nil {
		c.t.Fatal(err)
	}
	if decoded.IsNull() {
		return nil
	}
	var values map[string]tftypes.Value
	if err := decoded.As(&values); err != nil {
		c.t.Fatal(err)
	}
	return values
}

// texts returns the strings and whole numbers of an encoded object that are not null, as text; nil if
// the object is null.
func (c *caller) texts(typ tftypes.Type, value *tfprotov6.DynamicValue) map[string]string {
	c.t.Helper()
	values := c.decode(typ, value)
	if values == nil {
		return nil
	}
	texts := map[string]string{}
	for name, value := range values {
		var text string
		var number big.Float
		switch {
		case value.IsNull() || !value.IsKnown():
		case value.As(&text) == nil:
			texts[name] = text
		case value.As(&number) == nil:
			texts[name] = number.Text('f', 0)
		}
	}
	return texts
}

// instance is an object of a resource type, as Terraform keeps it from one call to the next.
type instance struct {
	typeName string
	state    *tfprotov6.DynamicValue
	identity *tfprotov6.ResourceIdentityData
	private  []byte
}

// unidentified returns the instance as a state of a version without identities has it.
func (i instance) unidentified() instance {
	i.identity = nil
	return i
}

func (c *caller) typeOf(i instance) tftypes.Type {
	return c.schemas.ResourceSchemas[i.typeName].ValueType()
}

// stateOf returns an instance's attributes, nil if it does not exist any more.
func (c *caller) stateOf(i instance) map[string]string {
	c.t.Helper()
	return c.texts(c.typeOf(i), i.state)
}

func (c *caller) identityOf(i instance) map[string]string {
	c.t.Helper()
	if i.identity == nil || i.identity.IdentityData == nil {
		return nil
	}
	return c.texts(c.identities[i.typeName].ValueType(), i.identity.IdentityData)
}

// identity encodes an identity.
func (c *caller) identity(typeName string, of attributes) *tfprotov6.ResourceIdentityData {
	c.t.Helper()
	return &tfprotov6.ResourceIdentityData{IdentityData: c.dynamic(c.identities[typeName].ValueType(), of)}
}

func (c *caller) create(typeName string, config attributes) (instance, []*tfprotov6.Diagnostic) {
	c.t.Helper()
	typ := c.schemas.ResourceSchemas[typeName].ValueType()
	return c.update(instance{typeName: typeName, state: c.encode(typ, tftypes.NewValue(typ, nil))}, config)
}

// update plans and applies a configuration.
func (c *caller) update(i instance, config attributes) (instance, []*tfprotov6.Diagnostic) {
	c.t.Helper()
	encoded := c.dynamic(c.typeOf(i), config)
	planned, err := c.server.PlanResourceChange(c.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: i.typeName, PriorState: i.state, ProposedNewState: c.proposed(i, encoded), Config: encoded,
		PriorPrivate: i.private, PriorIdentity: i.identity,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mustBeFine(planned.Diagnostics)
	if len(planned.RequiresReplace) > 0 {
		c.t.Fatalf("it has to be replaced for %v", planned.RequiresReplace)
	}
	applied, err := c.server.ApplyResourceChange(c.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: i.typeName, PriorState: i.state, PlannedState: planned.PlannedState, Config: encoded,
		PlannedPrivate: planned.PlannedPrivate, PlannedIdentity: planned.PlannedIdentity,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return instance{i.typeName, applied.NewState, applied.NewIdentity, applied.Private}, applied.Diagnostics
}

// proposed is the state that Terraform proposes: what is configured and, for what is computed, what
// was.
func (c *caller) proposed(i instance, config *tfprotov6.DynamicValue) *tfprotov6.DynamicValue {
	c.t.Helper()
	values, prior := c.decode(c.typeOf(i), config), c.decode(c.typeOf(i), i.state)
	for _, attribute := range c.schemas.ResourceSchemas[i.typeName].Block.Attributes {
		if was, ok := prior[attribute.Name]; ok && attribute.Computed && values[attribute.Name].IsNull() {
			values[attribute.Name] = was
		}
	}
	return c.encode(c.typeOf(i), tftypes.NewValue(c.typeOf(i), values))
}

func (c *caller) refresh(i instance) (instance, []*tfprotov6.Diagnostic) {
	c.t.Helper()
	read, err := c.server.ReadResource(c.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: i.typeName, CurrentState: i.state, Private: i.private, CurrentIdentity: i.identity,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return instance{i.typeName, read.NewState, read.NewIdentity, read.Private}, read.Diagnostics
}

// imported imports an object by its ID or, if that is empty, by its identity.
func (c *caller) imported(typeName, id string, identity attributes) (instance, []*tfprotov6.Diagnostic) {
	c.t.Helper()
	req := &tfprotov6.ImportResourceStateRequest{TypeName: typeName, ID: id}
	if id == "" {
		req.Identity = c.identity(typeName, identity)
	}
	resp, err := c.server.ImportResourceState(c.t.Context(), req)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(resp.ImportedResources) == 0 {
		return instance{}, resp.Diagnostics
	}
	got := resp.ImportedResources[0]
	return instance{typeName, got.State, got.Identity, got.Private}, resp.Diagnostics
}

// query is a list block.
type query struct {
	typeName string
	config   attributes
	limit    int64
	include  bool
}

// manyResults is a limit that no test reaches.
const manyResults = 1000

// listed is one result of a query.
type listed struct {
	instance
	name        string
	diagnostics []*tfprotov6.Diagnostic
}

// list yields the results of a query.
func (c *caller) list(ctx context.Context, q query) iter.Seq[listed] {
	c.t.Helper()
	stream, err := c.server.ListResource(ctx, &tfprotov6.ListResourceRequest{
		TypeName: q.typeName, Config: c.dynamic(c.schemas.ListResourceSchemas[q.typeName].ValueType(), q.config),
		Limit: q.limit, IncludeResource: q.include,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return func(yield func(listed) bool) {
		for result := range stream.Results {
			found := instance{typeName: q.typeName, state: result.Resource, identity: result.Identity}
			if !yield(listed{found, result.DisplayName, result.Diagnostics}) {
				return
			}
		}
	}
}

// all returns the results of a query, which must not fail.
func (c *caller) all(q query) []listed {
	c.t.Helper()
	var results []listed
	for result := range c.list(c.t.Context(), q) {
		c.mustBeFine(result.diagnostics)
		results = append(results, result)
	}
	return results
}

// validate returns the diagnostics of a list block before the query.
func (c *caller) validate(q query) []*tfprotov6.Diagnostic {
	c.t.Helper()
	resp, err := c.server.ValidateListResourceConfig(c.t.Context(), &tfprotov6.ValidateListResourceConfigRequest{
		TypeName: q.typeName, Config: c.dynamic(c.schemas.ListResourceSchemas[q.typeName].ValueType(), q.config),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.Diagnostics
}

func (c *caller) mustBeFine(diagnostics ...[]*tfprotov6.Diagnostic) {
	c.t.Helper()
	for _, list := range diagnostics {
		if text := errorsOf(list); text != "" {
			c.t.Fatal(text)
		}
	}
}

// errorsOf returns the text of the errors among diagnostics.
func errorsOf(diagnostics []*tfprotov6.Diagnostic) string {
	var texts []string
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			texts = append(texts, d.Summary+": "+d.Detail)
		}
	}
	return strings.Join(texts, "\n")
}
