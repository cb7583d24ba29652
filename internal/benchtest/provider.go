// Package benchtest is a provider that does nothing. It shows the cost of Terraform and the plugin framework for
// resources of the same shape. The benchmark compares the real provider with it.
package benchtest

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// made is the invented value of a computed attribute.
const made = "made-by-nobody"

type noopProvider struct{}

// New returns a provider with the resources noop_api_key, noop_checkout_credentials and noop_fleet. They have the
// attributes of kustom_api_key, mystore_klarna_checkout_credentials and kustom_mystore_fleet.
func New() provider.Provider { return noopProvider{} }

func (noopProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "noop"
}

func (noopProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (noopProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (noopProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return apiKey{} },
		func() resource.Resource { return checkoutCredentials{} },
		func() resource.Resource { return fleet{} },
	}
}

func (noopProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

// known replaces an unknown string with an invented one.
func known(s *types.String) {
	if s.IsUnknown() {
		*s = types.StringValue(made)
	}
}
