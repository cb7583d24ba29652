package provider_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

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

// invocation is the outcome of an action.
type invocation struct {
	// stage is the last stage: "validate", "plan" or "invoke".
	stage    string
	progress []string
	problems []*tfprotov6.Diagnostic
}

// actionServer is a configured provider. The tests call it as a Terraform does that supports actions.
type actionServer struct {
	*caller
	tfprotov6.ActionServer
}

func (v *vendors) actionServer(t *testing.T) *actionServer {
	t.Helper()
	return v.configuredServer(t, nil)
}

// configuredServer has these arguments in its provider block.
func (v *vendors) configuredServer(t *testing.T, block values) *actionServer {
	t.Helper()
	c := v.callerWith(t, attributes(block))
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		t.Fatal("the provider has no actions")
	}
	return &actionServer{c, actions}
}

// unknown stands for a value that is not known yet.
var unknown = tftypes.UnknownValue

// action encodes the arguments of an action.
func (s *actionServer) action(name string, v values) *tfprotov6.DynamicValue {
	return s.dynamic(s.schemas.ActionSchemas[name].Schema.ValueType(), attributes(v))
}

// readData reads a data source.
func (s *actionServer) readData(name string, v values) *tfprotov6.ReadDataSourceResponse {
	s.t.Helper()
	config := s.dynamic(s.schemas.DataSourceSchemas[name].ValueType(), attributes(v))
	got, err := s.server.ReadDataSource(s.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: config})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// plan validates and plans an action.
func (s *actionServer) plan(t *testing.T, name string, v values) invocation {
	t.Helper()
	config := s.action(name, v)
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

// invoke invokes an action and reads all its events.
func (s *actionServer) invoke(t *testing.T, name string, v values) invocation {
	t.Helper()
	stream, err := s.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: s.action(name, v)})
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

// act validates and plans an action, and invokes it if there is no problem by then.
func (v *vendors) act(t *testing.T, name string, config values) invocation {
	t.Helper()
	s := v.actionServer(t)
	if result := s.plan(t, name, config); len(result.problems) > 0 {
		return result
	}
	return s.invoke(t, name, config)
}

// problem is a diagnostic of an action at an attribute, or at none.
type problem struct{ at, summary, says string }

// wantProblems checks the last stage of the action, and its diagnostics in order.
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

// wantProgress checks that the progress has these texts in this order. It may have others, too.
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

// wantNoSecrets checks that the progress and the diagnostics have no secret.
func (v *vendors) wantNoSecrets(t *testing.T, i invocation, more ...string) {
	t.Helper()
	told := slices.Clone(i.progress)
	for _, d := range i.problems {
		told = append(told, d.Summary, d.Detail)
	}
	if n := leaks(strings.Join(told, "\n"), append(v.Secrets(), more...)); n > 0 {
		t.Errorf("%d secrets are shown", n)
	}
}

// wantNoRequests checks that no vendor was asked anything.
func (v *vendors) wantNoRequests(t *testing.T) {
	t.Helper()
	if requests := v.Requests(); len(requests) > 0 {
		t.Errorf("requests were sent: %+v", requests)
	}
}

// silence lets a vendor answer no request, and stops the provider after the first one.
func (v *vendors) silence(t *testing.T, api string) (*actionServer, *sandbox.Armed) {
	t.Helper()
	silent := v.Arm(sandbox.Fault{API: api, Kind: sandbox.FaultSilence})
	s := v.actionServer(t)
	go func() {
		for silent.Fired() == 0 {
			time.Sleep(time.Millisecond)
		}
		_, _ = s.server.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{})
	}()
	return s, silent
}

