package provider

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
	"weak"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
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
	const key = "kustom_api_key"
	for kind, tt := range servers {
		s, raw := tt.server, &tfprotov6.RawState{JSON: []byte(`{"id":"x"}`)}
		calls := map[string]func(context.Context) error{
			"ValidateResourceConfig":  call(s.ValidateResourceConfig, tfprotov6.ValidateResourceConfigRequest{TypeName: key}),
			"UpgradeResourceState":    call(s.UpgradeResourceState, tfprotov6.UpgradeResourceStateRequest{TypeName: key, RawState: raw}),
			"UpgradeResourceIdentity": call(s.UpgradeResourceIdentity, tfprotov6.UpgradeResourceIdentityRequest{TypeName: key, RawIdentity: raw}),
			"ReadResource":            call(s.ReadResource, tfprotov6.ReadResourceRequest{TypeName: key}),
			"PlanResourceChange":      call(s.PlanResourceChange, tfprotov6.PlanResourceChangeRequest{TypeName: key}),
			"ApplyResourceChange":     call(s.ApplyResourceChange, tfprotov6.ApplyResourceChangeRequest{TypeName: key}),
		}
		for name, do := range calls {
			value := callWithValue(t, do)
			runtime.GC()
			if keeps := value.Value() != nil; keeps != tt.keeps {
				t.Errorf("%s: %s keeps its context: %t, want %t", kind, name, keeps, tt.keeps)
			}
		}
	}
	runtime.KeepAlive(servers)
}

// call returns a function that makes a request by a method of the server.
func call[Request, Response any](method func(context.Context, *Request) (*Response, error), req Request) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := method(ctx, &req)
		return err
	}
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

// TestReleasableContext_IsDoneOnceReleased expects a context that is like its parent until the call ends.
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

// broken is a server that panics in each call.
type broken struct{ frameworkServer }

