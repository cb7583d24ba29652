package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure   = (*apiKeyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*apiKeyResource)(nil)
	_ resource.ResourceWithIdentity    = (*apiKeyResource)(nil)
	_ resource.ResourceWithImportState = (*apiKeyResource)(nil)
)

type apiKeyResource struct{ configuredResource }

func newAPIKeyResource() resource.Resource { return &apiKeyResource{} }

type apiKeyModel struct {
	ID                 types.String `tfsdk:"id"`
	MerchantID         types.String `tfsdk:"merchant_id"`
	CredentialID       types.String `tfsdk:"credential_id"`
	Username           types.String `tfsdk:"username"`
	Secret             types.String `tfsdk:"secret"`
	Description        types.String `tfsdk:"description"`
	Host               types.String `tfsdk:"host"`
	Environment        types.String `tfsdk:"environment"`
	CreatedAt          types.String `tfsdk:"created_at"`
	RotateWhenChanged  types.Map    `tfsdk:"rotate_when_changed"`
	RotateAfterDays    types.Int64  `tfsdk:"rotate_after_days"`
	RotationDue        types.String `tfsdk:"rotation_due"`
	RotateBeforeExpiry types.String `tfsdk:"rotate_before_expiry"`
	ExpiresAt          types.String `tfsdk:"expires_at"`
	IdempotencyKey     types.String `tfsdk:"idempotency_key"`
	DeletionPolicy     types.String `tfsdk:"deletion_policy"`
	UnusedFor          types.String `tfsdk:"unused_for"`
	ForceDestroy       types.Bool   `tfsdk:"force_destroy"`
	timedModel
}

type apiKeyIdentity struct {
	MerchantID   types.String `tfsdk:"merchant_id"`
	CredentialID types.String `tfsdk:"credential_id"`
}

const (
	defaultKeyDescription   = rotation.DefaultDescription
	defaultKeyCreateTimeout = 5 * time.Minute
	defaultKeyReadTimeout   = 2 * time.Minute
	defaultKeyDeleteTimeout = 2 * time.Minute

	// orphanKey is the key, in private state, of the details of an orphaned key.
	orphanKey = "orphan"
	// importPending marks, in private state, an imported key that was not read yet.
	importPending = "import_pending"
	// observedAt is the key, in private state, of the time of the last read. Plans compute a key's age from it.
	// They can't use the clock: Terraform plans again at apply, and both plans must agree.
	observedAt = "observed_at"
)

func (r *apiKeyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
}

