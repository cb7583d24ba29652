package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var _ datasource.DataSourceWithConfigure = (*legacyIntegrationsDataSource)(nil)

type legacyIntegrationsDataSource struct{ configuredDataSource }

func newLegacyIntegrationsDataSource() datasource.DataSource { return &legacyIntegrationsDataSource{} }

type legacyIntegrationsModel struct {
	MerchantIDs    types.Set          `tfsdk:"merchant_ids"`
	ActionRequired types.Bool         `tfsdk:"action_required"`
	Integrations   []integrationModel `tfsdk:"integrations"`
}

func (d *legacyIntegrationsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_legacy_integrations"
}

func (d *legacyIntegrationsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the API keys that still belong to `api.klarna.com` (in the playground, " +
			"`api.playground.klarna.com`) in all stores that the portal user can see, and the shops that use them. Use " +
			"it to import the keys in use, and to see that no such key is left.",
		Attributes: map[string]schema.Attribute{
			"merchant_ids": merchantIDsAttribute(),
			"action_required": schema.BoolAttribute{
				Computed: true, MarkdownDescription: "Whether any such key is left.",
			},
			"integrations": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The keys, sorted by merchant ID and age.",
				NestedObject:        schema.NestedAttributeObject{Attributes: integrationAttributes()},
			},
		},
	}
}

func (d *legacyIntegrationsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model legacyIntegrationsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	integrations, ok := listIntegrations(ctx, d.engine, model.MerchantIDs, legacyIntegrationsNotRead(), &resp.Diagnostics)
	if !ok {
		return
	}
	model.read(rotation.Legacy(integrations))
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (m *legacyIntegrationsModel) read(integrations []rotation.Integration) {
	m.ActionRequired = types.BoolValue(len(integrations) > 0)
	m.Integrations = readIntegrations(integrations)
}
