package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

var _ datasource.DataSourceWithConfigure = (*endpointStatusDataSource)(nil)

type endpointStatusDataSource struct{ configuredDataSource }

func newEndpointStatusDataSource() datasource.DataSource { return &endpointStatusDataSource{} }

type endpointStatusModel struct {
	MerchantID     types.String         `tfsdk:"merchant_id"`
	ActionRequired types.Bool           `tfsdk:"action_required"`
	Services       []serviceStatusModel `tfsdk:"services"`
}

type serviceStatusModel struct {
	Service        types.String `tfsdk:"service"`
	Host           types.String `tfsdk:"host"`
	LastUsedAt     types.String `tfsdk:"last_used_at"`
	ActionRequired types.String `tfsdk:"action_required"`
}

func (d *endpointStatusDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_endpoint_status"
}

func (d *endpointStatusDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Shows what is left to switch in a store, as *Action required* on the *API* page of Kustom " +
			"Portal does. For each kind of traffic, it has the host and what to do. Use it in `check` blocks and " +
			"postconditions.\n\n" +
			"The status follows real traffic, up to 24 hours late. After a switch, each service shows the old host until " +
			"the new host handles a request for that service. For the checkout, that is the first customer's order. The " +
			"provider's proof of a new key may count too, but we have not seen it. For the order management, it is a new " +
			"order that you capture or change.\n\n" +
			"**An empty status proves nothing.** The portal shows a store's status only while there is something to do, " +
			"and each user can dismiss it. To prove a switch, edit, capture and refund a new order. The status does not " +
			"cover SFTP credentials, which are not API keys. It also does not cover orders from before the move to " +
			"Kustom, which only Klarna has.",
		Attributes: map[string]schema.Attribute{
			"merchant_id": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the playground.",
				Validators:          []validator.String{merchantIDValidator{}},
			},
			"action_required": schema.BoolAttribute{
				Computed: true,
				MarkdownDescription: "Whether the portal asks you to do something for any of the services. `false` means " +
					"that it asks for nothing. It does not mean that the store has switched.",
			},
			"services": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The services whose status the portal shows, in the portal's order. Empty if it shows none.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"service": schema.StringAttribute{
						Computed: true,
						MarkdownDescription: "The kind of traffic, such as `checkout`, `order_management`, `settlement` or " +
							"`hosted_payment_page`. Kustom adds other kinds.",
					},
					"host": schema.StringAttribute{Computed: true, MarkdownDescription: "The API host of the last call."},
					"last_used_at": schema.StringAttribute{
						Computed: true, MarkdownDescription: "The time of the last call (RFC 3339). Null if there was none.",
					},
					"action_required": schema.StringAttribute{
						Computed: true, MarkdownDescription: "What the portal asks you to do, such as `Switch endpoint " +
							"to api.kustom.co`. Null if it asks for nothing.",
					},
				}},
			},
		},
	}
}

func (d *endpointStatusDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model endpointStatusModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if d.environment == nil {
		report(&resp.Diagnostics, path.Empty(), endpointStatusNotRead(), &unknownError{attribute: "environment"})
		return
	}
	if checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), d.environment, "store", model.MerchantID); resp.Diagnostics.HasError() {
		return
	}
	status, err := d.portal.EndpointStatus(ctx, model.MerchantID.ValueString())
	if err != nil {
		report(&resp.Diagnostics, path.Root("merchant_id"), endpointStatusNotRead(), err)
		return
	}
	model.read(status)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// read copies the status. It masks texts that may be secrets (I2).
func (m *endpointStatusModel) read(status kustom.EndpointStatus) {
	m.ActionRequired = types.BoolValue(status.ActionRequired)
	m.Services = make([]serviceStatusModel, 0, len(status.Services))
	for _, service := range status.Services {
		s := serviceStatusModel{
			Service:        withoutSecret(&service.Service),
			Host:           withoutSecret(&service.Host),
			ActionRequired: withoutSecret(service.ActionRequired),
		}
		if service.LastUsedAt != nil {
			s.LastUsedAt = types.StringValue(service.LastUsedAt.Format(time.RFC3339))
		}
		m.Services = append(m.Services, s)
	}
}
