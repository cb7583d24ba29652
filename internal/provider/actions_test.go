package provider_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// values are the arguments of an action. An argument that is left out is null.
type values map[string]any

// with returns the values with others on top.
func (v values) with(more values) values {
	v = maps.Clone(v)
	maps.Copy(v, more)
	return v
}

// invocation is what came of an action.
type invocation struct {
	// stage is how far it came: "validate", "plan" or "invoke".
	stage    string
	progress []string
	problems []*tfprotov6.Diagnostic
}

// actionProvider is a provider's server with what it has for actions.
type actionProvider interface {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer
}

// actionServer is a configured provider, to be called as a Terraform calls it that knows actions.
type actionServer struct {
	actionProvider
	// types are those of the arguments of actions and data sources.
	types map[string]tftypes.Type
}

func (v *vendors) actionServer(t *testing.T) *actionServer {
	t.Helper()
	return v.configuredServer(t, nil)
}

// configuredServer has these arguments in its provider block.
func (v *vendors) configuredServer(t *testing.T, block values) *actionServer {
	t.Helper()
	server, err := v.providers()["kustom"]()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	withActions, ok := server.(actionProvider)
	if !ok {
		t.Fatal("the provider has no actions")
	}
	s := &actionServer{actionProvider: withActions, types: map[string]tftypes.Type{}}
	for name, a := range schema.ActionSchemas {
		s.types[name] = a.Schema.ValueType()
	}
	for name, d := range schema.DataSourceSchemas {
		s.types[name] = d.ValueType()
	}
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: dynamic(t, schema.Provider.ValueType(), block),
	})
	if err := failure(err, configured.Diagnostics); err != nil {
		t.Fatal(err)
	}
	return s
}

// unknown stands for a value that is not known yet.
type unknown struct{}

// dynamic encodes values for an object that has an attribute for each.
func dynamic(t *testing.T, typ tftypes.Type, v values) *tfprotov6.DynamicValue {
	t.Helper()
	object, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", typ)
	}
	attributes := map[string]tftypes.Value{}
	for name, typ := range object.AttributeTypes {
		value := v[name]
		if value == (unknown{}) {
			value = tftypes.UnknownValue
		}
		attributes[name] = tftypes.NewValue(typ, value)
	}
	for name := range v {
		if _, ok := attributes[name]; !ok {
			t.Fatalf("there is no argument %s", name)
		}
	}
	encoded, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, attributes))
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
}

// plan validates and plans an action.
func (s *actionServer) plan(t *testing.T, name string, v values) invocation {
	t.Helper()
	config := dynamic(t, s.types[name], v)
	validated, err := s.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return invocation{stage: "validate", problems: validated.Diagnostics}
	}
	planned, err := s.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	return invocation{stage: "plan", problems: planned.Diagnostics}
}

// invoke invokes an action and hears it out.
func (s *actionServer) invoke(t *testing.T, name string, v values) invocation {
	t.Helper()
	stream, err := s.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: dynamic(t, s.types[name], v)})
	if err != nil {
		t.Fatal(err)
	}
	result := invocation{stage: "invoke"}
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			result.progress = append(result.progress, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			result.problems = e.Diagnostics
		}
	}
	return result
}

// act takes an action as far as it goes: it is validated, planned and, if nothing is wrong by then,
// invoked.
func (v *vendors) act(t *testing.T, name string, config values) invocation {
	t.Helper()
	s := v.actionServer(t)
	if result := s.plan(t, name, config); len(result.problems) > 0 {
		return result
	}
	return s.invoke(t, name, config)
}

// problem is one that an action is to report, and where: "" is nowhere in particular.
type problem struct{ at, summary, says string }

// wantProblems checks what went wrong, in order, and how far the action came.
func (i invocation) wantProblems(t *testing.T, stage string, want ...problem) {
	t.Helper()
	if i.stage != stage {
		t.Errorf("it ended at %s, want %s", i.stage, stage)
	}
	if len(i.problems) != len(want) {
		t.Errorf("%d problems, want %d", len(i.problems), len(want))
	}
	for n, d := range i.problems {
		if n >= len(want) {
			t.Errorf("also %s: %s", d.Summary, d.Detail)
			continue
		}
		w := want[n]
		at := strings.NewReplacer(`AttributeName("`, "", `")`, "").Replace(d.Attribute.String())
		detail := strings.Join(strings.Fields(d.Detail), " ")
		if at != w.at || d.Summary != w.summary || !strings.Contains(detail, w.says) {
			t.Errorf("got %q at %q:\n%s\nwant %q at %q:\n%s", d.Summary, at, detail, w.summary, w.at, w.says)
		}
	}
}

// wantProgress checks that these texts were told, in this order, perhaps among others.
func (i invocation) wantProgress(t *testing.T, want ...string) {
	t.Helper()
	rest := want
	for _, message := range i.progress {
		if len(rest) > 0 && strings.Contains(message, rest[0]) {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Errorf("nothing said %q in time; the progress is\n%s", rest[0], strings.Join(i.progress, "\n"))
	}
}

// wantNoSecrets checks that no secret was told to anybody.
func (v *vendors) wantNoSecrets(t *testing.T, i invocation, more ...string) {
	t.Helper()
	told := slices.Clone(i.progress)
	for _, d := range i.problems {
		told = append(told, d.Summary, d.Detail)
	}
	if n := leaks(strings.Join(told, "\n"), append(v.Secrets(), more...)); n > 0 {
		t.Errorf("%d secrets were told", n)
	}
}

// TestActionsWithoutEnvironment invokes the actions with a provider whose environment nobody knows yet.
func TestActionsWithoutEnvironment(t *testing.T) {
	tests := map[string]struct {
		action  string
		config  values
		summary string
	}{
		"shop":  {verifyAction, exampleShop, "Credentials not verified"},
		"order": {orderAction, examplePair.with(values{"shop_url": "https://butikk.example"}), "Test order not created"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			s := v.configuredServer(t, values{"environment": unknown{}})
			s.plan(t, test.action, test.config).wantProblems(t, "plan")
			got := s.invoke(t, test.action, test.config)
			got.wantProblems(t, "invoke", problem{"", test.summary, "The provider needs environment during the plan, but its value is known only after an apply"})
			v.wantOnlyReads(t)
		})
	}
}