func (r *apiKeyResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Generates an API key for a store, as *Generate new* on Kustom Portal's page *API* does. " +
			"After that, it rotates the key.\n\n" +
			"The portal shows the secret only once, when it generates the key. This resource keeps the secret in the " +
			"state and marks it as sensitive, so that you can give it to the shop. Protect the state accordingly.\n\n" +
			"The provider deletes a key only under three conditions: it can ask at least one shop, every shop that may " +
			"use the key has answered, and no shop uses it. Set `create_before_destroy = true` in the `lifecycle` block, " +
			"so that the shop gets the new key first.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "`<merchant_id>/<credential_id>`. This is also the import ID.",
			},
			"merchant_id": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the " +
					"playground. A change generates a new key.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{merchantIDValidator{}},
			},
			"description": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "The text that the portal shows beside the key: up to 100 letters, digits, spaces " +
					"and `-:;.,_`. Default for a new key: `terraform`. A change generates a new key.",
				Validators: []validator.String{descriptionValidator{}},
			},
			"host": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "The API host that the key belongs to. Default: the environment's host, " +
					"`api.kustom.co` or `api.playground.kustom.co`. An imported Klarna key has another host, so " +
					"Terraform replaces it with a new key. To keep an imported Klarna key for now, set its host: " +
					"`api.klarna.com`, or `api.playground.klarna.com`. You can't generate a new key for these hosts.",
				Validators: []validator.String{hostValidator{}},
			},
			"rotate_when_changed": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Any values that you choose, such as a date, a ticket number or the `id` of a " +
					"`time_rotating`. A change generates a new key. The first values that you give to an imported key do " +
					"not. Default: none.",
			},
			"rotate_after_days":    rotateAfterDaysAttribute(),
			"rotate_before_expiry": rotateBeforeExpiryAttribute(),
			"rotation_due": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Why the key is due for rotation: `rotate_after_days`, `rotate_before_expiry`, or a " +
					"Klarna key whose host the portal does not show. The next apply then generates a new key. Null if " +
					"the key is not due.",
			},
			"deletion_policy": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(deletionDelete),
				MarkdownDescription: "What happens to the key when you destroy or replace this resource. `delete` " +
					"(default) deletes it. `retain` leaves it in the portal, for example when you move the shop to a " +
					"`kustom_mystore_connection`.",
				Validators: []validator.String{stringvalidator.OneOf(deletionDelete, deletionRetain)},
			},
			"unused_for": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The time without use that counts as proof that no shop uses the key, as a duration " +
					"such as `720h`. The provider needs it only if it can't ask any shop, or if a shop does not answer. " +
					"It then deletes a key that the portal shows as unused for this time. Default: the time without use " +
					"does not count.",
				Validators: []validator.String{durationValidator{}},
			},
			"force_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the provider may delete the key although a shop still uses it or may use " +
					"it. Default `false`: the deletion waits until the shop gets another key, and fails if it does not. " +
					"With `true`, **the shop's checkout may stop**.",
			},
			"credential_id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The portal's ID of the key.",
			},
			"username": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The key's username. The portal calls it *Key ID*, and Mystore calls it *Kustom ID*.",
			},
			"secret": schema.StringAttribute{
				Computed: true, Sensitive: true,
				MarkdownDescription: "The key's secret. Mystore calls it *Kustom Secret*. Null for an imported key, " +
					"because the portal does not show the secret of an existing key. To get a secret, generate a new key " +
					"(`terraform apply -replace=…`).",
			},
			"environment": schema.StringAttribute{
				Computed: true, MarkdownDescription: "`live` for a key of the production environment, `test` for a key of the playground.",
			},
			"created_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The time when the key was generated (RFC 3339).",
			},
			"expires_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The time when the key expires (RFC 3339). Null if it does not " +
					"expire, or if the portal does not show it.",
			},
			"idempotency_key": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "The idempotency key of a request that generates a key and got no answer. The next " +
					"apply uses it to find and delete the key that the request may have generated. Null for a working " +
					"key.",
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Delete: true,
				CreateDescription: "The maximum time to generate the key. Default `5m`.",
				ReadDescription:   "The maximum time to read the key. Default `2m`.",
				DeleteDescription: "The maximum time to wait until no shop uses the key, and to delete it. After that, " +
					"the deletion fails. Default `2m`.",
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

// ModifyPlan decides what the configuration leaves open, and whether the key is replaced.
func (r *apiKeyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.engine == nil {
		return
	}
	if req.Plan.Raw.IsNull() {
		state := load[apiKeyModel](ctx, req.State, &resp.Diagnostics)
		r.warnOfDeletion(state, "", &resp.Diagnostics)
		return
	}
	config := load[apiKeyModel](ctx, req.Config, &resp.Diagnostics)
	plan := load[apiKeyModel](ctx, req.Plan, &resp.Diagnostics)
	var state *apiKeyModel
	if !req.State.Raw.IsNull() {
		present := load[apiKeyModel](ctx, req.State, &resp.Diagnostics)
		state = &present
	}
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.environment, "store", plan.MerchantID)
	checkHost(&resp.Diagnostics, r.environment, config.Host)
	if known(config.Description) && !r.engine.Keys.SupportsDescriptions() {
		report(&resp.Diagnostics, path.Root("description"), keyCannotBeGenerated(), rotation.ErrNoDescriptions)
	}
	// The key is known here: it is planned and not due.
	plan.RotationDue = types.StringNull()
	if state == nil {
		r.planCreate(ctx, config, &plan, resp)
	} else {
		r.planUpdate(config, &plan, *state, resp)
		planRotation(ctx, req.Private, plan, *state, resp)
		if len(resp.RequiresReplace) > 0 {
			r.warnOfDeletion(*state, plan.DeletionPolicy.ValueString(), &resp.Diagnostics)
		} else {
			r.warnOfPossibleOrphans(ctx, config, *state, &resp.Diagnostics)
		}
	}
	if !resp.Diagnostics.HasError() {
		store(ctx, &resp.Plan, plan, &resp.Diagnostics)
	}
}

