package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var _ datasource.DataSourceWithConfigure = (*apiKeysDataSource)(nil)

type apiKeysDataSource struct{ configuredDataSource }

func newAPIKeysDataSource() datasource.DataSource { return &apiKeysDataSource{} }

type apiKeysModel struct {
	MerchantIDs types.Set          `tfsdk:"merchant_ids"`
	Legacy      types.Bool         `tfsdk:"legacy"`
	UnusedSince types.String       `tfsdk:"unused_since"`
	APIKeys     []integrationModel `tfsdk:"api_keys"`
}

func (d *apiKeysDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_keys"
}

func (d *apiKeysDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the API keys of the stores that the portal user can see, on any host, and the shops " +
			"that use them. Use it to find keys that no shop uses, such as the key of an interrupted run.",
		Attributes: map[string]schema.Attribute{
			"merchant_ids": merchantIDsAttribute(),
			"legacy": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Which keys to list: `true` lists only Klarna keys, `false` lists only the others. " +
					"The host of a key decides, or the form of its username if the portal shows no host. Default: both.",
			},
			"unused_since": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "A point in time (RFC 3339), such as `2026-03-31T00:00:00Z`. Lists only keys that " +
					"were not used at or after that time. Default: all keys.",
				Validators: []validator.String{timeValidator{}},
			},
			"api_keys": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The keys, sorted by merchant ID and age.",
				NestedObject:        schema.NestedAttributeObject{Attributes: integrationAttributes()},
			},
		},
	}
}

func (d *apiKeysDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model apiKeysModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	integrations, ok := listIntegrations(ctx, d.engine, model.MerchantIDs, keysNotRead(), &resp.Diagnostics)
	if !ok {
		return
	}
	model.APIKeys = readIntegrations(slices.DeleteFunc(integrations, func(i rotation.Integration) bool {
		return excludesKey(model.Legacy, model.UnusedSince, i.Key)
	}))
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}