// TestActions_RejectBadInput expects the errors before any request.
func TestActions_RejectBadInput(t *testing.T) {
	t.Parallel()
	verify := func(more values) values { return examplePair.with(more) }
	order := func(more values) values { return playgroundOrder.with(more) }
	malformed := problem{"shop_url", "Malformed shop URL", "an absolute https URL without a user name, a query or a fragment"}
	swapped := problem{"kustom_id", "Kustom ID and Kustom Secret are swapped", ""}
	for name, test := range map[string]struct {
		action string
		config values
		stage  string
		want   problem
	}{
		"verify nothing": {
			verifyAction, values{}, "validate",
			problem{"", "Nothing to verify", "Set shop, or kustom_id with kustom_secret"},
		},
		"verify no shop's name": {
			verifyAction, values{"shop": ""}, "validate",
			problem{"shop", "Invalid Attribute Value Length", "at least 1"},
		},
		"verify an ID alone": {
			verifyAction, values{"kustom_id": exampleUsername}, "validate",
			problem{"kustom_secret", "No secret", "kustom_id is set, but kustom_secret has no value"},
		},
		"verify a secret alone": {
			verifyAction, values{"kustom_secret": exampleSecret}, "validate",
			problem{"kustom_id", "No Kustom ID", "Set both, or neither"},
		},
		"verify a swapped pair": {verifyAction, values{"kustom_id": exampleSecret, "kustom_secret": exampleUsername}, "validate", swapped},
		"verify a padded secret": {
			verifyAction, verify(values{"kustom_secret": exampleSecret + "\n"}), "validate",
			problem{"kustom_secret", "White space around the value", ""},
		},
		"timeout without a unit": {
			verifyAction, verify(values{"timeout": "5"}), "validate",
			problem{"timeout", "Malformed duration", `"5" is not a positive duration with a unit`},
		},
		"negative timeout": {
			verifyAction, verify(values{"timeout": "-5m"}), "validate",
			problem{"timeout", "Malformed duration", ""},
		},
		"ID of the playground": {
			verifyAction, verify(playgroundPair), "plan",
			problem{"kustom_id", "The key belongs to the playground environment", ""},
		},
		"secret of the playground": {
			verifyAction, verify(values{"kustom_secret": "kco_test_api_x"}), "plan",
			problem{"kustom_secret", "Secret of another environment", ""},
		},
		"order for insecure shop": {orderAction, order(values{"shop_url": "http://butikk.example"}), "validate", malformed},
		"order for no host":       {orderAction, order(values{"shop_url": "https://"}), "validate", malformed},
		"order with a query":      {orderAction, order(values{"shop_url": "https://butikk.example/?a=1"}), "validate", malformed},
		"order with a fragment":   {orderAction, order(values{"shop_url": "https://butikk.example/#a"}), "validate", malformed},
		"order with a user":       {orderAction, order(values{"shop_url": "https://me@butikk.example/"}), "validate", malformed},
		"order in no country": {
			orderAction, order(values{"country": "Norge"}), "validate",
			problem{"country", "Invalid Attribute Value Match", "two capital letters"},
		},
		"order in no currency": {
			orderAction, order(values{"currency": "kr"}), "validate",
			problem{"currency", "Invalid Attribute Value Match", "three capital letters"},
		},
		"order in no locale": {
			orderAction, order(values{"locale": "norsk"}), "validate",
			problem{"locale", "Invalid Attribute Value Match", "the form of nb-NO"},
		},
		"order with a bad timeout": {
			orderAction, order(values{"timeout": "soon"}), "validate",
			problem{"timeout", "Malformed duration", ""},
		},
		"order by a swapped pair": {orderAction, order(values{"kustom_id": playgroundSecret, "kustom_secret": playgroundUsername}), "validate", swapped},
		"ID of production": {
			orderAction, order(values{"kustom_id": exampleUsername}), "plan",
			problem{"kustom_id", "The key belongs to the production environment", ""},
		},
		"secret of production": {
			orderAction, order(values{"kustom_secret": exampleSecret}), "plan",
			problem{"kustom_secret", "Secret of another environment", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := exampleSeed()
			if test.action == orderAction {
				seed = playgroundSeed()
			}
			v := newVendors(t, seed, sandbox.Options{})
			got := v.act(t, test.action, test.config)
			got.wantProblems(t, test.stage, test.want)
			v.wantNoSecrets(t, got, exampleSecret)
			v.wantNoRequests(t)
		})
	}
}