// planCreate sets what the configuration of a new key leaves open, and rejects what the apply would reject.
func (r *apiKeyResource) planCreate(ctx context.Context, config apiKeyModel, plan *apiKeyModel, resp *resource.ModifyPlanResponse) {
	plan.Description = r.newDescription(config.Description)
	if r.environment != nil {
		plan.Environment = types.StringValue(r.environment.KeyEnvironment())
		if config.Host.IsNull() {
			plan.Host = newKeyHost(r.environment, !r.engine.Keys.SupportsDescriptions())
		}
	}
	if kustom.IsLegacyHost(plan.Host.ValueString()) {
		newKeyOnKlarnasHost(plan.Host.ValueString()).addTo(&resp.Diagnostics, path.Root("host"))
	}
	if err := r.engine.Keys.Ready(); err != nil && !isUnknown(err) {
		report(&resp.Diagnostics, path.Empty(), keyCannotBeGenerated(), err)
	} else if err == nil && known(plan.MerchantID) && !resp.Diagnostics.HasError() {
		r.checkStore(ctx, *plan, &resp.Diagnostics)
	}
}

// newDescription returns the description of a new key: none if the portal supports none.
func (r *apiKeyResource) newDescription(configured types.String) types.String {
	switch {
	case !configured.IsNull():
		return configured
	case r.engine.Keys.SupportsDescriptions():
		return types.StringValue(defaultKeyDescription)
	}
	return types.StringNull()
}

// checkStore rejects a store that the portal user can't see. It names the keys that a killed run may have left
// behind. The apply deletes those that this machine remembers.
func (r *apiKeyResource) checkStore(ctx context.Context, plan apiKeyModel, diags *diag.Diagnostics) {
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultKeyReadTimeout)
	defer cancel()
	merchantID, hint := plan.MerchantID.ValueString(), ""
	orphans, err := r.engine.OrphanCandidates(ctx, merchantID, plan.Description.ValueString(), time.Time{})
	addEngineWarnings(r.engine, diags)
	if err != nil {
		if !isUnknown(err) {
			report(diags, path.Root("merchant_id"), keyCannotBeGenerated(), err)
		}
		return
	}
	if r.engine.HasAbandonedRequests(merchantID) {
		hint = " The apply deletes those that an interrupted run on this machine has requested."
	}
	warnOfPossibleOrphans(r.engine, diags, path.Root("merchant_id"), merchantID, orphans, hint)
}

// warnOfPossibleOrphans names the keys that a killed run may have left behind, if the key itself stays.
func (r *apiKeyResource) warnOfPossibleOrphans(ctx context.Context, config, state apiKeyModel, diags *diag.Diagnostics) {
	if state.isIncomplete() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultKeyReadTimeout)
	defer cancel()
	merchantID := state.MerchantID.ValueString()
	own := rotation.KeyRef{MerchantID: merchantID, CredentialID: state.CredentialID.ValueString(), Username: state.Username.ValueString()}
	created, _ := time.Parse(time.RFC3339, state.CreatedAt.ValueString())
	// A plan without changes does not fail because possible orphans can't be listed.
	if orphans, err := r.engine.OrphanCandidates(ctx, merchantID, r.newDescription(config.Description).ValueString(), created, own); err == nil {
		warnOfPossibleOrphans(r.engine, diags, path.Root("merchant_id"), merchantID, orphans, "")
	}
}

