package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
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
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

var (
	_ resource.ResourceWithConfigure       = (*connectionResource)(nil)
	_ resource.ResourceWithValidateConfig  = (*connectionResource)(nil)
	_ resource.ResourceWithModifyPlan      = (*connectionResource)(nil)
	_ resource.ResourceWithIdentity        = (*connectionResource)(nil)
	_ resource.ResourceWithImportState     = (*connectionResource)(nil)
	_ resource.ResourceWithMoveState       = (*connectionResource)(nil)
	_ resource.ResourceWithUpgradeIdentity = (*connectionResource)(nil)
)

type connectionResource struct{ configuredResource }

func newConnectionResource() resource.Resource { return &connectionResource{} }

type connectionModel struct {
	ID   types.String `tfsdk:"id"`
	Shop types.String `tfsdk:"shop"`
	connectedShop
	connectionRules
	timedModel
}

type connectionIdentity struct {
	Shop       types.String `tfsdk:"shop"`
	MerchantID types.String `tfsdk:"merchant_id"`
}

func (r *connectionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_mystore_connection"
	// A shop moves to another store in place, because it always needs a key.
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *connectionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := connectionRulesAttributes()
	maps.Copy(attributes, connectedShopAttributes())
	maps.Copy(attributes, map[string]schema.Attribute{
		"id": schema.StringAttribute{
			Computed: true, MarkdownDescription: "`<shop>/<merchant_id>`. This is also the import ID.",
		},
		"shop": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Name of the Mystore shop. The provider needs a token for it in `mystore_tokens`, or a " +
				"`browser`. After a change, the resource manages the new shop, and `deletion_policy` decides what " +
				"happens to the old one.",
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			Validators:    []validator.String{stringvalidator.LengthAtLeast(1)},
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "Switches a Mystore shop from Klarna's API to Kustom's, and rotates its key after that. Use " +
			"one resource per shop.\n\n" +
			"The resource generates a key, proves it, installs it in the shop's *Klarna Checkout V3*, and then deletes " +
			"the key that the shop used before. All of this is one operation. **No state and no plan contains the " +
			"secret.** The plan names the keys that the apply deletes.\n\n" +
			"The shop may have a Klarna key, a key that someone installed by hand, or no key.",
		Attributes: attributes,
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true, Delete: true,
				CreateDescription: "The maximum time to generate, prove and install the key. Default `5m`.",
				ReadDescription:   "The maximum time to read the shop and its key. Default `2m`.",
				UpdateDescription: "The maximum time to generate, prove and install the key. Default `5m`.",
				DeleteDescription: "The maximum time to clear the shop and delete the key. Default `5m`.",
			}),
		},
	}
}

func (r *connectionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Version: connectionIdentityVersion, Attributes: map[string]identityschema.Attribute{
		"shop":        identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the Mystore shop."},
		"merchant_id": identityschema.StringAttribute{RequiredForImport: true, Description: "Merchant ID (MID) of the store."},
	}}
}

// connectionIdentityVersion differs from that of a mystore_klarna_checkout_credentials. When one is moved into
// a connection, OpenTofu keeps its identity and reads it as a connection's, unless the identity's version is
// older.
const connectionIdentityVersion = 1

// UpgradeIdentity leaves open the attributes that the identity of a moved mystore_klarna_checkout_credentials
// lacks. The next read sets them.
func (r *connectionResource) UpgradeIdentity(context.Context) map[int64]resource.IdentityUpgrader {
	prior := identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"shop": identityschema.StringAttribute{RequiredForImport: true},
	}}
	return map[int64]resource.IdentityUpgrader{0: {
		PriorSchema: &prior,
		IdentityUpgrader: func(ctx context.Context, req resource.UpgradeIdentityRequest, resp *resource.UpgradeIdentityResponse) {
			var moved checkoutCredentialsIdentity
			resp.Diagnostics.Append(req.Identity.Get(ctx, &moved)...)
			store(ctx, resp.Identity, connectionIdentity{Shop: moved.Shop}, &resp.Diagnostics)
		},
	}}
}

