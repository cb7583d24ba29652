// Package benchtest is a provider that does nothing: what Terraform and the plugin framework take for
// objects of the same shape, whoever makes them. The benchmark measures the real provider against it.
package benchtest

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// made is the value of what a service would have decided.
const made = "made-by-nobody"

type noopProvider struct{}

// New returns a provider with three resources: noop_api_key, noop_checkout_credentials and noop_fleet. They have
// the attributes of kustom_api_key, mystore_klarna_checkout_credentials and kustom_mystore_fleet, and nothing
// behind them.
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

// known makes up a string that is not known.
func known(s *types.String) {
	if s.IsUnknown() {
		*s = types.StringValue(made)
	}
}
