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
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure      = (*fleetResource)(nil)
	_ resource.ResourceWithValidateConfig = (*fleetResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*fleetResource)(nil)
	_ resource.ResourceWithIdentity       = (*fleetResource)(nil)
	_ resource.ResourceWithImportState    = (*fleetResource)(nil)
)

type fleetResource struct{ configuredResource }

func newFleetResource() resource.Resource { return &fleetResource{} }

type fleetModel struct {
	Shops          types.Map   `tfsdk:"shops"`
	MaxConcurrency types.Int64 `tfsdk:"max_concurrency"`
	connectionRules
	timedModel
}

type fleetIdentity struct {
	Shops []string `tfsdk:"shops"`
}

const (
	// defaultFleetConcurrency is the default number of shops at work at the same time.
	defaultFleetConcurrency = 32

	defaultFleetReadTimeout  = 20 * time.Minute
	defaultFleetWriteTimeout = time.Hour
)

func (r *fleetResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_mystore_fleet"
	// A fleet's shops identify it, and they may change.
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *fleetResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	shop := connectedShopAttributes()
	shop["last_error"] = schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "Why the last apply could not give the shop its key. The shop then still has its old key, " +
			"and the next plan includes it again. Null if the last apply succeeded.",
	}
	attributes := connectionRulesAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"shops": schema.MapNestedAttribute{
			Required: true,
			MarkdownDescription: "The shops: a map from the name of the Mystore shop to its settings, at least one. The " +
				"provider needs a token for each shop in `mystore_tokens`, or a `browser`. If you add a shop, the fleet " +
				"manages it. If you remove a shop, `deletion_policy` decides what happens to it. To remove all shops, " +
				"destroy the fleet.",
			Validators:   []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.NoNullValues(), mapvalidator.KeysAre(stringvalidator.LengthAtLeast(1))},
			CustomType:   types.MapType{ElemType: fleetShopType},
			NestedObject: schema.NestedAttributeObject{CustomType: fleetShopType, Attributes: shop},
		},
		"max_concurrency": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(defaultFleetConcurrency),
			MarkdownDescription: fmt.Sprintf("The maximum number of shops that the provider works on at once: 1 to 256, "+
				"default %d. Each shop has its own rate limit in Mystore, so a high number does not affect a single "+
				"shop. While a shop waits for a server, the provider begins another one.", defaultFleetConcurrency),
			Validators: []validator.Int64{int64validator.Between(1, 256)},
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "Switches hundreds of Mystore shops from Klarna's API to Kustom's, and rotates their keys " +
			"after that. For each shop, it does what `kustom_mystore_connection` does, but in one resource. Terraform " +
			"takes far less time for one large resource than for hundreds.\n\n" +
			"Every shop gets its own key. The fleet generates the key, proves it and installs it, and then deletes the " +
			"key that the shop used before. **No state and no plan contains a secret.** The plan shows only the " +
			"shops that change, and the keys that the apply deletes.\n\n" +
			"If one shop fails, the others continue. The failed shop keeps its key, its `last_error` has the reason, and " +
			"the next plan contains only that shop. **In the apply that creates a fleet, such a failure is a warning**, " +
			"because Terraform would replace the whole fleet after an error. In later applies, it is an error. The " +
			"postcondition in the example below makes it an error in both.\n\n" +
			"Put up to a few hundred shops into one fleet. Use several fleets for more. The guide [How many " +
			"shops](../guides/how-many-shops.md) has numbers.",
		Attributes: attributes,
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true, Delete: true,
				CreateDescription: "The maximum time to connect all shops. Each shop has at most 5 minutes of it. " +
					"Default `60m`.",
				ReadDescription: "The maximum time to read all shops. Each shop has at most 2 minutes of it. Default " +
					"`20m`.",
				UpdateDescription: "The maximum time to change all shops. Each shop has at most 5 minutes of it. Default " +
					"`60m`.",
				DeleteDescription: "The maximum time to clear all shops. Each shop has at most 5 minutes of it. Default " +
					"`60m`.",
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

// ValidateConfig rejects shops that another object of the configuration has too. Terraform calls it once for
// each object before the object's plan.
func (r *fleetResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var shops types.Map
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("shops"), &shops)...)
	for name := range shops.Elements() {
		claim(r.engine, path.Root("shops").AtMapKey(name), types.StringValue(name), "kustom_mystore_fleet", &resp.Diagnostics)
	}
}

