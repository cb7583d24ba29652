package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure      = (*fleetResource)(nil)
	_ resource.ResourceWithValidateConfig = (*fleetResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*fleetResource)(nil)
	_ resource.ResourceWithIdentity       = (*fleetResource)(nil)
	_ resource.ResourceWithImportState    = (*fleetResource)(nil)
)

type fleetResource struct {
	engine      *rotation.Engine
	clock       clock.Clock
	environment *kustom.Environment
	// undescribed says that the portal shows no descriptions of keys and no hosts.
	undescribed bool
}

func newFleetResource() resource.Resource { return &fleetResource{} }

type fleetModel struct {
	Shops          types.Map   `tfsdk:"shops"`
	MaxConcurrency types.Int64 `tfsdk:"max_concurrency"`
	connectionRules
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// fleetShop is one shop of a fleet.
type fleetShop struct {
	connectedShop
	LastError types.String `tfsdk:"last_error"`
}

type fleetIdentity struct {
	Shops []string `tfsdk:"shops"`
}

const (
	// defaultFleetConcurrency is how many shops are worked on at once.
	defaultFleetConcurrency = 32

	defaultFleetReadTimeout  = 20 * time.Minute
	defaultFleetWriteTimeout = time.Hour
)

func (r *fleetResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_mystore_fleet"
	// A fleet is known by its shops, which come and go.
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *fleetResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	shop := connectedShopAttributes()
	shop["last_error"] = schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "Why the last apply could not give the shop its key; null where it could. The shop then has the key that " +
			"it had before, and the next plan shows it again.",
	}
	attributes := connectionRulesAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"shops": schema.MapNestedAttribute{
			Required: true,
			MarkdownDescription: "The shops, by the name of the Mystore shop. The provider's `mystore_tokens` must have a token for each. " +
				"Adding a shop takes it over; removing one leaves it to the `deletion_policy`. There is at least one; to let go of " +
				"all shops, destroy the fleet.",
			Validators:   []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.NoNullValues(), mapvalidator.KeysAre(stringvalidator.LengthAtLeast(1))},
			CustomType:   types.MapType{ElemType: fleetShopType},
			NestedObject: schema.NestedAttributeObject{CustomType: fleetShopType, Attributes: shop},
		},
		"max_concurrency": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(defaultFleetConcurrency),
			MarkdownDescription: fmt.Sprintf("How many shops are worked on at once: 1 to 256, default %d. Each shop has a rate limit of its own "+
				"in Mystore, so that many at once are no burden to any. While a shop waits, because a server has asked for it, "+
				"another one is begun with.", defaultFleetConcurrency),
			Validators: []validator.Int64{int64validator.Between(1, 256)},
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "Switches hundreds of Mystore shops from Klarna's API to Kustom's, and rotates their keys from then on: what " +
			"`kustom_mystore_connection` does for one shop, as one resource, without Terraform's cost for each.\n\nEvery shop gets a key of its own, as a " +
			"connection's would: made, proven, installed, and then the key that the shop used before is deleted. **No secret is " +
			"stored**, neither in the state nor in a plan. The plan shows only the shops that change, and the keys that will be " +
			"deleted.\n\nOne shop's failure does not hold up the others. That shop keeps the key that it has and says why in its " +
			"`last_error`, and the next plan has just that shop to do. **While a fleet is created, such a failure is a warning**: Terraform " +
			"would replace the whole fleet after an error. Afterwards it is an error. The postcondition in the example below makes it an " +
			"error in both.\n\nKeep up to a few hundred shops in one fleet, and have several of them for more; the guide " +
			"[How many shops](../guides/how-many-shops.md) has numbers.",
		Attributes: attributes,
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true, Delete: true,
				CreateDescription: "How long connecting all shops may take; each has 5 minutes of it. Default `60m`.",
				ReadDescription:   "How long reading all shops may take; each has 2 minutes of it. Default `20m`.",
				UpdateDescription: "How long changing all shops may take; each has 5 minutes of it. Default `60m`.",
				DeleteDescription: "How long clearing all shops may take; each has 5 minutes of it. Default `60m`.",
			}),
		},
	}
}

func (r *fleetResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"shops": identityschema.ListAttribute{
			RequiredForImport: true, ElementType: types.StringType,
			Description: "The fleet's shops, each as <shop>/<merchant_id>, sorted.",
		},
	}}
}

func (r *fleetResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b := configured(req.ProviderData, &resp.Diagnostics)
	if b == nil {
		return
	}
	r.engine, r.clock, r.environment = b.engine, b.clock, b.environment
	r.undescribed = !b.portal.DescribesKeys()
}