// ValidateConfig rejects a shop that another object of the configuration has too. Terraform calls it once for
// each object before the object's plan.
func (r *connectionResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var shop types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("shop"), &shop)...)
	claim(r.engine, path.Root("shop"), shop, "kustom_mystore_connection", &resp.Diagnostics)
}

// ModifyPlan says whether the shop gets a new key, why, and which keys will be deleted.
func (r *connectionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.engine == nil {
		return
	}
	if req.Plan.Raw.IsNull() {
		state := load[connectionModel](ctx, req.State, &resp.Diagnostics)
		state.warnOfClearing(&resp.Diagnostics)
		return
	}
	config := load[connectionModel](ctx, req.Config, &resp.Diagnostics)
	plan := load[connectionModel](ctx, req.Plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.environment, "store", plan.MerchantID)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.planID()
	if req.State.Raw.IsNull() {
		r.planCreate(ctx, config, &plan, &resp.Diagnostics)
	} else {
		state := load[connectionModel](ctx, req.State, &resp.Diagnostics)
		if !plan.Shop.Equal(state.Shop) {
			state.warnOfClearing(&resp.Diagnostics)
		}
		r.planUpdate(ctx, config, &plan, state, readMemory(ctx, req.Private, &resp.Diagnostics), &resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		store(ctx, &resp.Plan, plan, &resp.Diagnostics)
	}
}

// planCreate plans the connection of a shop without one. It leaves everything about an unreadable shop to the
// apply, because that must not block the others.
func (r *connectionResource) planCreate(ctx context.Context, config connectionModel, plan *connectionModel, diags *diag.Diagnostics) {
	c := shopConfig(ctx, r.lacksDescriptions(), plan.Shop.ValueString(), plan.connectionRules, config.connectedShop, plan.connectedShop)
	if plan.AllowStoreChange.ValueBool() {
		r.engine.Shops.NoteStoreChange(plan.Shop.ValueString())
	}
	seen, err := r.observeNew(ctx, plan)
	if err != nil && !isShopError(err) {
		report(diags, connectionPath(err), shopNotConnectable(), err)
		return
	}
	if err != nil {
		warn(diags, path.Root("shop"), ofShop(shopNotConnectable(), plan.Shop.ValueString(), err), err)
	}
	r.decide(ctx, c, nil, seen, config, plan, nil, diags)
}

// observeNew reads a shop at plan, and again at apply. It returns nil if the shop is not known yet.
func (r *connectionResource) observeNew(ctx context.Context, plan *connectionModel) (*rotation.Observation, error) {
	if !known(plan.Shop) || !known(plan.MerchantID) {
		return nil, nil
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultShopReadTimeout)
	defer cancel()
	r.engine.PrefetchOthers(ctx, plan.Shop.ValueString())
	seen, err := r.engine.ObserveNew(ctx, plan.Shop.ValueString(), plan.MerchantID.ValueString())
	if err != nil {
		return nil, ignoreUnknown(err)
	}
	return &seen, nil
}

// planUpdate plans a connected shop. It uses only what Read found, so a saved plan and its apply agree.
func (r *connectionResource) planUpdate(ctx context.Context, config connectionModel, plan *connectionModel, state connectionModel, memory rotation.Memory, diags *diag.Diagnostics) {
	shop := state.Shop.ValueString()
	record := state.record(memory, diags)
	r.engine.Shops.NoteConfigured(shop, record.MerchantID, memory.HeldUsername)
	c := shopConfig(ctx, r.lacksDescriptions(), shop, plan.connectionRules, config.connectedShop, plan.connectedShop)
	r.decide(ctx, c, &record, nil, config, plan, &state.connectedShop, diags)
	if !diags.HasError() && plan.CredentialID.IsUnknown() && known(plan.Reason) {
		r.checkInstalled(ctx, shop, diags)
	}
}

// checkInstalled warns, before a key is generated, about a shop that can't have one. The apply will reject it. A
// customer who has left must not block the plan of the other shops.
func (r *connectionResource) checkInstalled(ctx context.Context, shop string, diags *diag.Diagnostics) {
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultShopReadTimeout)
	defer cancel()
	var missing *mystore.NotInstalledError
	switch _, err := r.engine.Shops.Credentials(ctx, shop); {
	case ignoreUnknown(err) == nil || mystore.IsNotShown(err):
	case isShopError(err) || errors.As(err, &missing):
		warn(diags, path.Root("shop"), ofShop(shopNotConnectable(), shop, err), err)
	default:
		report(diags, connectionPath(err), shopNotConnectable(), err)
	}
}

