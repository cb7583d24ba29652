package benchtest

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type checkoutCredentials struct{}

type checkoutCredentialsModel struct {
	ID               types.String   `tfsdk:"id"`
	Shop             types.String   `tfsdk:"shop"`
	KustomID         types.String   `tfsdk:"kustom_id"`
	Secret           types.String   `tfsdk:"kustom_secret"`
	SecretWO         types.String   `tfsdk:"kustom_secret_wo"`
	SecretWOVersion  types.Int64    `tfsdk:"kustom_secret_wo_version"`
	Verify           types.Bool     `tfsdk:"verify"`
	DeletionPolicy   types.String   `tfsdk:"deletion_policy"`
	AllowStoreChange types.Bool     `tfsdk:"allow_store_change"`
	ExtensionVersion types.String   `tfsdk:"extension_version"`
	UpdatedAt        types.String   `tfsdk:"updated_at"`
	Timeouts         timeouts.Value `tfsdk:"timeouts"`
}

func (checkoutCredentials) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_checkout_credentials"
}

func (checkoutCredentials) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true},
			"shop": schema.StringAttribute{
				Required:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"kustom_id":                schema.StringAttribute{Required: true},
			"kustom_secret":            schema.StringAttribute{Optional: true, Sensitive: true},
			"kustom_secret_wo":         schema.StringAttribute{Optional: true, Sensitive: true, WriteOnly: true},
			"kustom_secret_wo_version": schema.Int64Attribute{Optional: true},
			"verify":                   schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true)},
			"deletion_policy":          schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("retain")},
			"allow_store_change":       schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
			"extension_version":        schema.StringAttribute{Computed: true},
			"updated_at":               schema.StringAttribute{Computed: true},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

func (checkoutCredentials) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan checkoutCredentialsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for _, s := range []*types.String{&plan.ID, &plan.ExtensionVersion, &plan.UpdatedAt} {
		known(s)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read does nothing: the framework has already copied the state to the response.
func (checkoutCredentials) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (checkoutCredentials) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (checkoutCredentials) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}