// ValidateConfig refuses shops that another object of the configuration has too. Terraform calls it once for each
// object before it plans it.
func (r *fleetResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var shops types.Map
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("shops"), &shops)...)
	for name := range shops.Elements() {
		claim(r.engine, path.Root("shops").AtMapKey(name), types.StringValue(name), "kustom_mystore_fleet", &resp.Diagnostics)
	}
}

// ModifyPlan says of each shop whether it gets a new key, why, and which keys will be deleted.
func (r *fleetResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.engine == nil {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.planDestruction(ctx, req, resp)
		return
	}
	var config, plan fleetModel
	var state *fleetModel
	resp.Diagnostics.Append(load(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	if !req.State.Raw.IsNull() {
		state = new(fleetModel)
		resp.Diagnostics.Append(load(ctx, req.State, state)...)
	}
	memory := recallFleet(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || plan.Shops.IsUnknown() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultFleetReadTimeout)
	defer cancel()
	f := r.fleet(ctx, plan, &config, state, memory, &resp.Diagnostics)
	f.checkEnvironments(r.environment, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	f.plan(ctx, &resp.Diagnostics)
	planned := f.planned(plan.Shops, newKeyHost(r.environment, r.undescribed), &resp.Diagnostics)
	// To write a thousand shops takes longer than to see that nothing has changed.
	if !resp.Diagnostics.HasError() && !planned.Equal(plan.Shops) {
		plan.Shops = planned
		resp.Diagnostics.Append(store(ctx, &resp.Plan, plan)...)
	}
}

// planDestruction says which shops will be emptied.
func (r *fleetResource) planDestruction(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state fleetModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	if resp.Diagnostics.HasError() || !state.clears() {
		return
	}
	r.destruction(ctx, state, recallFleet(ctx, req.Private, &resp.Diagnostics), &resp.Diagnostics).warnOfClearing(&resp.Diagnostics)
}

// destruction returns the operation that lets all shops leave.
func (r *fleetResource) destruction(ctx context.Context, state fleetModel, memory fleetMemory, diags *diag.Diagnostics) *fleet {
	none := state
	none.Shops = types.MapValueMust(fleetShopType, map[string]attr.Value{})
	return r.fleet(ctx, none, &none, &state, memory, diags)
}

// Create connects the shops. That one of them could not be connected is a warning as long as there is
// anything to keep in the state: an error would make Terraform replace the fleet, and with it the
// keys of the shops that work.
func (r *fleetResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan fleetModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultFleetWriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	f := r.fleet(ctx, plan, &plan, nil, nil, &resp.Diagnostics)
	failures := f.apply(ctx, &resp.Diagnostics)
	if f.nothingSaved() {
		resp.Diagnostics.Append(failures.errors()...)
		return
	}
	resp.Diagnostics.Append(failures.warnings()...)
	f.save(ctx, plan, &resp.State, resp.Identity, resp.Private, &resp.Diagnostics)
}

// Read looks at every shop. One that can't be looked at stays as it is known, with a warning; only
// where that is so of all, or while importing, it is an error.
func (r *fleetResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state fleetModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultFleetReadTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recallFleet(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	f := r.fleet(ctx, state, nil, &state, memory, &resp.Diagnostics)
	failures := f.read(ctx)
	if memory.importing() || len(failures) == len(f.Members) && !failures.shopsOwn() {
		resp.Diagnostics.Append(failures.errors()...)
	} else {
		resp.Diagnostics.Append(failures.warnings()...)
	}
	warnOfAnswers(r.engine, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	imported := state.DeletionPolicy.IsNull()
	state.setDefaults()
	if state.MaxConcurrency.IsNull() {
		state.MaxConcurrency = types.Int64Value(defaultFleetConcurrency)
	}
	if now := f.applied(); imported || !now.Equal(state.Shops) {
		state.Shops = now
		resp.Diagnostics.Append(store(ctx, &resp.State, state)...)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, f.identity())...)
	f.memory().keep(ctx, resp.Private, &resp.Diagnostics)
}

// Update changes the shops for which that is planned. What has been done is in the state, whatever
// became of the other shops.
func (r *fleetResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state fleetModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultFleetWriteTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recallFleet(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	f := r.fleet(ctx, plan, &plan, &state, memory, &resp.Diagnostics)
	f.updates = true
	resp.Diagnostics.Append(f.apply(ctx, &resp.Diagnostics).errors()...)
	f.save(ctx, plan, &resp.State, resp.Identity, resp.Private, &resp.Diagnostics)
}

// Delete leaves all shops to the deletion policy. Those that could not be cleared stay in the state.
func (r *fleetResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state fleetModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultFleetWriteTimeout)
	resp.Diagnostics.Append(diags...)
	memory := recallFleet(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	f := r.destruction(ctx, state, memory, &resp.Diagnostics)
	resp.Diagnostics.Append(f.apply(ctx, &resp.Diagnostics).errors()...)
	if resp.Diagnostics.HasError() {
		f.save(ctx, state, &resp.State, resp.Identity, resp.Private, &resp.Diagnostics)
	}
}

// ImportState takes the shops, separated by commas, each as a connection is imported.
func (r *fleetResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	ids := strings.Split(req.ID, ",")
	if req.ID == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("shops"), &ids)...)
	}
	shops, memory := map[string]attr.Value{}, fleetMemory{}
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
		name, merchantID, err := parseConnectionID(ids[i])
		if err != nil {
			resp.Diagnostics.AddError("Malformed import ID", err.Error()+". A fleet's import ID is its shops' IDs, separated by commas.")
			return
		}
		if _, ok := shops[name]; ok {
			resp.Diagnostics.AddError("Malformed import ID", fmt.Sprintf("The import ID has shop %s twice.", name))
			return
		}
		shops[name] = unreadFleetShop(merchantID).object()
		memory[name] = rotation.Memory{Imported: true}
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("shops"), types.MapValueMust(fleetShopType, shops))...)
	slices.Sort(ids)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, fleetIdentity{Shops: ids})...)
	memory.keep(ctx, resp.Private, &resp.Diagnostics)
}