// TestRecoveringServer_ReturnsErrorForPanic expects an error of each call. A panic would end the process, and the other calls
// with it.
func TestRecoveringServer_ReturnsErrorForPanic(t *testing.T) {
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

// textOf returns the error of an answer.
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

func TestRecoveringServer_EndsListThatPanics(t *testing.T) {
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

// TestInvoke_ReturnsErrorForPanic calls the actions themselves, because the framework runs each in its own goroutine.
func TestInvoke_ReturnsErrorForPanic(t *testing.T) {
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

const hostileToken = "portal-token-8Tq2LmX"

// hostile is a text of a hostile vendor, of 2 MB.
var hostile = hostileToken + " kco_live_api_PLANTEDr8Tq2LmX \x1b]0;owned\x07 \u202e " + strings.Repeat(hostileToken+"\u200b", 100_000)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answering(status int, body string) roundTripFunc {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// TestServer_ShowsNoHostileText reads from a hostile portal. Nothing that is shown or logged has secrets, control characters
// or very long texts.
func TestServer_ShowsNoHostileText(t *testing.T) {
	t.Parallel()
	quoted := strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`).Replace(hostile)
	key := func(username, id, description string) string {
		return `{"credentials":[{"credential_id":"` + id + `","merchant_id":"M00412871","username":"` + username + `","description":"` + description + `"}]}`
	}
	for name, portal := range map[string]roundTripFunc{
		"library": func(*http.Request) (*http.Response, error) {
			return nil, errors.New("malformed header line: " + hostile)
		},
		"message":     answering(http.StatusUnauthorized, `{"error_code":"`+quoted+`","error_messages":["`+quoted+`"],"correlation_id":"`+quoted+`"}`),
		"correlation": answering(http.StatusForbidden, `{"error_code":"X","error_messages":["x"],"correlation_id":"`+hostileToken+`\u001b"}`),
		"username":    answering(http.StatusOK, key(quoted, "1", "")),
		"other store": answering(http.StatusOK, strings.ReplaceAll(key("K1-\u202e"+hostileToken, "1", ""), "M00412871", quoted)),
		"ID":          answering(http.StatusOK, key("M00412871-a", hostileToken, "")),
		"too large":   answering(http.StatusOK, key("M00412871-a", "1", strings.Repeat(quoted, 10))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			ctx := tflogtest.RootLogger(t.Context(), &logged)
			said := ask(ctx, t, Options{RoundTripper: portal}, 0, readKeys)
			if said == "" && name != "ID" {
				t.Error("nothing is said")
			}
			for _, text := range []string{said, logged.String()} {
				mustBePrintable(t, text)
			}
			if !strings.Contains(logged.String(), "vendor request") {
				t.Errorf("the log is %s", logged.String())
			}
		})
	}
}

// TestServer_LimitsTimeOfReads reads from a portal that asks to wait again and again.
func TestServer_LimitsTimeOfReads(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]reading{"data source": readKeys, "list resource": listKeys} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clk := clocktest.New(time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC))
			began := clk.Now()
			portal := roundTripFunc(func(r *http.Request) (*http.Response, error) {
				resp, err := answering(http.StatusServiceUnavailable, `{}`)(r)
				resp.Header.Set("Retry-After", "240")
				return resp, err
			})
			said := ask(t.Context(), t, Options{RoundTripper: portal, Clock: clk}, 20, read)
			if took := clk.Now().Sub(began); took > readingTimeout || took < readingTimeout/2 {
				t.Errorf("it took %v", took)
			}
			if !strings.Contains(said, "it asked to wait 4 min, but the provider did not wait") {
				t.Errorf("it says %s", said)
			}
		})
	}
}

func mustBePrintable(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{hostileToken, "PLANTED"} {
		if strings.Contains(text, secret) {
			t.Error("a secret is shown")
		}
	}
	if n := utf8.RuneCountInString(text); n > 70_000 {
		t.Errorf("%d characters are shown", n)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Errorf("%q is shown", r)
			break
		}
	}
}

// reading reads a store's keys from a server with these schemas, and returns its diagnostics.
type reading func(ctx context.Context, t *testing.T, server frameworkServer, schemas *tfprotov6.GetProviderSchemaResponse) []*tfprotov6.Diagnostic

// ask configures a server and reads from it; it returns the texts of the diagnostics.
func ask(ctx context.Context, t *testing.T, o Options, retries int, read reading) string {
	t.Helper()
	o.Getenv = func(string) string { return "" }
	made, err := NewServer(New(o)(), false)
	if err != nil {
		t.Fatal(err)
	}
	server, ok := made.(frameworkServer)
	if !ok {
		t.Fatalf("the server is a %T", made)
	}
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	configured, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: object(t, schemas.Provider.ValueType(), map[string]tftypes.Value{
		"portal_token": tftypes.NewValue(tftypes.String, hostileToken), "max_retries": tftypes.NewValue(tftypes.Number, retries),
	})})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatalf("%v %v", err, configured.Diagnostics)
	}
	var said strings.Builder
	for _, d := range read(ctx, t, server, schemas) {
		said.WriteString(d.Summary + "\n" + d.Detail + "\n")
	}
	return said.String()
}

// readKeys reads them by the data source.
func readKeys(ctx context.Context, t *testing.T, server frameworkServer, schemas *tfprotov6.GetProviderSchemaResponse) []*tfprotov6.Diagnostic {
	t.Helper()
	read, err := server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{
		TypeName: "kustom_api_keys", Config: object(t, schemas.DataSourceSchemas["kustom_api_keys"].ValueType(), map[string]tftypes.Value{
			"merchant_id": tftypes.NewValue(tftypes.String, "M00412871"),
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return read.Diagnostics
}

// listKeys reads them by the list resource.
func listKeys(ctx context.Context, t *testing.T, server frameworkServer, schemas *tfprotov6.GetProviderSchemaResponse) []*tfprotov6.Diagnostic {
	t.Helper()
	stream, err := server.ListResource(ctx, &tfprotov6.ListResourceRequest{
		TypeName: "kustom_api_key", Limit: 10,
		Config: object(t, schemas.ListResourceSchemas["kustom_api_key"].ValueType(), map[string]tftypes.Value{
			"merchant_ids": tftypes.NewValue(tftypes.List{ElementType: tftypes.String}, []tftypes.Value{tftypes.NewValue(tftypes.String, "M00412871")}),
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	var said []*tfprotov6.Diagnostic
	for result := range stream.Results {
		said = append(said, result.Diagnostics...)
	}
	return said
}

// object returns an object with these values. Its other attributes are null.
func object(t *testing.T, typ tftypes.Type, values map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	of, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", typ)
	}
	all := map[string]tftypes.Value{}
	for name, typ := range of.AttributeTypes {
		if all[name], ok = values[name]; !ok {
			all[name] = tftypes.NewValue(typ, nil)
		}
	}
	value, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, all))
	if err != nil {
		t.Fatal(err)
	}
	return &value
}

// sayingServer is a server whose actions and lists return the same diagnostics.
type sayingServer struct {
	frameworkServer
	said []*tfprotov6.Diagnostic
}

func (s sayingServer) InvokeAction(context.Context, *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	return &tfprotov6.InvokeActionServerStream{Events: func(yield func(tfprotov6.InvokeActionEvent) bool) {
		_ = yield(tfprotov6.InvokeActionEvent{Type: tfprotov6.ProgressInvokeActionEventType{Message: hostile}}) &&
			yield(tfprotov6.InvokeActionEvent{Type: tfprotov6.CompletedInvokeActionEventType{Diagnostics: s.said}})
	}}, nil
}

func (s sayingServer) ListResource(context.Context, *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	return &tfprotov6.ListResourceServerStream{Results: func(yield func(tfprotov6.ListResourceResult) bool) {
		yield(tfprotov6.ListResourceResult{DisplayName: hostile, Diagnostics: s.said})
	}}, nil
}

// TestServer_RedactsStreams expects redacted texts in the streams of actions and lists.
func TestServer_RedactsStreams(t *testing.T) {
	t.Parallel()
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets(hostileToken)
	server := redactingServer{sayingServer{said: []*tfprotov6.Diagnostic{{Summary: hostile, Detail: hostile}}}, redactor}
	invoked, err := server.InvokeAction(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for event := range invoked.Events {
		seen++
		switch is := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			mustBePrintable(t, is.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			mustBePrintable(t, is.Diagnostics[0].Summary)
			mustBePrintable(t, is.Diagnostics[0].Detail)
		}
	}
	listed, err := server.ListResource(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for result := range listed.Results {
		seen++
		mustBePrintable(t, result.DisplayName)
	}
	if seen != 3 {
		t.Errorf("%d messages arrive, want 3", seen)
	}
}