// planUpdate keeps the attributes that no update changes, so that dependent resources see no change either.
func (r *apiKeyResource) planUpdate(config apiKeyModel, plan *apiKeyModel, state apiKeyModel, resp *resource.ModifyPlanResponse) {
	plan.ID, plan.CredentialID, plan.Username, plan.Secret = state.ID, state.CredentialID, state.Username, state.Secret
	plan.Environment, plan.CreatedAt, plan.ExpiresAt = state.Environment, state.CreatedAt, state.ExpiresAt
	plan.IdempotencyKey = state.IdempotencyKey
	if config.Description.IsNull() {
		plan.Description = state.Description
	}
	if config.Host.IsNull() {
		plan.Host = state.Host
		// Attributes that the portal does not show can't differ.
		if r.environment != nil && !state.Host.IsNull() {
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

// planRotation replaces a key whose triggers have changed or that is due. It uses only what Read found.
func planRotation(ctx context.Context, private privateState, plan, state apiKeyModel, resp *resource.ModifyPlanResponse) {
	observed, imported := readKeyHistory(ctx, private, &resp.Diagnostics)
	firstTriggers := imported && len(state.RotateWhenChanged.Elements()) == 0
	if !firstTriggers && !sameTriggers(plan.RotateWhenChanged, state.RotateWhenChanged) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotate_when_changed"))
	}
	switch {
	case plan.RotateAfterDays.IsUnknown() || plan.RotateBeforeExpiry.IsUnknown():
	case !plan.RotateAfterDays.Equal(state.RotateAfterDays) && due(plan, state, observed) != "":
		// Read used the days from the state.
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotate_after_days"))
	case !plan.RotateBeforeExpiry.Equal(state.RotateBeforeExpiry) && due(plan, state, observed) != "":
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotate_before_expiry"))
	case plan.RotateAfterDays.Equal(state.RotateAfterDays) && plan.RotateBeforeExpiry.Equal(state.RotateBeforeExpiry) && !state.RotationDue.IsNull():
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("rotation_due"))
	}
}

// due returns why the key in the state is due by the rules of m; empty if it is not.
func due(m, state apiKeyModel, now time.Time) string {
	created, _ := time.Parse(time.RFC3339, state.CreatedAt.ValueString())
	var expires *time.Time
	if at, err := time.Parse(time.RFC3339, state.ExpiresAt.ValueString()); err == nil {
		expires = &at
	}
	return cmp.Or(state.klarnaReason(), rotation.AgeReason(created, m.RotateAfterDays.ValueInt64(), now), rotation.ExpiryReason(created, expires, durationOf(m.RotateBeforeExpiry), now))
}

// klarnaReason says that the key is one of Klarna's, if only the form of its username shows that. A known host is an
// attribute of its own.
func (m apiKeyModel) klarnaReason() string {
	if !m.Host.IsNull() {
		return ""
	}
	key := kustom.Key{Username: m.Username.ValueString()}
	if key.Origin().Owner != kustom.OwnerKlarna {
		return ""
	}
	return "the form of its username shows that it is a Klarna key"
}

// sameTriggers compares triggers. Null and empty are equal, and an unknown value is different.
func sameTriggers(a, b types.Map) bool {
	return a.Equal(b) || len(a.Elements()) == 0 && len(b.Elements()) == 0 && !a.IsUnknown() && !b.IsUnknown()
}

// warnOfDeletion warns that a key will be deleted, and says if the apply is bound to refuse that. Later is the
// policy of the key's successor, empty if there is none: Terraform destroys a key by its last applied policy.
func (r *apiKeyResource) warnOfDeletion(state apiKeyModel, later string, diags *diag.Diagnostics) {
	if state.DeletionPolicy.ValueString() == deletionRetain || state.Username.IsNull() || diags.HasError() {
		return
	}
	text := fmt.Sprintf("Store %s: 1 key will be deleted: %s.", state.MerchantID.ValueString(), state.Username.ValueString())
	if later == deletionRetain {
		text = join(text, "The new deletion_policy applies only to the new key. To keep this key, apply deletion_policy "+
			"= \"retain\" before you replace it.")
	}
	if !state.ForceDestroy.ValueBool() {
		key := rotation.KeyRef{MerchantID: state.MerchantID.ValueString(), Username: state.Username.ValueString()}
		blocked, by := r.engine.Shops.Blocked([]rotation.KeyRef{key})
		text = join(text, describeBlocked(blocked, by, waysToDelete))
	}
	keysDeleted(text).addTo(diags, path.Empty())
}

func (r *apiKeyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, ctx, cancel := begin[apiKeyModel](ctx, r.clock, req.Plan, timeouts.Value.Create, defaultKeyCreateTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	for _, kept := range r.engine.DeleteAbandonedKeys(ctx, plan.MerchantID.ValueString()) {
		warn(&resp.Diagnostics, path.Root("merchant_id"), lostKeyNotDeleted(), kept.Err)
	}
	request := kustom.Request{MerchantID: plan.MerchantID.ValueString(), Description: plan.Description.ValueString()}
	key, err := r.engine.Generate(ctx, request)
	addEngineWarnings(r.engine, &resp.Diagnostics)
	if err != nil {
		r.saveOrphan(ctx, plan, err, resp)
		err = r.engine.WithUnusedKeys(ctx, request.MerchantID, err)
		report(&resp.Diagnostics, path.Root("merchant_id"), keyNotGenerated(), err)
		return
	}
	plan.read(key.Key)
	plan.IdempotencyKey = types.StringNull()
	plan.Secret = types.StringValue(key.Secret.Reveal())
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
}

// saveOrphan saves in the state an unusable key that could not be deleted. The returned error makes
// Terraform taint the object, so the next apply deletes the key (I3, I5).
func (r *apiKeyResource) saveOrphan(ctx context.Context, plan apiKeyModel, err error, resp *resource.CreateResponse) {
	var orphan *kustom.OrphanError
	if !errors.As(err, &orphan) {
		return
	}
	if orphan.CredentialID == "" && orphan.IdempotencyKey == "" && orphan.Before == "" {
		// No later run could find this key; the error names it.
		return
	}
	writePrivate(ctx, resp.Private, orphanKey, orphan.Orphan, &resp.Diagnostics)
	plan.CredentialID, plan.Username = nullWhenEmpty(orphan.CredentialID), nullWhenEmpty(orphan.Username)
	plan.IdempotencyKey = nullWhenEmpty(orphan.IdempotencyKey)
	plan.ID, plan.CreatedAt, plan.Secret, plan.ExpiresAt = types.StringNull(), types.StringNull(), types.StringNull(), types.StringNull()
	if plan.Host.IsUnknown() {
		plan.Host = types.StringNull()
	}
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	// An orphan keeps the identity that it has here until it is deleted.
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
}

func (r *apiKeyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, ctx, cancel := begin[apiKeyModel](ctx, r.clock, req.State, timeouts.Value.Read, defaultKeyReadTimeout, &resp.Diagnostics)
	defer cancel()
	imported, diags := req.Private.GetKey(ctx, importPending)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	// A state of an older version has no identity yet, even if its key is gone.
	store(ctx, resp.Identity, state.identity(), &resp.Diagnostics)
	if state.isIncomplete() {
		return
	}
	key, err := r.engine.Keys.Key(ctx, state.MerchantID.ValueString(), state.CredentialID.ValueString())
	var gone *kustom.NoKeyError
	if errors.As(err, &gone) && imported == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, path.Root("merchant_id"), keyNotRead(), err)
		return
	}
	r.engine.MarkManaged(key.Username)
	state.read(key)
	state.setDefaults()
	now := r.clock.Now()
	state.RotationDue = nullWhenEmpty(due(state, state, now))
	store(ctx, &resp.State, state, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importPending, nil)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, observedAt, strconv.AppendQuote(nil, now.Format(time.RFC3339)))...)
}