// TestActions_NeedKnownEnvironment invokes the actions with a provider whose environment is unknown.
func TestActions_NeedKnownEnvironment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		action  string
		config  values
		summary string
	}{
		{verifyAction, exampleShop, "Credentials not verified"},
		{orderAction, examplePair.with(values{"shop_url": "https://butikk.example"}), "Test order not created"},
	} {
		v := newVendors(t, exampleSeed(), sandbox.Options{})
		s := v.configuredServer(t, values{"environment": unknown})
		s.plan(t, test.action, test.config).wantProblems(t, "plan")
		got := s.invoke(t, test.action, test.config)
		got.wantProblems(t, "invoke", problem{"", test.summary, "The provider needs environment during the plan, but its value is known only after an apply"})
		v.wantOnlyReads(t)
	}
}

// TestActions_StopWhenInterrupted interrupts the actions while a vendor is silent. They send no further request.
func TestActions_StopWhenInterrupted(t *testing.T) {
	t.Parallel()
	lost := "does not know whether a checkout session exists. Nobody can see or complete such a session, so nobody is charged"
	for _, test := range []struct {
		api, action string
		seed        sandbox.Seed
		config      values
		want        problem
	}{
		{sandbox.Merchant, verifyAction, exampleSeed(), examplePair.with(exampleShop), problem{"", "Credentials not verified", "The run was interrupted."}},
		{sandbox.Mystore, verifyAction, exampleSeed(), examplePair.with(exampleShop), problem{"", "Credentials not verified", "The run was interrupted."}},
		{sandbox.Portal, verifyAction, exampleSeed(), examplePair.with(exampleShop), problem{"", "Credentials not verified", "The run was interrupted."}},
		{sandbox.Merchant, orderAction, playgroundSeed(), playgroundOrder, problem{"", "Test order not created", lost}},
	} {
		t.Run(test.action+" "+test.api, func(t *testing.T) {
			t.Parallel()
			s, silent := newVendors(t, test.seed, sandbox.Options{}).silence(t, test.api)
			start := time.Now()
			s.invoke(t, test.action, test.config).wantProblems(t, "invoke", test.want)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v to stop", took)
			}
			if n := silent.Fired(); n != 1 {
				t.Errorf("it asked %d times", n)
			}
		})
	}
}

// TestAccActions_RunAfterTrigger runs the published examples with a Terraform that supports actions.
func TestAccActions_RunAfterTrigger(t *testing.T) {
	for action, test := range map[string]struct {
		address, secret string
		seed            sandbox.Seed
		check           func(*testing.T, *vendors)
	}{
		verifyAction: {verifyAction + ".nettbutikk", exampleSecret, exampleSeed(), func(t *testing.T, v *vendors) {
			v.wantAnswer(t, sandbox.Merchant, http.MethodGet, orderCall, http.StatusNotFound)
			v.wantOnlyReads(t)
		}},
		orderAction: {orderAction + ".butikk", playgroundSecret, playgroundSeed(), func(t *testing.T, v *vendors) {
			if n := len(v.CheckoutOrders(playgroundStore)); n != 1 {
				t.Errorf("%d orders were made", n)
			}
		}},
	} {
		t.Run(action, func(t *testing.T) {
			v := newVendors(t, test.seed, sandbox.Options{})
			trigger := "resource \"terraform_data\" \"trigger\" {\n  lifecycle {\n    action_trigger {\n      events  = [after_create]\n" +
				"      actions = [action." + test.address + "]\n    }\n  }\n}\n"
			resource.ParallelTest(t, resource.TestCase{
				ProtoV6ProviderFactories: v.providers(),
				TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
				Steps: []resource.TestStep{{
					Config:          example(t, "actions/"+action+"/terraform.tf", "actions/"+action+"/action.tf") + trigger,
					ConfigVariables: secretVariable(test.secret),
					PostApplyFunc:   func() { test.check(t, v); v.wantViolations(t) },
				}},
			})
		})
	}
}
