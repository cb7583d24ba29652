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

type apiKey struct{}

type apiKeyModel struct {
	ID                 types.String   `tfsdk:"id"`
	MerchantID         types.String   `tfsdk:"merchant_id"`
	CredentialID       types.String   `tfsdk:"credential_id"`
	Username           types.String   `tfsdk:"username"`
	Secret             types.String   `tfsdk:"secret"`
	Description        types.String   `tfsdk:"description"`
	Host               types.String   `tfsdk:"host"`
	Environment        types.String   `tfsdk:"environment"`
	CreatedAt          types.String   `tfsdk:"created_at"`
	ExpiresAt          types.String   `tfsdk:"expires_at"`
	IdempotencyKey     types.String   `tfsdk:"idempotency_key"`
	RotateWhenChanged  types.Map      `tfsdk:"rotate_when_changed"`
	RotateAfterDays    types.Int64    `tfsdk:"rotate_after_days"`
	RotateBeforeExpiry types.String   `tfsdk:"rotate_before_expiry"`
	RotationDue        types.String   `tfsdk:"rotation_due"`
	DeletionPolicy     types.String   `tfsdk:"deletion_policy"`
	UnusedFor          types.String   `tfsdk:"unused_for"`
	ForceDestroy       types.Bool     `tfsdk:"force_destroy"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

func (apiKey) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
}

func (apiKey) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true},
			"merchant_id": schema.StringAttribute{
				Required:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"description":          schema.StringAttribute{Optional: true, Computed: true},
			"host":                 schema.StringAttribute{Optional: true, Computed: true},
			"rotate_when_changed":  schema.MapAttribute{Optional: true, ElementType: types.StringType},
			"rotate_after_days":    schema.Int64Attribute{Optional: true},
			"rotate_before_expiry": schema.StringAttribute{Optional: true},
			"rotation_due":         schema.StringAttribute{Computed: true},
			"deletion_policy":      schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("delete")},
			"unused_for":           schema.StringAttribute{Optional: true},
			"force_destroy":        schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
			"credential_id":        schema.StringAttribute{Computed: true},
			"username":             schema.StringAttribute{Computed: true},
			"secret":               schema.StringAttribute{Computed: true, Sensitive: true},
			"environment":          schema.StringAttribute{Computed: true},
			"created_at":           schema.StringAttribute{Computed: true},
			"expires_at":           schema.StringAttribute{Computed: true},
			"idempotency_key":      schema.StringAttribute{Computed: true},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{Create: true, Read: true, Delete: true}),
		},
	}
}

func (apiKey) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan apiKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for _, s := range []*types.String{
		&plan.ID, &plan.CredentialID, &plan.Username, &plan.Secret, &plan.Description,
		&plan.Host, &plan.Environment, &plan.CreatedAt, &plan.ExpiresAt, &plan.IdempotencyKey, &plan.RotationDue,
	} {
		known(s)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read does nothing: the framework has already copied the state to the response.
func (apiKey) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (apiKey) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (apiKey) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
