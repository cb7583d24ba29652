package provider

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// broken is a server that panics whatever it is asked.
type broken struct{ frameworkServer }

// TestRecovering_AnswersEachCall: a panic in any call would end the process, and with it what another one has under way.
func TestRecovering_AnswersEachCall(t *testing.T) {
	t.Parallel()
	server := reflect.ValueOf(recoveringServer{broken{}})
	for _, name := range []string{
		"ValidateProviderConfig", "ConfigureProvider", "ValidateResourceConfig", "ValidateDataResourceConfig", "ValidateListResourceConfig",
		"ValidateActionConfig", "UpgradeResourceState", "UpgradeResourceIdentity", "MoveResourceState", "ImportResourceState", "ReadResource",
		"ReadDataSource", "PlanResourceChange", "ApplyResourceChange", "PlanAction", "ListResource", "CallFunction",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := server.MethodByName(name)
			answer := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.New(method.Type().In(1).Elem())})[0].Interface()
			if !strings.Contains(textOf(answer), "Bug in the provider") {
				t.Errorf("the answer is %v", answer)
			}
		})
	}
}

// textOf returns what an answer tells of a fault.
func textOf(answer any) string {
	switch a := answer.(type) {
	case *tfprotov6.CallFunctionResponse:
		return a.Error.Text
	case *tfprotov6.ListResourceServerStream:
		for result := range a.Results {
			return result.Diagnostics[0].Summary
		}
	}
	diagnostics, _ := reflect.ValueOf(answer).Elem().FieldByName("Diagnostics").Interface().([]*tfprotov6.Diagnostic)
	return diagnostics[0].Summary
}

// lateBroken is a server whose list panics after its first result.
type lateBroken struct{ frameworkServer }

func (lateBroken) ListResource(context.Context, *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	return &tfprotov6.ListResourceServerStream{Results: func(yield func(tfprotov6.ListResourceResult) bool) {
		yield(tfprotov6.ListResourceResult{DisplayName: "first"})
		panic("index out of range")
	}}, nil
}

func TestRecovering_EndsAListThatPanics(t *testing.T) {
	t.Parallel()
	stream, err := recoveringServer{lateBroken{}}.ListResource(t.Context(), &tfprotov6.ListResourceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var all []tfprotov6.ListResourceResult
	for result := range stream.Results {
		all = append(all, result)
	}
	if len(all) != 2 || len(all[1].Diagnostics) != 1 {
		t.Errorf("the results are %+v", all)
	}
}

// TestInvoke_PanicIsAnError: the framework runs an action in a goroutine of its own.
func TestInvoke_PanicIsAnError(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]action.Action{"verify": &verifyCredentialsAction{}, "order": &createTestOrderAction{}} {
		var resp action.InvokeResponse
		// A request without a configuration does not come from the framework.
		a.Invoke(t.Context(), action.InvokeRequest{}, &resp)
		if !resp.Diagnostics.HasError() {
			t.Errorf("%s: no error", name)
		}
	}
}
