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

// luggage is what a request's context has with it.
type luggage struct{ _ [1 << 10]byte }

type luggageKey struct{}

// TestRequestsAreForgotten calls the server as Terraform does for every resource. That the framework by
// itself remembers is tested too: once it does not, nobody else has to forget.
func TestRequestsAreForgotten(t *testing.T) {
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
		server    tfprotov6.ProviderServer
		remembers bool
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
			carried := carry(t, do)
			runtime.GC()
			if remembers := carried.Value() != nil; remembers != tt.remembers {
				t.Errorf("%s: %s remembers its request: %t, want %t", name, call, remembers, tt.remembers)
			}
		}
	}
	runtime.KeepAlive(servers)
}

// carry makes a call whose context has luggage, and returns the luggage.
func carry(t *testing.T, do func(context.Context) error) weak.Pointer[luggage] {
	t.Helper()
	var l luggage
	if err := do(context.WithValue(t.Context(), luggageKey{}, &l)); err != nil {
		t.Error(err)
	}
	return weak.Make(&l)
}

// TestForgettable: the context of a request is what it is made of until it is forgotten, and then it is over.
func TestForgettable(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), luggageKey{}, "luggage"))
	var kept context.Context
	_, err := callAndRelease(ctx, 0, func(ctx context.Context, _ int) (int, error) {
		kept = ctx
		child, done := context.WithCancel(ctx)
		defer done()
		if ctx.Value(luggageKey{}) != "luggage" || ctx.Err() != nil {
			t.Errorf("the context has %v and %v", ctx.Value(luggageKey{}), ctx.Err())
		}
		cancel()
		<-ctx.Done()
		<-child.Done()
		return 0, ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, ok := kept.Deadline(); ok || kept.Err() == nil || kept.Value(luggageKey{}) != nil {
		t.Errorf("afterwards the context has %v and %v", kept.Value(luggageKey{}), kept.Err())
	}
	<-kept.Done()
}
