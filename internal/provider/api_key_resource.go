package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

var (
	_ resource.ResourceWithConfigure   = (*apiKeyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*apiKeyResource)(nil)
	_ resource.ResourceWithIdentity    = (*apiKeyResource)(nil)
	_ resource.ResourceWithImportState = (*apiKeyResource)(nil)
)

// keyService makes, reads and deletes a store's keys.
type keyService interface {
	Ready() error
	Generate(ctx context.Context, merchantID, description string) (kustom.Key, error)
	Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error)
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
	Discard(ctx context.Context, orphan kustom.Orphan) error
}

// keyGuard says when a key may be deleted (I1).
type keyGuard interface {
	AwaitRelease(ctx context.Context, username string) error
}

type apiKeyResource struct {
	keys        keyService
	guard       keyGuard
	clock       clock.Clock
	environment *kustom.Environment
}

func newAPIKeyResource() resource.Resource { return &apiKeyResource{} }

type apiKeyModel struct {
	ID                types.String   `tfsdk:"id"`
	MerchantID        types.String   `tfsdk:"merchant_id"`
	CredentialID      types.String   `tfsdk:"credential_id"`
	Username          types.String   `tfsdk:"username"`
	Secret            types.String   `tfsdk:"secret"`
	Description       types.String   `tfsdk:"description"`
	Host              types.String   `tfsdk:"host"`
	Environment       types.String   `tfsdk:"environment"`
	CreatedAt         types.String   `tfsdk:"created_at"`
	RotateWhenChanged types.Map      `tfsdk:"rotate_when_changed"`
	RotateAfterDays   types.Int64    `tfsdk:"rotate_after_days"`
	RotationDue       types.String   `tfsdk:"rotation_due"`
	ForceDestroy      types.Bool     `tfsdk:"force_destroy"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

type apiKeyIdentity struct {
	MerchantID   types.String `tfsdk:"merchant_id"`
	CredentialID types.String `tfsdk:"credential_id"`
}

const (
	defaultKeyDescription   = "terraform"
	defaultKeyCreateTimeout = 5 * time.Minute
	defaultKeyReadTimeout   = 2 * time.Minute
	defaultKeyDeleteTimeout = 2 * time.Minute

	// importPending marks, in private state, a key that was named by an import and not read yet.
	importPending = "import_pending"
	// observedAt holds, in private state, when the key was last read: how old it is when a plan is
	// made. The clock itself is not asked while planning, because a plan is made again when it is
	// applied, and must come to the same result.
	observedAt = "observed_at"
)

func (r *apiKeyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
}

func (r *apiKeyResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Makes an API key for a store, as *Integrations → Generate new* in Kustom Portal does, and rotates it from " +
			"then on.\n\nIts secret is shown once in its life, when it is made. This resource keeps it in the " +
			"state, marked as sensitive, so that it can be given to the shop; protect the state accordingly.\n\n" +
			"A key is deleted only when no shop named in the provider's `mystore_tokens` uses it any more.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "`<merchant_id>/<credential_id>`, which is also the import ID.",
			},
			"merchant_id": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the playground. Changing it makes a new key.",
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:          []validator.String{merchantIDValidator{}},
			},
			"description": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "What the portal shows beside the key: up to 100 letters, digits, spaces and " +
					"`-:;.,_`. Default for a new key: `terraform`. Changing it makes a new key.",
				Validators: []validator.String{descriptionValidator{}},
			},
			"host": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "The API host that the key belongs to. Default: the environment's, `api.kustom.co` " +
					"or `api.playground.kustom.co`. A key imported from one of Klarna's hosts differs from that and " +
					"is replaced by a new one. Name the old host (`api.klarna.com`, or `api.playground.klarna.com`) " +
					"to keep an imported key for now; a new key can't be made there.",
				Validators: []validator.String{hostValidator{}},
			},
			"rotate_when_changed": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Anything of your own, such as a date, a ticket number or the `id` of a `time_rotating`. Any " +
					"change makes a new key, except the first values given to an imported one.",
			},
			"rotate_after_days": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Age in days at which the key is due: the first plan that finds it so old, or older, makes a new one. " +
					"Default: never.",
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
			"rotation_due": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Why the key is due for rotation, by `rotate_after_days`; null while it is not. The next apply makes a new key.",
			},
			"force_destroy": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether the key may be deleted while a shop still uses it, or while that is " +
					"not known. Default `false`: the deletion waits for the shop to get another key, and is refused " +
					"if it does not. With `true`, **the shop's checkout may stop**.",
			},
			"credential_id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The portal's ID of the key.",
			},
			"username": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The key's username, in the portal and in Mystore called *Kustom ID*.",
			},
			"secret": schema.StringAttribute{
				Computed: true, Sensitive: true,
				MarkdownDescription: "The key's secret, in Mystore called *Kustom Secret*. Null for an imported key: " +
					"nobody can read the secret of a key that exists already. To get one, make a new key " +
					"(`terraform apply -replace=…`).",
			},
			"environment": schema.StringAttribute{
				Computed: true, MarkdownDescription: "`live` for a key of the production environment, `test` for one of the playground.",
			},
			"created_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "When the key was made (RFC 3339).",
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Delete: true,
				CreateDescription: "How long making the key may take. Default `5m`.",
				ReadDescription:   "How long reading the key may take. Default `2m`.",
				DeleteDescription: "How long to wait for shops that still use the key to get another one, before the " +
					"deletion is refused, and for the deletion itself. Default `2m`.",
			}),
		},
	}
}

func (r *apiKeyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"merchant_id":   identityschema.StringAttribute{RequiredForImport: true, Description: "Merchant ID (MID) of the store."},
		"credential_id": identityschema.StringAttribute{RequiredForImport: true, Description: "The portal's ID of the key."},
	}}
}

func (r *apiKeyResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b, err := backendOf(req.ProviderData)
	if err != nil {
		resp.Diagnostics.AddError("Unexpected provider data", err.Error())
	}
	if b == nil {
		return
	}
	r.keys, r.guard, r.clock, r.environment = b.keys, b.shops, b.clock, b.environment
}

// ModifyPlan decides what the configuration leaves open, and whether the key can stay.
func (r *apiKeyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.keys == nil {
		return
	}
	var config, plan apiKeyModel
	resp.Diagnostics.Append(load(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	var state *apiKeyModel
	if !req.State.Raw.IsNull() {
		state = &apiKeyModel{}
		resp.Diagnostics.Append(load(ctx, req.State, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.environment, "store", plan.MerchantID)
	checkHost(&resp.Diagnostics, r.environment, config.Host)
	// Known: what is planned is a key that is not due.
	plan.RotationDue = types.StringNull()
	if state == nil {
		r.planCreate(config, &plan, resp)
	} else {
		r.planUpdate(config, &plan, *state, resp)
		planRotation(ctx, req.Private, plan, *state, resp)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(store(ctx, &resp.Plan, plan)...)
	}
}

func (r *apiKeyResource) planCreate(config apiKeyModel, plan *apiKeyModel, resp *resource.ModifyPlanResponse) {
	if config.Description.IsNull() {
		plan.Description = types.StringValue(defaultKeyDescription)
	}
	if r.environment != nil {
		plan.Environment = types.StringValue(r.environment.KeyEnvironment())
		if config.Host.IsNull() {
			plan.Host = types.StringValue(r.environment.Host())
		}
	}
	if kustom.IsLegacyHost(plan.Host.ValueString()) {
		resp.Diagnostics.AddAttributeError(path.Root("host"), "A new key can't belong to Klarna's host",
			fmt.Sprintf("%s is a host that Kustom is leaving; keys can no longer be made there. It can be named only "+
				"to keep a key that was imported. Remove host to make a key on the new one.", plan.Host.ValueString()))
	}
	if err := r.keys.Ready(); err != nil && !isUnknown(err) {
		report(&resp.Diagnostics, path.Empty(), "No API key can be made", err)
	}
}

// planUpdate keeps what no update changes, so that what depends on it sees no change either.
func (r *apiKeyResource) planUpdate(config apiKeyModel, plan *apiKeyModel, state apiKeyModel, resp *resource.ModifyPlanResponse) {
	plan.ID, plan.CredentialID, plan.Username, plan.Secret = state.ID, state.CredentialID, state.Username, state.Secret
	plan.Environment, plan.CreatedAt = state.Environment, state.CreatedAt
	if config.Description.IsNull() {
		plan.Description = state.Description
	}
	if config.Host.IsNull() {
		plan.Host = state.Host
		if r.environment != nil {
			plan.Host = types.StringValue(r.environment.Host())
		}
	}
	if !plan.Host.Equal(state.Host) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("host"))
	}
	if !plan.Description.Equal(state.Description) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("description"))
	}
}

// planRotation replaces a key whose triggers have changed, or that was found to be due. It looks at
// what Read has found only.
func planRotation(ctx context.Context, private privateState, plan, state apiKeyModel, resp *resource.ModifyPlanResponse) {
	observed, imported := recallKey(ctx, private, &resp.Diagnostics)
	firstTriggers := imported && state.RotateWhenChanged.IsNull()
	if !firstTriggers && !plan.RotateWhenChanged.Equal(state.RotateWhenChanged) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotate_when_changed"))
	}
	switch {
	case plan.RotateAfterDays.IsUnknown():
	case !plan.RotateAfterDays.Equal(state.RotateAfterDays):
		// What Read has found was by the days that the state has.
		created, err := time.Parse(time.RFC3339, state.CreatedAt.ValueString())
		if err == nil && tooOld(kustom.Key{CreatedAt: created}, plan.RotateAfterDays, observed) != "" {
			resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotate_after_days"))
		}
	case !state.RotationDue.IsNull():
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotation_due"))
	}
}

func (r *apiKeyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan apiKeyModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultKeyCreateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	key, err := r.keys.Generate(ctx, plan.MerchantID.ValueString(), plan.Description.ValueString())
	if err != nil {
		r.rememberOrphan(ctx, plan, err, resp)
		err = withUnusedKeys(ctx, r.keys, plan.MerchantID.ValueString(), err)
		report(&resp.Diagnostics, path.Root("merchant_id"), "API key not made", err)
		return
	}
	plan.read(key)
	plan.Secret = types.StringValue(key.Secret)
	resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
}

// rememberOrphan keeps in the state a key that can't be used and could not be deleted. The error that
// goes with it makes Terraform treat it as tainted, so that the next apply deletes it (I3, I5).
func (r *apiKeyResource) rememberOrphan(ctx context.Context, plan apiKeyModel, err error, resp *resource.CreateResponse) {
	var orphan *kustom.OrphanError
	if !errors.As(err, &orphan) {
		return
	}
	plan.CredentialID = unsettledID(orphan.Orphan)
	plan.Username = nullWhenEmpty(orphan.Username)
	plan.ID, plan.CreatedAt, plan.Secret = types.StringNull(), types.StringNull(), types.StringNull()
	resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
	// An orphan is deleted under the identity that it has here, and never takes on another.
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
}

func (r *apiKeyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state apiKeyModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultKeyReadTimeout)
	resp.Diagnostics.Append(diags...)
	imported, diags := req.Private.GetKey(ctx, importPending)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	// A state of an older version has no identity yet, even of a key that is found to be gone.
	resp.Diagnostics.Append(store(ctx, resp.Identity, state.identity())...)
	if isUnsettled(state.CredentialID) {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	key, err := r.keys.Key(ctx, state.MerchantID.ValueString(), state.CredentialID.ValueString())
	var gone *kustom.NoKeyError
	if errors.As(err, &gone) && imported == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, path.Root("merchant_id"), "API key not read", err)
		return
	}
	state.read(key)
	now := r.clock.Now()
	state.RotationDue = nullWhenEmpty(tooOld(key, state.RotateAfterDays, now))
	resp.Diagnostics.Append(store(ctx, &resp.State, state)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importPending, nil)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, observedAt, strconv.AppendQuote(nil, now.Format(time.RFC3339)))...)
}

// Update has nothing to do: what can change in place is known to this provider only.
func (r *apiKeyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan apiKeyModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	resp.State.Raw = req.Plan.Raw
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
	// An imported key stays untouched until it gets its first triggers.
	if !plan.RotateWhenChanged.IsNull() {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, nil)...)
	}
}

func (r *apiKeyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state apiKeyModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultKeyDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	// A key whose username is not known has never been given to anybody.
	if !state.ForceDestroy.ValueBool() && !state.Username.IsNull() {
		if err := r.guard.AwaitRelease(ctx, state.Username.ValueString()); err != nil {
			reportWithHint(&resp.Diagnostics, path.Empty(), "API key not deleted", err,
				"To delete the key all the same, set force_destroy = true; a shop that uses it then stops taking payments.")
			return
		}
	}
	if err := r.keys.Discard(ctx, readOrphan(state.MerchantID, state.CredentialID, state.Username, state.Description)); err != nil {
		report(&resp.Diagnostics, path.Empty(), "API key not deleted", err)
	}
}

func (r *apiKeyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importID(ctx, req, &resp.Diagnostics, "merchant_id", "credential_id")
	merchantID, credentialID, err := parseKeyID(id)
	if err != nil {
		resp.Diagnostics.AddError("Malformed import ID", err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("credential_id"), credentialID)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, apiKeyIdentity{types.StringValue(merchantID), types.StringValue(credentialID)})...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importPending, []byte("true"))...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, []byte("true"))...)
}

// recallKey returns when a key was last read, and whether it was imported and not changed since.
func recallKey(ctx context.Context, private privateState, diags *diag.Diagnostics) (observed time.Time, imported bool) {
	raw, problems := private.GetKey(ctx, observedAt)
	diags.Append(problems...)
	untouched, problems := private.GetKey(ctx, importUntouched)
	diags.Append(problems...)
	// Without a time, as after an apply that has not been followed by a refresh, nothing is due.
	observed, _ = time.Parse(strconv.Quote(time.RFC3339), string(raw))
	return observed, untouched != nil
}

// parseKeyID reads "<merchant_id>/<credential_id>".
func parseKeyID(id string) (merchantID, credentialID string, err error) {
	merchantID, credentialID, found := strings.Cut(id, "/")
	if !found || !isMerchantID(merchantID) || !isCredentialID(credentialID) {
		return "", "", malformedID(id, "the import ID of an API key. It has the form <merchant_id>/<credential_id>, such as "+
			"M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11. The data source kustom_legacy_integrations lists them as id")
	}
	return merchantID, credentialID, nil
}

// read takes over what the portal tells of a key. The secret is not part of it.
func (m *apiKeyModel) read(key kustom.Key) {
	m.ID = types.StringValue(keyID(key))
	m.MerchantID = types.StringValue(key.MerchantID)
	m.CredentialID = types.StringValue(key.CredentialID)
	m.Username = types.StringValue(key.Username)
	m.Description = types.StringPointerValue(key.Description)
	m.Host = types.StringValue(key.Host)
	m.Environment = types.StringValue(key.Environment)
	m.CreatedAt = types.StringValue(key.CreatedAt.Format(time.RFC3339))
}

func (m apiKeyModel) identity() apiKeyIdentity {
	return apiKeyIdentity{MerchantID: m.MerchantID, CredentialID: m.CredentialID}
}

func keyID(key kustom.Key) string { return key.MerchantID + "/" + key.CredentialID }
