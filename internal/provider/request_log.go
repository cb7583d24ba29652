package provider

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

type observerKey struct{}

// withObserver returns a context whose requests observe is called with, attempt by attempt. Observe must be safe for
// concurrent use.
func withObserver(ctx context.Context, observe func(transport.RequestRecord)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

// observeRequest logs one attempt, and passes it to the context's observer.
func observeRequest(ctx context.Context, e transport.RequestRecord) {
	logRequest(ctx, e)
	if observe, ok := ctx.Value(observerKey{}).(func(transport.RequestRecord)); ok {
		observe(e)
	}
}

// describeCall names a request's API and path, without the values in the path.
func describeCall(e transport.RequestRecord) string {
	return fmt.Sprintf("%s %s (%s)", e.Method, e.Template, e.Host)
}

// describeRequest describes one attempt in words.
func describeRequest(e transport.RequestRecord) string {
	outcome := string(e.Kind)
	if e.Status != 0 {
		outcome = fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	if e.CorrelationID != "" {
		outcome += ". Correlation ID: " + e.CorrelationID
	}
	return describeCall(e) + ": " + outcome
}

// logRequest logs one attempt. Its fields are an allow-list (I2): see [transport.RequestRecord].
func logRequest(ctx context.Context, e transport.RequestRecord) {
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
