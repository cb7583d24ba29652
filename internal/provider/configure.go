package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// configuredResource gives a resource or a list resource the provider's backend. Embed it.
type configuredResource struct{ backend }

// Configure takes the configured provider's backend. Terraform validates before that, with an empty backend.
func (r *configuredResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// configuredDataSource gives a data source the provider's backend. Embed it.
type configuredDataSource struct{ backend }

// Configure takes the configured provider's backend. Terraform validates before that, with an empty backend.
func (d *configuredDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

// configuredAction gives an action the provider's backend. Embed it.
type configuredAction struct{ backend }

// Configure takes the configured provider's backend. Terraform validates before that, with an empty backend.
func (a *configuredAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

// configure copies the backend from the data that the provider's Configure has returned. The data is nil before
// the provider is configured; b then stays as it is.
func (b *backend) configure(data any, diags *diag.Diagnostics) {
	switch data := data.(type) {
	case nil:
	case *backend:
		*b = *data
	default:
		why := fmt.Sprintf("the provider data is a %T: please report this as a bug", data)
		unexpectedProviderData(why).addTo(diags, path.Empty())
	}
}

// lacksDescriptions reports that the portal shows no descriptions of keys and no hosts.
func (b *backend) lacksDescriptions() bool {
	return b.portal != nil && !b.portal.SupportsDescriptions()
}
