package provider

import (
	"context"
	"iter"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

const (
	// maxSummary and maxDetail bound a diagnostic's two texts, in characters. A detail may name a thousand
	// shops.
	maxSummary = 1000
	maxDetail  = 64_000
)

// redactingServer is a server whose diagnostics can be shown, whatever names of stores, keys and people they contain.
// It removes secrets and control characters, and shortens long texts.
type redactingServer struct {
	frameworkServer
	redactor *vendortext.Redactor
}

// diagnostics makes diagnostics safe to show.
func (s redactingServer) diagnostics(all []*tfprotov6.Diagnostic) {
	for _, d := range all {
		d.Summary = s.redactor.ShowLines(vendortext.New(d.Summary), maxSummary)
		d.Detail = s.redactor.ShowLines(vendortext.New(d.Detail), maxDetail)
	}
}

// redacted makes a call, and makes the diagnostics of its answer and its error safe to show.
func redacted[Request, Response any](
	ctx context.Context, s redactingServer, req Request, call func(context.Context, Request) (*Response, error), diagnostics func(*Response) []*tfprotov6.Diagnostic,
) (*Response, error) {
	resp, err := call(ctx, req)
	if resp != nil {
		s.diagnostics(diagnostics(resp))
	}
	return resp, s.redactor.Error(err)
}

// ReadResource calls the framework's.
func (s redactingServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.ReadResource, func(r *tfprotov6.ReadResourceResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// PlanResourceChange calls the framework's.
func (s redactingServer) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.PlanResourceChange, func(r *tfprotov6.PlanResourceChangeResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// ApplyResourceChange calls the framework's.
func (s redactingServer) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.ApplyResourceChange, func(r *tfprotov6.ApplyResourceChangeResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// ReadDataSource calls the framework's.
func (s redactingServer) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.ReadDataSource, func(r *tfprotov6.ReadDataSourceResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// ImportResourceState calls the framework's.
func (s redactingServer) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.ImportResourceState, func(r *tfprotov6.ImportResourceStateResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// ConfigureProvider calls the framework's.
func (s redactingServer) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.ConfigureProvider, func(r *tfprotov6.ConfigureProviderResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// PlanAction calls the framework's.
func (s redactingServer) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	return redacted(ctx, s, req, s.frameworkServer.PlanAction, func(r *tfprotov6.PlanActionResponse) []*tfprotov6.Diagnostic { return r.Diagnostics })
}

// InvokeAction calls the framework's.
func (s redactingServer) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	stream, err := s.frameworkServer.InvokeAction(ctx, req)
	if stream != nil {
		stream.Events = each(stream.Events, s.event)
	}
	return stream, s.redactor.Error(err)
}

func (s redactingServer) event(e tfprotov6.InvokeActionEvent) tfprotov6.InvokeActionEvent {
	switch is := e.Type.(type) {
	case tfprotov6.ProgressInvokeActionEventType:
		is.Message = s.redactor.ShowLines(vendortext.New(is.Message), maxDetail)
		e.Type = is
	case tfprotov6.CompletedInvokeActionEventType:
		s.diagnostics(is.Diagnostics)
	}
	return e
}

// ListResource calls the framework's.
func (s redactingServer) ListResource(ctx context.Context, req *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	stream, err := s.frameworkServer.ListResource(ctx, req)
	if stream != nil {
		stream.Results = each(stream.Results, func(r tfprotov6.ListResourceResult) tfprotov6.ListResourceResult {
			r.DisplayName = s.redactor.Show(vendortext.New(r.DisplayName))
			s.diagnostics(r.Diagnostics)
			return r
		})
	}
	return stream, s.redactor.Error(err)
}

// each returns a sequence with change applied to each element.
func each[T any](all iter.Seq[T], change func(T) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for one := range all {
			if !yield(change(one)) {
				return
			}
		}
	}
}
