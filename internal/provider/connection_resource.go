package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
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
	"github.com/storefront-iac/terraform-provider-kustom/internal/integration"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

var (
	_ resource.ResourceWithConfigure   = (*connectionResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*connectionResource)(nil)
	_ resource.ResourceWithIdentity    = (*connectionResource)(nil)
	_ resource.ResourceWithImportState = (*connectionResource)(nil)
)

// connector gives shops new keys and retires old ones.
type connector interface {
	Connect(ctx context.Context, shop, merchantID, description string) (kustom.Key, mystore.Credentials, error)
	Retire(ctx context.Context, key kustom.Orphan) error
}

// connectedShops reads shops, and lets go of them.
type connectedShops interface {
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
	Clear(ctx context.Context, shop string) error
	Leave(shop string)
}

type connectionResource struct {
	connector   connector
	shops       connectedShops
	keys        keyLister
	clock       clock.Clock
	environment *kustom.Environment
	walk        *connectionWalk
}

func newConnectionResource() resource.Resource { return &connectionResource{} }

type connectionModel struct {
	ID                types.String   `tfsdk:"id"`
	Shop              types.String   `tfsdk:"shop"`
	MerchantID        types.String   `tfsdk:"merchant_id"`
	Description       types.String   `tfsdk:"description"`
	RotateWhenChanged types.Map      `tfsdk:"rotate_when_changed"`
	RotateAfterDays   types.Int64    `tfsdk:"rotate_after_days"`
	ReplacedKeys      types.String   `tfsdk:"replaced_keys"`
	DeletionPolicy    types.String   `tfsdk:"deletion_policy"`
	CredentialID      types.String   `tfsdk:"credential_id"`
	Username          types.String   `tfsdk:"username"`
	Host              types.String   `tfsdk:"host"`
	CreatedAt         types.String   `tfsdk:"created_at"`
	Reason            types.String   `tfsdk:"reason"`
	Replaces          types.List     `tfsdk:"replaces"`
	Leaves            types.List     `tfsdk:"leaves"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

type connectionIdentity struct {
	Shop       types.String `tfsdk:"shop"`
	MerchantID types.String `tfsdk:"merchant_id"`
}

const (
	replacedDelete = "delete"
	replacedKeep   = "keep"

	// unfinishedReason is why an apply only deletes keys.
	unfinishedReason = "keys are left that an earlier run could not delete"
)

func (r *connectionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_mystore_connection"
	// A shop moves to another store in place: it must not be without a key meanwhile.
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *connectionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Mystore shop that takes payments with a Kustom API key: the whole switch from Klarna's API, and every " +
			"later rotation, as one resource per shop.\n\nIt makes a key, proves it, installs it in the shop's *Klarna Checkout V3*, " +
			"and then deletes the key that the shop used before, all in one operation. **The secret is never stored**, neither in the " +
			"state nor in a plan. The plan names the keys that will be deleted before anything is touched.\n\nIt takes over a shop in " +
			"any condition: with a key of Klarna's, with one that was made by hand, or with none.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "`<shop>/<merchant_id>`, which is also the import ID.",
			},
			"shop": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Name of the Mystore shop. The provider's `mystore_tokens` must have a token for it. Changing it " +
					"leaves the old shop to its `deletion_policy` and takes over the new one.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"merchant_id": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the playground. Changing it " +
					"gives the shop a key of the other store.",
				Validators: []validator.String{merchantIDValidator{}},
			},
			"description": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "What the portal shows beside the key: up to 100 letters, digits, spaces and `-:;.,_`. Default for a " +
					"new key: `terraform`. Changing it rotates the key.",
				Validators: []validator.String{descriptionValidator{}},
			},
			"rotate_when_changed": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Anything of your own, such as a date or a ticket number. Any change rotates the key, except the first " +
					"values given to an imported connection.",
			},
			"rotate_after_days": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Age in days at which the key is due: the first plan that finds it so old, or older, rotates it. " +
					"Default: never.",
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
			"replaced_keys": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What becomes of a key that the shop does not use any more: `delete` (default), or `keep`, which leaves " +
					"it in the portal. A key that another shop in `mystore_tokens` still uses is never deleted. Nor is a key of " +
					"another store, unless this resource has made it.",
				Validators: []validator.String{stringvalidator.OneOf(replacedDelete, replacedKeep)},
			},
			"deletion_policy": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What destroying this resource does: `retain` (default) leaves the shop and its key as they are, " +
					"`clear` empties the shop's credentials, after which **the shop takes no payments** with Klarna Checkout V3, and " +
					"then deletes the key.",
				Validators: []validator.String{stringvalidator.OneOf(deletionRetain, deletionClear)},
			},
			"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key."},
			"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
			"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to."},
			"created_at":    schema.StringAttribute{Computed: true, MarkdownDescription: "When the key was made (RFC 3339)."},
			"reason": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Why the last apply changed, or the planned one will change, the shop's key.",
			},
			"replaces": schema.ListNestedAttribute{
				Computed: true,
				MarkdownDescription: "The keys that the planned apply will delete or, afterwards, that the last change of the key was to " +
					"delete.",
				NestedObject: schema.NestedAttributeObject{Attributes: replacedKeyAttributes()},
			},
			"leaves": schema.ListNestedAttribute{
				Computed: true,
				MarkdownDescription: "The keys that the planned apply takes out of use and leaves in the portal or, afterwards, that the last " +
					"change of the key has left there.",
				NestedObject: schema.NestedAttributeObject{Attributes: replacedKeyAttributes()},
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true, Delete: true,
				CreateDescription: "How long making, proving and installing the key may take. Default `5m`.",
				ReadDescription:   "How long reading the shop and its key may take. Default `2m`.",
				UpdateDescription: "How long making, proving and installing the key may take. Default `5m`.",
				DeleteDescription: "How long clearing the shop and deleting the key may take. Default `5m`.",
			}),
		},
	}
}

func (r *connectionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"shop":        identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the Mystore shop."},
		"merchant_id": identityschema.StringAttribute{RequiredForImport: true, Description: "Merchant ID (MID) of the store."},
	}}
}

func (r *connectionResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b, err := backendOf(req.ProviderData)
	if err != nil {
		resp.Diagnostics.AddError("Unexpected provider data", err.Error())
	}
	if b == nil {
		return
	}
	r.connector, r.shops, r.keys = b.connector, b.shops, b.keys
	r.clock, r.environment, r.walk = b.clock, b.environment, &b.connections
}

// ModifyPlan says whether the shop gets a new key, why, and which keys will be deleted. For a
// connection that exists it looks only at what Read has found: a plan that is saved today and
// applied tomorrow must come to the same result.
func (r *connectionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.connector == nil {
		return
	}
	var config, plan connectionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.environment, "store", plan.MerchantID)
	plan.planID()
	if req.State.Raw.IsNull() {
		r.planCreate(ctx, config, &plan, &resp.Diagnostics)
	} else {
		var state connectionModel
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		r.planUpdate(ctx, recall(ctx, req.Private, &resp.Diagnostics), config, &plan, state, &resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	}
}

func (r *connectionResource) planCreate(ctx context.Context, config connectionModel, plan *connectionModel, diags *diag.Diagnostics) {
	r.planNewKey(config, plan)
	if plan.Shop.IsUnknown() || plan.MerchantID.IsUnknown() || diags.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultShopReadTimeout)
	defer cancel()
	found, err := r.inspectBefore(ctx, plan.Shop.ValueString(), plan.MerchantID.ValueString())
	if err == nil {
		err = found.missing
	}
	if isUnknown(err) {
		return
	}
	if err != nil {
		report(diags, connectionPath(err), "Shop can't be connected", err)
		return
	}
	plan.announce(found.newReason(), found.replaceable(), found.foreign(), nil, diags)
}

func (r *connectionResource) planUpdate(ctx context.Context, memory connectionMemory, config connectionModel, plan *connectionModel, state connectionModel, diags *diag.Diagnostics) {
	plan.CredentialID, plan.Username, plan.Host, plan.CreatedAt = state.CredentialID, state.Username, state.Host, state.CreatedAt
	plan.Reason, plan.Replaces, plan.Leaves = state.Reason, state.Replaces, state.Leaves
	if config.Description.IsNull() {
		plan.Description = state.Description
	}
	reason := cmp.Or(memory.Due, state.tooOld(plan.RotateAfterDays, memory.ObservedAt))
	if reason == "" && plan.mayChange(ctx) {
		r.planPerhaps(config, plan)
		return
	}
	reason = cmp.Or(reason, plan.changes(state, memory.Imported))
	switch {
	case reason != "":
		r.planNewKey(config, plan)
		r.checkInstalled(ctx, plan.Shop.ValueString(), diags)
		plan.announce(reason, memory.Replaceable, memory.Foreign, memory.unsettled(), diags)
	case len(memory.Unsettled) > 0:
		plan.announce(unfinishedReason, nil, nil, memory.unsettled(), diags)
	}
}

// mayChange tells whether an attribute that asks for a new key when it changes is not known yet.
func (m connectionModel) mayChange(ctx context.Context) bool {
	if m.MerchantID.IsUnknown() || m.Description.IsUnknown() || m.RotateAfterDays.IsUnknown() {
		return true
	}
	triggers, err := m.RotateWhenChanged.ToTerraformValue(ctx)
	return err == nil && !triggers.IsFullyKnown()
}

// planPerhaps plans that the shop gets a new key or not: only the apply will tell.
func (r *connectionResource) planPerhaps(config connectionModel, plan *connectionModel) {
	plan.CredentialID, plan.Username = types.StringUnknown(), types.StringUnknown()
	plan.CreatedAt, plan.Host, plan.Reason = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	plan.Replaces, plan.Leaves = types.ListUnknown(replacedKeyType()), types.ListUnknown(replacedKeyType())
	if config.Description.IsNull() {
		plan.Description = types.StringUnknown()
	}
}

// planNewKey makes unknown what a new key changes.
func (r *connectionResource) planNewKey(config connectionModel, plan *connectionModel) {
	plan.CredentialID, plan.Username = types.StringUnknown(), types.StringUnknown()
	plan.CreatedAt, plan.Host = types.StringUnknown(), types.StringUnknown()
	if r.environment != nil {
		plan.Host = types.StringValue(r.environment.Host())
	}
	if config.Description.IsNull() {
		plan.Description = types.StringValue(defaultKeyDescription)
	}
}

// checkInstalled refuses, before a key is made, to plan one for a shop that can't have it.
func (r *connectionResource) checkInstalled(ctx context.Context, shop string, diags *diag.Diagnostics) {
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultShopReadTimeout)
	defer cancel()
	if _, err := r.shops.Credentials(ctx, shop); err != nil && !isUnknown(err) {
		report(diags, path.Root("shop"), "Shop can't be connected", err)
	}
}

// changes returns which attribute asks for a new key, and nothing where none does. That an imported
// connection gets its first triggers is no change.
func (m connectionModel) changes(state connectionModel, imported bool) string {
	switch {
	case !m.MerchantID.Equal(state.MerchantID):
		return "merchant_id has changed"
	case !m.Description.Equal(state.Description):
		return "description has changed"
	case imported && state.RotateWhenChanged.IsNull():
		return ""
	case !m.RotateWhenChanged.Equal(state.RotateWhenChanged):
		return "rotate_when_changed has changed"
	}
	return ""
}

// tooOld returns that the connection's key had reached the age of days when it was observed, and
// nothing where it had not.
func (m connectionModel) tooOld(days types.Int64, observed time.Time) string {
	created, err := time.Parse(time.RFC3339, m.CreatedAt.ValueString())
	if err != nil {
		return ""
	}
	return tooOld(kustom.Key{CreatedAt: created}, days, observed)
}

// announce plans what becomes of the keys that go out of use. Keys of other stores always stay, and
// unsettled ones always go.
func (m *connectionModel) announce(reason string, replaced, foreign, unsettled []replacedKey, diags *diag.Diagnostics) {
	m.Reason = types.StringValue(reason)
	replaced = slices.DeleteFunc(slices.Clone(replaced), func(key replacedKey) bool {
		return slices.ContainsFunc(unsettled, func(other replacedKey) bool { return other.CredentialID == key.CredentialID })
	})
	deleted, left := slices.Concat(replaced, unsettled), foreign
	if m.ReplacedKeys.ValueString() == replacedKeep {
		deleted, left = unsettled, slices.Concat(replaced, foreign)
	}
	m.Replaces, m.Leaves = replacedKeys(deleted, diags), replacedKeys(left, diags)
}

func (m *connectionModel) planID() {
	if m.Shop.IsUnknown() || m.MerchantID.IsUnknown() {
		return
	}
	m.ID = types.StringValue(m.Shop.ValueString() + "/" + m.MerchantID.ValueString())
}

func (r *connectionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultShopWriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	memory, err := r.connect(ctx, &plan)
	if err != nil {
		r.reportConnect(ctx, &resp.Diagnostics, plan, "Shop not connected", err)
		for _, orphan := range memory.Unsettled {
			// The error makes Terraform treat it as tainted: the next apply settles it (I3, I5).
			plan.remember(orphan)
			resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
			resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
		}
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	r.retire(ctx, plan, nil, &memory, &resp.Diagnostics)
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) reportConnect(ctx context.Context, diags *diag.Diagnostics, plan connectionModel, summary string, err error) {
	report(diags, connectionPath(err), summary, withUnusedKeys(ctx, r.keys, plan.MerchantID.ValueString(), err))
}

// connectionPath returns the attribute that err is about: the portal knows stores, Mystore shops.
func connectionPath(err error) path.Path {
	var failure *transport.Error
	if errors.As(err, &failure) && failure.API == "portal" {
		return path.Root("merchant_id")
	}
	return path.Root("shop")
}

// connect gives the shop a new key. After an error, what it returns names the keys to look after.
func (r *connectionResource) connect(ctx context.Context, plan *connectionModel) (connectionMemory, error) {
	key, holds, err := r.connector.Connect(ctx, plan.Shop.ValueString(), plan.MerchantID.ValueString(), plan.Description.ValueString())
	if err != nil {
		return connectionMemory{Unsettled: unsettledKeys(err)}, err
	}
	plan.take(key)
	found := inspection{holds: holds}
	return connectionMemory{UpdatedAt: holds.UpdatedAt, Replaceable: []replacedKey{found.replacedKey(key)}}, nil
}

// unsettledKeys returns the keys that err says to look after.
func unsettledKeys(err error) []kustom.Orphan {
	var unsettled *integration.UnsettledError
	if errors.As(err, &unsettled) {
		return []kustom.Orphan{unsettled.Key}
	}
	var orphan *kustom.OrphanError
	if errors.As(err, &orphan) {
		return []kustom.Orphan{orphan.Orphan}
	}
	return nil
}

// retire deletes the keys that the plan has announced, and the unsettled ones, which are among them.
// The shop works with its new key by now, so what can't be deleted is no error: it is remembered,
// and the next plan has it.
func (r *connectionResource) retire(ctx context.Context, plan connectionModel, unsettled []kustom.Orphan, memory *connectionMemory, diags *diag.Diagnostics) {
	for _, key := range retirees(readReplacedKeys(ctx, plan.Replaces, diags), unsettled) {
		err := r.connector.Retire(ctx, key)
		var held *integration.HeldError
		switch {
		case err == nil:
		case errors.As(err, &held):
			diags.AddWarning("Replaced key still in use",
				fmt.Sprintf("The key %s is not used by shop %s any more, but by %s, so it was not deleted. It goes when that shop gets "+
					"another key from this provider.", key.Username, plan.Shop.ValueString(), strings.Join(held.Shops, ", ")))
		default:
			memory.Unsettled = append(memory.Unsettled, key)
			diags.AddWarning("Replaced key not deleted yet",
				fmt.Sprintf("Shop %s works with its new key, but the old one, %s, could not be deleted. The next apply tries again.\n\n%s\n\n%s",
					plan.Shop.ValueString(), key.Username, advise(err).text, original(err)))
		}
	}
}

// retirees returns the announced keys, the unsettled of them with all that is known of them.
func retirees(announced []replacedKey, unsettled []kustom.Orphan) []kustom.Orphan {
	keys := slices.Clone(unsettled)
	for _, key := range announced {
		known := slices.ContainsFunc(unsettled, func(o kustom.Orphan) bool { return o.CredentialID == key.CredentialID })
		if !known {
			keys = append(keys, key.orphan())
		}
	}
	return keys
}

func (r *connectionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultShopReadTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recall(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	// A state of an older version has no identity yet, be it complete or not.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	if state.isIncomplete() {
		memory.Due, memory.Unsettled = "an earlier run did not finish", state.leftovers(ctx, &resp.Diagnostics)
		memory.keep(ctx, resp.Private, &resp.Diagnostics)
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	found, err := r.inspect(ctx, state.Shop.ValueString(), state.MerchantID.ValueString(), state.CredentialID.ValueString())
	if err != nil {
		report(&resp.Diagnostics, connectionPath(err), "Connection not read", err)
		return
	}
	importing := memory.Imported && state.ID.IsNull()
	if importing {
		if found.missing != nil {
			report(&resp.Diagnostics, path.Root("shop"), "Connection not read", found.missing)
			return
		}
		found.own = found.held
		memory.UpdatedAt = found.holds.UpdatedAt
	}
	memory.Due = found.dueReason(memory.UpdatedAt, state.Username.ValueString())
	memory.ObservedAt = r.clock.Now()
	memory.Replaceable, memory.Foreign = found.replaceable(), found.foreign()
	if found.own != nil {
		state.take(*found.own)
	}
	if memory.Due != "" || len(memory.Unsettled) > 0 || importing {
		// What is planned next must differ from what was planned last.
		state.Reason = types.StringNull()
		state.Replaces, state.Leaves = replacedKeys(nil, &resp.Diagnostics), replacedKeys(nil, &resp.Diagnostics)
	}
	state.planID()
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultShopWriteTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recall(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	rotates := plan.CredentialID.IsUnknown()
	if rotates {
		connected, err := r.connect(ctx, &plan)
		if err != nil {
			r.reportConnect(ctx, &resp.Diagnostics, plan, "Shop keeps the key that it has", err)
			memory.Unsettled = append(memory.Unsettled, connected.Unsettled...)
			memory.keep(ctx, resp.Private, &resp.Diagnostics)
			return
		}
		connected.Unsettled = memory.Unsettled
		memory = connected
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	unsettled := memory.Unsettled
	memory.Unsettled = nil
	// An imported connection stays untouched until it gets its first triggers.
	memory.Imported = memory.Imported && plan.RotateWhenChanged.IsNull()
	if rotates || len(unsettled) > 0 {
		r.retire(ctx, plan, unsettled, &memory, &resp.Diagnostics)
	}
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultShopWriteTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recall(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	clears := state.DeletionPolicy.ValueString() == deletionClear
	if clears && !state.Username.IsNull() {
		r.clear(ctx, state, &resp.Diagnostics)
	}
	leftovers := memory.Unsettled
	if state.isIncomplete() {
		leftovers = state.leftovers(ctx, &resp.Diagnostics)
	}
	for _, key := range leftovers {
		// A key that did get into the shop is the shop's now.
		var held *integration.HeldError
		if err := r.connector.Retire(ctx, key); err != nil && !errors.As(err, &held) {
			report(&resp.Diagnostics, path.Empty(), "Connection not removed", err)
		}
	}
	if clears || state.isIncomplete() || resp.Diagnostics.HasError() {
		return
	}
	r.shops.Leave(state.Shop.ValueString())
	resp.Diagnostics.AddWarning("Shop and key left as they are",
		fmt.Sprintf("Shop %s goes on taking payments with the key %s: its deletion_policy is retain.",
			state.Shop.ValueString(), state.Username.ValueString()))
}

// clear empties a shop that still has the connection's key, and then deletes that key, in this
// order: the shop never holds a key that does not exist. A shop that has another key is somebody
// else's by now, perhaps the object's that takes this one's place.
func (r *connectionResource) clear(ctx context.Context, state connectionModel, diags *diag.Diagnostics) {
	shop := state.Shop.ValueString()
	found, err := r.inspect(ctx, shop, state.MerchantID.ValueString(), state.CredentialID.ValueString())
	if err != nil {
		report(diags, path.Empty(), "Shop not cleared", err)
		return
	}
	if found.missing == nil && found.holds.KustomID == state.Username.ValueString() {
		r.walk.remember(shop, found)
		if err := r.shops.Clear(ctx, shop); err != nil {
			report(diags, path.Empty(), "Shop not cleared", err)
			return
		}
	}
	if err := r.connector.Retire(ctx, state.orphan()); err != nil {
		report(diags, path.Empty(), "API key not deleted", err)
	}
}

func (r *connectionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importID(ctx, req, &resp.Diagnostics, "shop", "merchant_id")
	shop, merchantID, found := strings.Cut(id, "/")
	if !found || !isShopName(shop) || !merchantIDPattern.MatchString(merchantID) {
		refuseImportID(&resp.Diagnostics, id,
			"the import ID of a connection. It has the form <shop>/<merchant_id>, such as my-shop/M00123456.")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("shop"), shop)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, connectionIdentity{types.StringValue(shop), types.StringValue(merchantID)})...)
	connectionMemory{Imported: true}.keep(ctx, resp.Private, &resp.Diagnostics)
}

// take takes over what the portal tells of the connection's key.
func (m *connectionModel) take(key kustom.Key) {
	m.CredentialID = types.StringValue(key.CredentialID)
	m.Username = types.StringValue(key.Username)
	m.Host = types.StringValue(key.Host)
	m.CreatedAt = types.StringValue(key.CreatedAt.Format(time.RFC3339))
	m.Description = types.StringPointerValue(key.Description)
}

// remember takes over a key of which it is not certain whether it is in the shop.
func (m *connectionModel) remember(orphan kustom.Orphan) {
	m.CredentialID, m.Username = unsettledID(orphan), nullWhenEmpty(orphan.Username)
	m.CreatedAt = types.StringNull()
}

// isIncomplete tells whether the shop may or may not have the connection's key.
func (m connectionModel) isIncomplete() bool { return m.CreatedAt.IsNull() && !m.CredentialID.IsNull() }

// leftovers are the keys of an incomplete connection: the one that may or may not be in the shop, and
// those that it was to replace.
func (m connectionModel) leftovers(ctx context.Context, diags *diag.Diagnostics) []kustom.Orphan {
	return retirees(readReplacedKeys(ctx, m.Replaces, diags), []kustom.Orphan{m.orphan()})
}

func (m connectionModel) identity() connectionIdentity {
	return connectionIdentity{Shop: m.Shop, MerchantID: m.MerchantID}
}

func (m connectionModel) orphan() kustom.Orphan {
	return readOrphan(m.MerchantID, m.CredentialID, m.Username, m.Description)
}