// fleetShopType is the type of a fleetShop.
var fleetShopType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "description": types.StringType, "rotate_when_changed": types.MapType{ElemType: types.StringType},
	"credential_id": types.StringType, "username": types.StringType, "host": types.StringType, "created_at": types.StringType,
	"expires_at": types.StringType, "reason": types.StringType, "keys_to_delete": types.SetType{ElemType: keyRefType},
	"keys_kept": types.SetType{ElemType: keyRefType}, "last_error": types.StringType,
}}

// object returns the shop as an element of the map.
func (s fleetShop) object() attr.Value {
	return types.ObjectValueMust(fleetShopType.AttrTypes, map[string]attr.Value{
		"merchant_id": s.MerchantID, "description": s.Description, "rotate_when_changed": s.RotateWhenChanged,
		"credential_id": s.CredentialID, "username": s.Username, "host": s.Host, "created_at": s.CreatedAt, "expires_at": s.ExpiresAt,
		"reason": s.Reason, "keys_to_delete": s.KeysToDelete, "keys_kept": s.KeysKept, "last_error": s.LastError,
	})
}

// readFleetShop reads an element of the map. The framework would do it by reflection, which for a
// thousand shops takes longer than all else.
func readFleetShop(element types.Object) fleetShop {
	attributes := element.Attributes()
	return fleetShop{
		connectedShop: connectedShop{
			MerchantID:        attribute[types.String](attributes, "merchant_id"),
			Description:       attribute[types.String](attributes, "description"),
			RotateWhenChanged: attribute[types.Map](attributes, "rotate_when_changed"),
			CredentialID:      attribute[types.String](attributes, "credential_id"),
			Username:          attribute[types.String](attributes, "username"),
			Host:              attribute[types.String](attributes, "host"),
			CreatedAt:         attribute[types.String](attributes, "created_at"),
			ExpiresAt:         attribute[types.String](attributes, "expires_at"),
			Reason:            attribute[types.String](attributes, "reason"),
			KeysToDelete:      attribute[types.Set](attributes, "keys_to_delete"),
			KeysKept:          attribute[types.Set](attributes, "keys_kept"),
		},
		LastError: attribute[types.String](attributes, "last_error"),
	}
}

// fleetShops returns the shops that a map has. Those that are not known yet are left out.
func fleetShops(shops types.Map) map[string]fleetShop {
	read := map[string]fleetShop{}
	for name, element := range shops.Elements() {
		if object, ok := element.(types.Object); ok && !object.IsUnknown() {
			read[name] = readFleetShop(object)
		}
	}
	return read
}

// unreadFleetShop returns a shop of which only the store is known.
func unreadFleetShop(merchantID string) fleetShop {
	return fleetShop{connectedShop: connectedShop{
		MerchantID: types.StringValue(merchantID), RotateWhenChanged: types.MapNull(types.StringType),
		KeysToDelete: keySet(nil), KeysKept: keySet(nil),
	}}
}

// unchanged returns the shop with null in place of what was to become known.
func (s fleetShop) unchanged() fleetShop {
	for _, value := range []*types.String{&s.CredentialID, &s.Username, &s.Host, &s.CreatedAt, &s.ExpiresAt, &s.Reason, &s.LastError} {
		if value.IsUnknown() {
			*value = types.StringNull()
		}
	}
	for _, set := range []*types.Set{&s.KeysToDelete, &s.KeysKept} {
		if set.IsUnknown() {
			*set = keySet(nil)
		}
	}
	return s
}