// decide sets the engine's decision, and warns about keys to delete.
func (r *connectionResource) decide(ctx context.Context, c rotation.Config, record *rotation.Record, seen *rotation.Observation, config connectionModel, plan *connectionModel, state *connectedShop, diags *diag.Diagnostics) {
	decided, err := rotation.Decide(c, record, seen)
	if err != nil {
		report(diags, connectionPath(err), shopNotConnectable(), r.engine.WithMissingStore(ctx, err))
		return
	}
	plan.setPlan(decided, config.connectedShop, state, newKeyHost(r.environment, r.lacksDescriptions()))
	if decided.Generate || decided.Changes || decided.Undecided {
		r.engine.JournalPlanned(ctx, c.Shop, c.MerchantID)
	}
	if decided.Gone != "" {
		shopsTakeNoPayments(gone(c.Shop, decided)).addTo(diags, path.Root("shop"))
	}
	if decided.Changes {
		r.warnOfDeletions(c.Shop, decided, diags)
	}
	if orphans, err := r.engine.OrphanCandidatesFor(ctx, c, decided, record); err == nil {
		warnOfPossibleOrphans(r.engine, diags, path.Root("merchant_id"), c.MerchantID, orphans, "")
	}
	addEngineWarnings(r.engine, diags)
}

// warnOfDeletions says which keys are deleted and which stay: Terraform's summary counts only objects.
func (r *connectionResource) warnOfDeletions(shop string, decided rotation.Plan, diags *diag.Diagnostics) {
	text := describeDeletions(decided)
	if text == "" {
		return
	}
	blocked, by := r.engine.Blocked(decided)
	text = join(fmt.Sprintf("Shop %s: %s.", shop, text), describeBlocked(blocked, by, waysToAsk))
	keysPlanned(decided, text).addTo(diags, path.Root("keys_to_delete"))
}

