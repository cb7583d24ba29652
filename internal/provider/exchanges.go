package provider

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

type listenerKey struct{}

// listening returns a context whose requests hear is called with, attempt by attempt. Hear must be safe for
// concurrent use.
func listening(ctx context.Context, hear func(transport.RequestRecord)) context.Context {
	return context.WithValue(ctx, listenerKey{}, hear)
}

// observeExchange logs one attempt, and passes it to the context's listener.
func observeExchange(ctx context.Context, e transport.RequestRecord) {
	logExchange(ctx, e)
	if hear, ok := ctx.Value(listenerKey{}).(func(transport.RequestRecord)); ok {
		hear(e)
	}
}

// describeCall names a request's API and path, without the values in the path.
func describeCall(e transport.RequestRecord) string {
	return fmt.Sprintf("%s %s (%s)", e.Method, e.Template, e.Host)
}

// describeExchange describes one attempt in words.
func describeExchange(e transport.RequestRecord) string {
	outcome := string(e.Kind)
	if e.Status != 0 {
		outcome = fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	if e.CorrelationID != "" {
		outcome += ". Correlation ID: " + e.CorrelationID
	}
	return describeCall(e) + ": " + outcome
}

// logExchange logs one attempt. Its fields are an allow-list (I2): see [transport.RequestRecord].
func logExchange(ctx context.Context, e transport.RequestRecord) {
	fields := map[string]any{
		"api": e.API, "host": e.Host, "method": e.Method, "path": e.Template,
		"attempt": e.Attempt, "status": e.Status, "duration_ms": e.Duration.Milliseconds(),
	}
	if e.Kind != "" {
		fields["failure"] = string(e.Kind)
	}
	if e.CorrelationID != "" {
		fields["correlation_id"] = e.CorrelationID
	}
	tflog.Debug(ctx, "vendor request", fields)
}