// Update has nothing to do: only the provider itself knows the attributes that change in place.
func (r *apiKeyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan := load[apiKeyModel](ctx, req.Plan, &resp.Diagnostics)
	resp.State.Raw = req.Plan.Raw
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	// An imported key does not change until it gets its first triggers.
	if !plan.RotateWhenChanged.IsNull() {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, nil)...)
	}
}

func (r *apiKeyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state, ctx, cancel := begin[apiKeyModel](ctx, r.clock, req.State, timeouts.Value.Delete, defaultKeyDeleteTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	if state.DeletionPolicy.ValueString() == deletionRetain && !state.isIncomplete() {
		keyLeft(state.Username.ValueString(), state.MerchantID.ValueString()).addTo(&resp.Diagnostics, path.Empty())
		return
	}
	orphan := state.orphan()
	if state.isIncomplete() {
		// By pages, only private state can say which key was generated.
		orphan.Before = readPrivate[kustom.Orphan](ctx, req.Private, orphanKey, &resp.Diagnostics).Before
	}
	if err := r.delete(ctx, state, orphan); err != nil {
		report(&resp.Diagnostics, path.Empty(), keyNotDeleted(), err)
	}
	addEngineWarnings(r.engine, &resp.Diagnostics)
}

// delete deletes the key as soon as no shop uses it. A key whose username is unknown was never given to
// anybody.
func (r *apiKeyResource) delete(ctx context.Context, state apiKeyModel, key kustom.Orphan) error {
	if state.ForceDestroy.ValueBool() || state.Username.IsNull() {
		return r.engine.Keys.Delete(ctx, key)
	}
	return r.engine.DeleteOnceUnused(ctx, key, durationOf(state.UnusedFor))
}

func (r *apiKeyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importID(ctx, req, &resp.Diagnostics, "merchant_id", "credential_id")
	merchantID, credentialID, err := parseKeyID(id)
	if err != nil {
		malformedImportID(err.Error()).addTo(&resp.Diagnostics, path.Empty())
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("credential_id"), credentialID)...)
	store(ctx, resp.Identity, apiKeyIdentity{types.StringValue(merchantID), types.StringValue(credentialID)}, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importPending, []byte("true"))...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, []byte("true"))...)
}