// ModifyPlan says for each shop whether it gets a new key, why, and which keys will be deleted.
func (r *fleetResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.engine == nil {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)
		return
	}
	config := load[fleetModel](ctx, req.Config, &resp.Diagnostics)
	plan := load[fleetModel](ctx, req.Plan, &resp.Diagnostics)
	var state *fleetModel
	if !req.State.Raw.IsNull() {
		present := load[fleetModel](ctx, req.State, &resp.Diagnostics)
		state = &present
	}
	memory := readFleetMemory(ctx, req.Private, &resp.Diagnostics)
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
	planned := f.planned(plan.Shops, newKeyHost(r.environment, r.lacksDescriptions()), &resp.Diagnostics)
	// Encoding a thousand shops takes longer than checking that nothing has changed.
	if !resp.Diagnostics.HasError() && !planned.Equal(plan.Shops) {
		plan.Shops = planned
		store(ctx, &resp.Plan, plan, &resp.Diagnostics)
	}
}

// planDestroy says which shops' credentials will be deleted.
func (r *fleetResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	state := load[fleetModel](ctx, req.State, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !state.clears() {
		return
	}
	r.removingAll(ctx, state, readFleetMemory(ctx, req.Private, &resp.Diagnostics), &resp.Diagnostics).warnOfClearing(&resp.Diagnostics)
}

// removingAll returns the operation that removes all shops from the fleet.
func (r *fleetResource) removingAll(ctx context.Context, state fleetModel, memory fleetMemory, diags *diag.Diagnostics) *fleet {
	none := state
	none.Shops = types.MapValueMust(fleetShopType, map[string]attr.Value{})
	return r.fleet(ctx, none, &none, &state, memory, diags)
}

// Create connects the shops. A shop's failure is a warning if the state has anything to keep: after an error,
// Terraform would replace the fleet, and with it the keys of the working shops.
func (r *fleetResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, ctx, cancel := begin[fleetModel](ctx, r.clock, req.Plan, timeouts.Value.Create, defaultFleetWriteTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	f := r.fleet(ctx, plan, &plan, nil, nil, &resp.Diagnostics)
	failures := f.apply(ctx, &resp.Diagnostics)
	if f.nothingSaved() {
		resp.Diagnostics.Append(failures.errors()...)
		return
	}
	resp.Diagnostics.Append(failures.warnings()...)
	plan.save(ctx, f, &resp.State, resp.Identity, resp.Private, &resp.Diagnostics)
}

// Read reads every shop. An unreadable one keeps its known values, with a warning. It is an error only if all
// are unreadable, or during an import.
func (r *fleetResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, ctx, cancel := begin[fleetModel](ctx, r.clock, req.State, timeouts.Value.Read, defaultFleetReadTimeout, &resp.Diagnostics)
	defer cancel()
	memory := readFleetMemory(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	f := r.fleet(ctx, state, nil, &state, memory, &resp.Diagnostics)
	failures := f.read(ctx)
	if memory.importing() || len(failures) == len(f.Members) && !failures.onlyShopErrors() {
		resp.Diagnostics.Append(failures.errors()...)
	} else {
		resp.Diagnostics.Append(failures.warnings()...)
	}
	addEngineWarnings(r.engine, &resp.Diagnostics)
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
		store(ctx, &resp.State, state, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, fleetIdentity{Shops: f.importIDs()})...)
	f.memory().write(ctx, resp.Private, &resp.Diagnostics)
}

// Update changes the shops with planned changes. The state has what was done, even if other shops failed.
func (r *fleetResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, ctx, cancel := begin[fleetModel](ctx, r.clock, req.Plan, timeouts.Value.Update, defaultFleetWriteTimeout, &resp.Diagnostics)
	defer cancel()
	state := load[fleetModel](ctx, req.State, &resp.Diagnostics)
	memory := readFleetMemory(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	f := r.fleet(ctx, plan, &plan, &state, memory, &resp.Diagnostics)
	f.updates = true
	resp.Diagnostics.Append(f.apply(ctx, &resp.Diagnostics).errors()...)
	plan.save(ctx, f, &resp.State, resp.Identity, resp.Private, &resp.Diagnostics)
}

// Delete applies the deletion policy to all shops. Shops that could not be cleared stay in the state.
func (r *fleetResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state, ctx, cancel := begin[fleetModel](ctx, r.clock, req.State, timeouts.Value.Delete, defaultFleetWriteTimeout, &resp.Diagnostics)
	defer cancel()
	memory := readFleetMemory(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	f := r.removingAll(ctx, state, memory, &resp.Diagnostics)
	resp.Diagnostics.Append(f.apply(ctx, &resp.Diagnostics).errors()...)
	if resp.Diagnostics.HasError() {
		state.save(ctx, f, &resp.State, resp.Identity, resp.Private, &resp.Diagnostics)
	}
}

// ImportState imports the shops, separated by commas, each like a connection.
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
			malformedImportID(err.Error()+". The import ID of a fleet is a list of its shops' IDs, separated by commas").addTo(&resp.Diagnostics, path.Empty())
			return
		}
		if _, ok := shops[name]; ok {
			malformedImportID(fmt.Sprintf("The import ID has shop %s twice", name)).addTo(&resp.Diagnostics, path.Empty())
			return
		}
		shops[name] = unreadFleetShop(merchantID).object()
		memory[name] = rotation.Memory{Imported: true}
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("shops"), types.MapValueMust(fleetShopType, shops))...)
	slices.Sort(ids)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, fleetIdentity{Shops: ids})...)
	memory.write(ctx, resp.Private, &resp.Diagnostics)
}

