package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

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
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

var (
	_ resource.ResourceWithConfigure   = (*connectionResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*connectionResource)(nil)
	_ resource.ResourceWithIdentity    = (*connectionResource)(nil)
	_ resource.ResourceWithImportState = (*connectionResource)(nil)
)

type connectionResource struct{ connections connections }

func newConnectionResource() resource.Resource { return &connectionResource{} }

type connectionModel struct {
	ID   types.String `tfsdk:"id"`
	Shop types.String `tfsdk:"shop"`
	connectedShop
	connectionRules
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

type connectionIdentity struct {
	Shop       types.String `tfsdk:"shop"`
	MerchantID types.String `tfsdk:"merchant_id"`
}

func (r *connectionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_mystore_connection"
	// A shop moves to another store in place: it must not be without a key meanwhile.
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *connectionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := connectionRulesAttributes()
	maps.Copy(attributes, connectedShopAttributes())
	maps.Copy(attributes, map[string]schema.Attribute{
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
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "Switches a Mystore shop from Klarna's API to Kustom's, and rotates its key from then on: one resource per " +
			"shop.\n\nIt makes a key, proves it, installs it in the shop's *Klarna Checkout V3*, " +
			"and then deletes the key that the shop used before, all in one operation. **The secret is never stored**, neither in the " +
			"state nor in a plan. The plan names the keys that will be deleted before anything is touched.\n\nIt takes over a shop in " +
			"any condition: with a key of Klarna's, with one that was made by hand, or with none.",
		Attributes: attributes,
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
	r.connections = newConnections(b, b.ahead)
}

// ModifyPlan says whether the shop gets a new key, why, and which keys will be deleted.
func (r *connectionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || !r.connections.ready() {
		return
	}
	var config, plan connectionModel
	resp.Diagnostics.Append(load(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.connections.environment, "store", plan.MerchantID)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.planID()
	if err := r.plan(ctx, req, config, &plan, &resp.Diagnostics); err != nil {
		report(&resp.Diagnostics, connectionPath(err), "Shop can't be connected", err)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(store(ctx, &resp.Plan, plan)...)
	}
}

func (r *connectionResource) plan(ctx context.Context, req resource.ModifyPlanRequest, config connectionModel, plan *connectionModel, diags *diag.Diagnostics) error {
	if req.State.Raw.IsNull() {
		return r.connections.planNew(ctx, plan.Shop, plan.connectionRules, config.connectedShop, &plan.connectedShop, diags)
	}
	var state connectionModel
	diags.Append(load(ctx, req.State, &state)...)
	return r.connections.planExisting(ctx, state.Shop.ValueString(), plan.connectionRules, recall(ctx, req.Private, diags),
		config.connectedShop, &plan.connectedShop, state.connectedShop, diags)
}

func (m *connectionModel) planID() {
	if m.Shop.IsUnknown() || m.MerchantID.IsUnknown() {
		return
	}
	m.ID = types.StringValue(m.Shop.ValueString() + "/" + m.MerchantID.ValueString())
}

func (r *connectionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultShopWriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.connections.clock, timeout)
	defer cancel()
	var memory connectionMemory
	err := r.apply(ctx, &plan, &memory, &resp.Diagnostics)
	if err != nil {
		report(&resp.Diagnostics, connectionPath(err), "Shop not connected", err)
		for _, orphan := range memory.Unsettled {
			// The error makes Terraform treat it as tainted: the next apply settles it (I3, I5).
			plan.remember(orphan)
			resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
			resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
		}
		return
	}
	resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

// apply does what is planned, and warns of the keys that had to stay.
func (r *connectionResource) apply(ctx context.Context, plan *connectionModel, memory *connectionMemory, diags *diag.Diagnostics) error {
	shop := plan.Shop.ValueString()
	kept, err := r.connections.apply(ctx, shop, &plan.connectedShop, memory, diags)
	for _, key := range kept {
		diags.Append(key.warning(shop))
	}
	return err
}

// connectionPath returns the attribute that err is about: the portal knows stores, Mystore shops.
func connectionPath(err error) path.Path {
	var failure *transport.Error
	if isOfPortalPages(err) || errors.As(err, &failure) && failure.API == "portal" {
		return path.Root("merchant_id")
	}
	return path.Root("shop")
}

func (r *connectionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state connectionModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultShopReadTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recall(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	// A state of an older version has no identity yet, be it complete or not.
	resp.Diagnostics.Append(store(ctx, resp.Identity, state.identity())...)
	if state.isIncomplete() {
		memory.Due, memory.Unsettled = "an earlier run did not finish", state.leftovers(ctx, &resp.Diagnostics)
		memory.keep(ctx, resp.Private, &resp.Diagnostics)
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.connections.clock, timeout)
	defer cancel()
	if err := r.connections.read(ctx, state.Shop.ValueString(), &state.connectedShop, &memory, &resp.Diagnostics); err != nil {
		report(&resp.Diagnostics, connectionPath(err), "Connection not read", err)
		return
	}
	state.planID()
	resp.Diagnostics.Append(store(ctx, &resp.State, state)...)
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultShopWriteTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recall(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.connections.clock, timeout)
	defer cancel()
	if err := r.apply(ctx, &plan, &memory, &resp.Diagnostics); err != nil {
		report(&resp.Diagnostics, connectionPath(err), "Shop keeps the key that it has", err)
		memory.keep(ctx, resp.Private, &resp.Diagnostics)
		return
	}
	resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

func (r *connectionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state connectionModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultShopWriteTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recall(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.connections.clock, timeout)
	defer cancel()
	if state.clears() && !state.Username.IsNull() {
		r.clear(ctx, state, &resp.Diagnostics)
	}
	leftovers := memory.Unsettled
	if state.isIncomplete() {
		leftovers = state.leftovers(ctx, &resp.Diagnostics)
	}
	if err := r.connections.discard(ctx, leftovers); err != nil {
		report(&resp.Diagnostics, path.Empty(), "Connection not removed", err)
	}
	if state.clears() || state.isIncomplete() || resp.Diagnostics.HasError() {
		return
	}
	r.connections.shops.Leave(state.Shop.ValueString())
	resp.Diagnostics.AddWarning("Shop and key left as they are",
		fmt.Sprintf("Shop %s goes on taking payments with the key %s: its deletion_policy is retain.",
			state.Shop.ValueString(), state.Username.ValueString()))
}

// clear empties the shop and then deletes its key.
func (r *connectionResource) clear(ctx context.Context, state connectionModel, diags *diag.Diagnostics) {
	if err := r.connections.clear(ctx, state.Shop.ValueString(), state.connectedShop); err != nil {
		report(diags, path.Empty(), "Shop not cleared", err)
		return
	}
	if err := r.connections.connector.Retire(ctx, state.orphan()); err != nil {
		report(diags, path.Empty(), "API key not deleted", err)
	}
}

func (r *connectionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	shop, merchantID, err := parseConnectionID(importID(ctx, req, &resp.Diagnostics, "shop", "merchant_id"))
	if err != nil {
		resp.Diagnostics.AddError("Malformed import ID", err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("shop"), shop)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, connectionIdentity{types.StringValue(shop), types.StringValue(merchantID)})...)
	connectionMemory{Imported: true}.keep(ctx, resp.Private, &resp.Diagnostics)
}

// parseConnectionID takes the import ID of one shop's connection apart.
func parseConnectionID(id string) (shop, merchantID string, err error) {
	shop, merchantID, found := strings.Cut(id, "/")
	if !found || !isShopName(shop) || !isMerchantID(merchantID) {
		return "", "", malformedID(id, "the import ID of a connection. It has the form <shop>/<merchant_id>, such as my-shop/M00123456")
	}
	return shop, merchantID, nil
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
