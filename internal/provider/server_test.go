package provider

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// contextValue is a value of a request's context.
type contextValue struct{ _ [1 << 10]byte }

type contextKey struct{}

// TestServer_ReleasesContextsOfAnsweredRequests calls the server as Terraform does for every resource. It also checks
// that the framework by itself keeps the contexts: when it no longer does, contextReleasingServer can go.
func TestServer_ReleasesContextsOfAnsweredRequests(t *testing.T) {
	t.Parallel()
	p := New(Options{Getenv: func(string) string { return "" }})()
	ours, err := NewServer(p, false)
	if err != nil {
		t.Fatal(err)
	}
	logging, err := NewServer(p, true)
	if err != nil {
		t.Fatal(err)
	}
	servers := map[string]struct {
		server tfprotov6.ProviderServer
		keeps  bool
	}{
		"framework": {providerserver.NewProtocol6(p)(), true},
		"ours":      {ours, false},
		"logging":   {logging, true},
	}
	const key, state = "kustom_api_key", `{"id":"x"}`
	for name, tt := range servers {
		s := tt.server
		calls := map[string]func(context.Context) error{
			"ValidateResourceConfig": func(ctx context.Context) error {
				_, err := s.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: key})
				return err
			},
			"UpgradeResourceState": func(ctx context.Context) error {
				_, err := s.UpgradeResourceState(ctx, &tfprotov6.UpgradeResourceStateRequest{TypeName: key, RawState: &tfprotov6.RawState{JSON: []byte(state)}})
				return err
			},
			"UpgradeResourceIdentity": func(ctx context.Context) error {
				_, err := s.UpgradeResourceIdentity(ctx, &tfprotov6.UpgradeResourceIdentityRequest{TypeName: key, RawIdentity: &tfprotov6.RawState{JSON: []byte(state)}})
				return err
			},
			"ReadResource": func(ctx context.Context) error {
				_, err := s.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: key})
				return err
			},
			"PlanResourceChange": func(ctx context.Context) error {
				_, err := s.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{TypeName: key})
				return err
			},
			"ApplyResourceChange": func(ctx context.Context) error {
				_, err := s.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{TypeName: key})
				return err
			},
		}
		for call, do := range calls {
			value := callWithValue(t, do)
			runtime.GC()
			if keeps := value.Value() != nil; keeps != tt.keeps {
				t.Errorf("%s: %s keeps its context: %t, want %t", name, call, keeps, tt.keeps)
			}
		}
	}
	runtime.KeepAlive(servers)
}

// callWithValue makes a call whose context has a value, and returns the value.
func callWithValue(t *testing.T, do func(context.Context) error) weak.Pointer[contextValue] {
	t.Helper()
	var value contextValue
	if err := do(context.WithValue(t.Context(), contextKey{}, &value)); err != nil {
		t.Error(err)
	}
	return weak.Make(&value)
}

// TestReleasableContext_IsDoneOnceReleased, and is like its parent until then.
func TestReleasableContext_IsDoneOnceReleased(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "value"))
	var kept context.Context
	_, err := callAndRelease(ctx, 0, func(ctx context.Context, _ int) (int, error) {
		kept = ctx
		child, done := context.WithCancel(ctx)
		defer done()
		if ctx.Value(contextKey{}) != "value" || ctx.Err() != nil {
			t.Errorf("the context has %v and %v", ctx.Value(contextKey{}), ctx.Err())
		}
		cancel()
		<-ctx.Done()
		<-child.Done()
		return 0, ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, ok := kept.Deadline(); ok || kept.Err() == nil || kept.Value(contextKey{}) != nil {
		t.Errorf("afterwards the context has %v and %v", kept.Value(contextKey{}), kept.Err())
	}
	<-kept.Done()
}