// fleet returns the operation that leads from state to plan. Config is nil for a read.
func (r *fleetResource) fleet(ctx context.Context, plan fleetModel, config *fleetModel, state *fleetModel, memory fleetMemory, diags *diag.Diagnostics) *fleet {
	f := &fleet{Fleet: rotation.Fleet{
		Engine: r.engine, Concurrency: defaultFleetConcurrency, Rules: plan.rules(),
		IsOutage:    func(err error) bool { return advise(err).general },
		ReadTimeout: defaultShopReadTimeout, WriteTimeout: defaultShopWriteTimeout,
		Progress: func(m *rotation.Member, err error, done, total int) { logProgress(ctx, m, err, done, total) },
	}}
	if n := plan.MaxConcurrency.ValueInt64(); n > 0 {
		f.Concurrency = int(n)
	}
	planned, old, configured := fleetShops(plan.Shops), map[string]fleetShop{}, map[string]fleetShop{}
	if state != nil {
		old = fleetShops(state.Shops)
	}
	if config != nil {
		configured = fleetShops(config.Shops)
	}
	for _, name := range memberNames(plan.Shops, planned, old) {
		models := &fleetModels{config: configured[name].connectedShop}
		m := &rotation.Member{Name: name}
		if shop, ok := old[name]; ok {
			models.state = &shop
			record := shop.record(memory[name], diags)
			m.Record = &record
		}
		if shop, ok := planned[name]; ok {
			models.plan = &shop
		}
		if models.plan != nil && config != nil {
			c := shopConfig(ctx, r.lacksDescriptions(), name, plan.connectionRules, models.config, models.plan.connectedShop)
			m.Config, m.Plan = &c, models.plan.planned(name, models.old(), diags)
			if m.Record != nil && m.Record.IsOfOtherStore(c.MerchantID) {
				m.Record = nil
			}
		}
		m.ClearOnRemoval = models.plan == nil && plan.clears() && models.state != nil && known(models.state.Username)
		f.Members, f.models = append(f.Members, m), append(f.models, models)
	}
	return f
}

// memberNames returns the sorted names of a fleet's present and earlier shops. It leaves out shops whose
// settings are not known yet; they stay in the fleet.
func memberNames(elements types.Map, planned, old map[string]fleetShop) []string {
	var names []string
	for name := range planned {
		names = append(names, name)
	}
	for name := range old {
		_, isPlanned := planned[name]
		if _, stays := elements.Elements()[name]; !stays && !isPlanned {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// save stores the fleet's new values.
func (m fleetModel) save(ctx context.Context, f *fleet, state modelTarget, identity modelTarget, private privateState, diags *diag.Diagnostics) {
	m.Shops = f.applied()
	store(ctx, state, m, diags)
	diags.Append(identity.Set(ctx, fleetIdentity{Shops: f.importIDs()})...)
	f.memory().write(ctx, private, diags)
}

// logProgress logs the progress of an apply.
func logProgress(ctx context.Context, m *rotation.Member, err error, done, total int) {
	fields := map[string]any{"shop": m.Name, "done": done, "of": total}
	switch {
	case err != nil:
		tflog.Info(ctx, "shop failed", fields)
	case m.IsRemoved():
		tflog.Info(ctx, "shop removed", fields)
	default:
		fields["username"] = m.Record.Username
		tflog.Info(ctx, "shop connected", fields)
	}
}