func (r *connectionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, ctx, cancel := begin[connectionModel](ctx, r.clock, req.Plan, timeouts.Value.Create, defaultShopWriteTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	record := rotation.Record{MerchantID: plan.MerchantID.ValueString(), Triggers: stringMap(plan.RotateWhenChanged)}
	ctx, end := r.engine.StartShop(ctx, plan.Shop.ValueString(), record.MerchantID)
	err := r.execute(ctx, &plan, nil, &record, &resp.Diagnostics)
	end(err)
	if err != nil {
		failed := ofShop(shopNotConnected(), plan.Shop.ValueString(), err)
		reportWithHint(&resp.Diagnostics, connectionPath(err), failed, err, afterFailure(plan.Shop.ValueString(), err))
		if len(record.Memory.Undeleted) == 0 {
			return
		}
		// The error makes Terraform taint the object, and the next apply repairs it (I3, I5).
		plan.saveUnsettled(record.Memory.Undeleted)
	}
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	writeMemory(ctx, record.Memory, resp.Private, &resp.Diagnostics)
}

// execute carries out the plan, and warns about keys that had to stay.
func (r *connectionResource) execute(ctx context.Context, model *connectionModel, state *connectedShop, record *rotation.Record, diags *diag.Diagnostics) error {
	leave := r.engine.StartOperation()
	defer func() {
		// This object now says which store its shop belongs to. That may decide about keys of others.
		r.engine.RetryPending(ctx)
		reportKeptKeys(diags, leave(), false)
	}()
	shop := model.Shop.ValueString()
	plan := model.planned(shop, state, diags)
	if plan.Undecided {
		// The shop was unreadable at plan.
		seen, err := r.observeNew(ctx, model)
		if err != nil {
			return err
		}
		c := shopConfig(ctx, r.lacksDescriptions(), shop, model.connectionRules, model.connectedShop, model.connectedShop)
		if plan, err = rotation.Decide(c, nil, seen); err != nil {
			return r.engine.WithMissingStore(ctx, err)
		}
	}
	kept, err := r.engine.Execute(ctx, plan, model.rules(), record)
	for _, key := range kept {
		if !key.IsPending() {
			reportKeptKeys(diags, []rotation.PendingKey{{Shop: shop, KeptKey: key}}, state != nil)
		}
	}
	addEngineWarnings(r.engine, diags, shop)
	if err != nil {
		return r.engine.WithMissingStore(ctx, r.engine.WithUnusedKeys(ctx, plan.MerchantID, err))
	}
	model.setRecord(*record)
	model.finish(plan, kept)
	return nil
}

// connectionPath returns the attribute for err: the portal's errors are about the store, Mystore's about the
// shop.
func connectionPath(err error) path.Path {
	var failure *transport.Error
	if errors.Is(err, rotation.ErrNoDescriptions) {
		return path.Root("description")
	}
	if isPortalPagesError(err) || errors.As(err, &failure) && failure.API == "portal" {
		return path.Root("merchant_id")
	}
	return path.Root("shop")
}

func (r *connectionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, ctx, cancel := begin[connectionModel](ctx, r.clock, req.State, timeouts.Value.Read, defaultShopReadTimeout, &resp.Diagnostics)
	defer cancel()
	memory := readMemory(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	// A state of an older version has no identity yet, even if it is incomplete.
	store(ctx, resp.Identity, state.identity(), &resp.Diagnostics)
	record := state.record(memory, &resp.Diagnostics)
	if state.isIncomplete(memory) {
		memory.DueReason, memory.Undeleted = rotation.UnfinishedReason, memory.Leftovers(state.leftovers(r.clock.Now(), &resp.Diagnostics))
		writeMemory(ctx, memory, resp.Private, &resp.Diagnostics)
		return
	}
	shop := state.Shop.ValueString()
	r.engine.PrefetchOthers(ctx, shop)
	err := r.engine.Read(ctx, shop, &record)
	addEngineWarnings(r.engine, &resp.Diagnostics)
	switch {
	case err != nil && isShopError(err) && !memory.IsImporting():
		// An error of one shop must not block the plan of the others.
		warn(&resp.Diagnostics, connectionPath(err), ofShop(shopNotRead(), shop, err), err)
		return
	case err != nil:
		report(&resp.Diagnostics, connectionPath(err), connectionNotRead(), err)
		return
	}
	state.setRecord(record)
	state.KeysLeft = stillLeft(state.KeysLeft, record.Memory)
	state.setDefaults()
	state.planID()
	store(ctx, &resp.State, state, &resp.Diagnostics)
	writeMemory(ctx, record.Memory, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, ctx, cancel := begin[connectionModel](ctx, r.clock, req.Plan, timeouts.Value.Update, defaultShopWriteTimeout, &resp.Diagnostics)
	defer cancel()
	state := load[connectionModel](ctx, req.State, &resp.Diagnostics)
	memory := readMemory(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	record := state.record(memory, &resp.Diagnostics)
	record.Triggers = stringMap(plan.RotateWhenChanged)
	ctx, end := r.engine.StartShop(ctx, plan.Shop.ValueString(), plan.MerchantID.ValueString())
	err := r.execute(ctx, &plan, &state.connectedShop, &record, &resp.Diagnostics)
	end(err)
	if err != nil {
		reportShop(&resp.Diagnostics, connectionPath(err), plan.Shop.ValueString(), err)
		writeMemory(ctx, record.Memory, resp.Private, &resp.Diagnostics)
		return
	}
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	writeMemory(ctx, record.Memory, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state, ctx, cancel := begin[connectionModel](ctx, r.clock, req.State, timeouts.Value.Delete, defaultShopWriteTimeout, &resp.Diagnostics)
	defer cancel()
	memory := readMemory(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	shop, record := state.Shop.ValueString(), state.record(memory, &resp.Diagnostics)
	ctx, end := r.engine.StartShop(ctx, shop, record.MerchantID)
	defer func() {
		end(firstError(resp.Diagnostics))
		addEngineWarnings(r.engine, &resp.Diagnostics, shop)
	}()
	r.engine.Shops.NoteConfigured(shop, record.MerchantID, cmp.Or(memory.HeldUsername, record.Username))
	if state.clears() && record.Username != "" {
		r.release(ctx, shop, record, &resp.Diagnostics)
	}
	leftovers, incomplete := memory.Undeleted, state.isIncomplete(memory)
	if incomplete {
		// If Terraform replaces a tainted object, the old object's deletion does not get its private state.
		// Then only the state has the keys.
		leftovers = memory.Leftovers(state.leftovers(r.clock.Now(), &resp.Diagnostics))
		if record.CredentialID == "" && !rotation.AnyUnidentified(leftovers) {
			orphans, err := r.engine.OrphansByReplay(ctx, shop, record)
			if err != nil {
				report(&resp.Diagnostics, path.Empty(), connectionNotRemoved(), err)
			}
			leftovers = append(leftovers, orphans...)
		}
	}
	if err := r.engine.DeleteLeftovers(ctx, leftovers); err != nil {
		report(&resp.Diagnostics, path.Empty(), connectionNotRemoved(), err)
	}
	if incomplete || resp.Diagnostics.HasError() {
		return
	}
	if state.clears() {
		if others := r.engine.OtherKeys(record); len(others) > 0 {
			keysStay(fmt.Sprintf("This resource leaves these other keys of store %s: %s.", record.MerchantID, enumerate(others))).addTo(&resp.Diagnostics, path.Empty())
		}
		return
	}
	shopLeft(describeLeft(shop, record, r.engine.StopManaging(shop, record))).addTo(&resp.Diagnostics, path.Empty())
}

// release deletes the shop's credentials and then its key.
func (r *connectionResource) release(ctx context.Context, shop string, record rotation.Record, diags *diag.Diagnostics) {
	cleared, err := r.engine.ClearShop(ctx, shop, record)
	if err != nil {
		report(diags, path.Empty(), shopNotCleared(), err)
		return
	}
	if !cleared {
		shopLeftAlone(shop, record.Username, r.engine.Shops.LastSeen(shop)).addTo(diags, path.Empty())
	}
	err = r.engine.DeleteIfUnused(ctx, record.Key().Orphan(), 0)
	if err != nil && (cleared || len(inUseBy(err)) == 0) {
		report(diags, path.Empty(), keyNotDeleted(), err)
	}
}

func (r *connectionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	shop, merchantID, err := parseConnectionID(importID(ctx, req, &resp.Diagnostics, "shop", "merchant_id"))
	if err != nil {
		malformedImportID(err.Error()).addTo(&resp.Diagnostics, path.Empty())
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("shop"), shop)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	store(ctx, resp.Identity, connectionIdentity{types.StringValue(shop), types.StringValue(merchantID)}, &resp.Diagnostics)
	writeMemory(ctx, rotation.Memory{Imported: true}, resp.Private, &resp.Diagnostics)
}

// MoveState takes over the shop of a mystore_klarna_checkout_credentials, as an import does. Its key becomes
// the connection's.
func (r *connectionResource) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{StateMover: moveCredentials}}
}

// moveCredentials is the mover for the state of a mystore_klarna_checkout_credentials.
func moveCredentials(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
	if req.SourceTypeName != "mystore_klarna_checkout_credentials" || !strings.HasSuffix(req.SourceProviderAddress, "storefront-iac/kustom") {
		return
	}
	var source struct {
		Shop     string `json:"shop"`
		KustomID string `json:"kustom_id"`
	}
	if err := json.Unmarshal(req.SourceRawState.JSON, &source); err != nil {
		unreadableMovedState(err.Error()).addTo(&resp.Diagnostics, path.Empty())
		return
	}
	merchantID, ok := kustom.StoreOf(source.KustomID)
	if !ok {
		shopNotMovable(source.Shop).addTo(&resp.Diagnostics, path.Empty())
		return
	}
	resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root("shop"), source.Shop)...)
	resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	writeMemory(ctx, rotation.Memory{Imported: true}, resp.TargetPrivate, &resp.Diagnostics)
	if resp.TargetIdentity != nil {
		identity := connectionIdentity{types.StringValue(source.Shop), types.StringValue(merchantID)}
		store(ctx, resp.TargetIdentity, identity, &resp.Diagnostics)
	}
}

// warnOfClearing warns that the shop's credentials will be deleted: Terraform's summary counts only objects.
func (m connectionModel) warnOfClearing(diags *diag.Diagnostics) {
	if !diags.HasError() && m.clears() && !m.Username.IsNull() {
		becomes := fmt.Sprintf("cleared, and its key %s will be deleted", m.Username.ValueString())
		shopWillTakeNoPayments(m.Shop.ValueString(), becomes).addTo(diags, path.Empty())
	}
}

// planID sets the ID if both of its parts are known.
func (m *connectionModel) planID() {
	if m.Shop.IsUnknown() || m.MerchantID.IsUnknown() {
		return
	}
	m.ID = types.StringValue(m.Shop.ValueString() + "/" + m.MerchantID.ValueString())
}

// saveUnsettled saves the keys that may or may not be in the shop. A state without the key's creation time is
// incomplete.
func (m *connectionModel) saveUnsettled(unsettled []kustom.Orphan) {
	last := unsettled[len(unsettled)-1]
	m.CredentialID, m.Username = nullWhenEmpty(last.CredentialID), nullWhenEmpty(last.Username)
	m.CreatedAt, m.ExpiresAt = types.StringNull(), types.StringNull()
	if m.Host.IsUnknown() {
		m.Host = types.StringNull()
	}
	if m.Reason.IsUnknown() {
		m.Reason = types.StringNull()
	}
	refs := make([]rotation.KeyRef, 0, len(unsettled))
	for _, o := range unsettled[:len(unsettled)-1] {
		if o.CredentialID != "" {
			refs = append(refs, rotation.KeyRef{MerchantID: o.MerchantID, CredentialID: o.CredentialID, Username: o.Username})
		}
	}
	m.KeysToDelete = keySet(append(keyRefs(m.KeysToDelete, &diag.Diagnostics{}), refs...))
	if m.KeysKept.IsUnknown() {
		m.KeysKept = keySet(nil)
	}
	m.finish(rotation.Plan{}, nil)
}

// isIncomplete reports whether the shop may or may not have the connection's key: an earlier run generated or
// requested it and did not finish. An imported shop may have no key that the state could name.
func (m connectionModel) isIncomplete(memory rotation.Memory) bool {
	return m.CreatedAt.IsNull() && !m.KeysToDelete.IsNull() && !memory.Imported
}

// leftovers are the keys of an incomplete connection: the one that may be in the shop, and those that it was to
// replace. It is not known when the run ended that may have installed the key, so the time counts as now.
func (m connectionModel) leftovers(now time.Time, diags *diag.Diagnostics) []kustom.Orphan {
	var keys []kustom.Orphan
	if !m.CredentialID.IsNull() {
		keys = append(keys, kustom.Orphan{
			MerchantID: m.MerchantID.ValueString(), CredentialID: m.CredentialID.ValueString(), Username: m.Username.ValueString(),
			Attempted: now,
		})
	}
	for _, key := range keyRefs(m.KeysToDelete, diags) {
		if key.WaitsFor == "" {
			keys = append(keys, key.Orphan())
		}
	}
	return keys
}

func (m connectionModel) identity() connectionIdentity {
	return connectionIdentity{Shop: m.Shop, MerchantID: m.MerchantID}
}