// readKeyHistory returns when a key was last read, and whether it is imported and unchanged.
func readKeyHistory(ctx context.Context, private privateState, diags *diag.Diagnostics) (observed time.Time, imported bool) {
	raw, problems := private.GetKey(ctx, observedAt)
	diags.Append(problems...)
	untouched, problems := private.GetKey(ctx, importUntouched)
	diags.Append(problems...)
	// Without a time, as after an apply without a refresh, nothing is due.
	observed, _ = time.Parse(strconv.Quote(time.RFC3339), string(raw))
	return observed, untouched != nil
}

// parseKeyID reads "<merchant_id>/<credential_id>".
func parseKeyID(id string) (merchantID, credentialID string, err error) {
	merchantID, credentialID, found := strings.Cut(id, "/")
	if !found || !isMerchantID(merchantID) || !isCredentialID(credentialID) {
		return "", "", malformedID(id, "the import ID of an API key. It has the form <merchant_id>/<credential_id>, such "+
			"as M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11, or M00123456/M00123456-aB3dE if the provider uses the "+
			"portal's pages. The data source kustom_legacy_integrations lists the import IDs as id")
	}
	return merchantID, credentialID, nil
}

// read copies what the portal shows of a key. That never includes the secret.
func (m *apiKeyModel) read(key kustom.Key) {
	m.ID = types.StringValue(keyID(key))
	m.MerchantID = types.StringValue(key.MerchantID)
	m.CredentialID = types.StringValue(key.CredentialID)
	m.Username = types.StringValue(key.Username)
	m.Description = types.StringPointerValue(key.Description)
	m.Host = nullWhenEmpty(key.Host)
	m.Environment = nullWhenEmpty(key.Environment)
	m.CreatedAt = types.StringValue(key.CreatedAt.Format(time.RFC3339))
	m.ExpiresAt = types.StringNull()
	if key.ExpiresAt != nil {
		m.ExpiresAt = types.StringValue(key.ExpiresAt.Format(time.RFC3339))
	}
}

// orphan returns the key as one to delete.
func (m apiKeyModel) orphan() kustom.Orphan {
	return kustom.Orphan{
		MerchantID: m.MerchantID.ValueString(), CredentialID: m.CredentialID.ValueString(), Username: m.Username.ValueString(),
		Description: m.Description.ValueString(), IdempotencyKey: m.IdempotencyKey.ValueString(),
	}
}

// isIncomplete reports whether the key is unusable: its creation failed, and it could not be deleted. A newly
// imported key has no policy yet.
func (m apiKeyModel) isIncomplete() bool { return m.CreatedAt.IsNull() && !m.DeletionPolicy.IsNull() }

// setDefaults sets what an import leaves open.
func (m *apiKeyModel) setDefaults() {
	setDefault(&m.DeletionPolicy, deletionDelete)
	if m.ForceDestroy.IsNull() {
		m.ForceDestroy = types.BoolValue(false)
	}
}

func (m apiKeyModel) identity() apiKeyIdentity {
	return apiKeyIdentity{MerchantID: m.MerchantID, CredentialID: m.CredentialID}
}
