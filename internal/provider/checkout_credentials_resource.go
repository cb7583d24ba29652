package provider

import (
	"cmp"
	"context"
	"errors"

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
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure      = (*checkoutCredentialsResource)(nil)
	_ resource.ResourceWithValidateConfig = (*checkoutCredentialsResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*checkoutCredentialsResource)(nil)
	_ resource.ResourceWithIdentity       = (*checkoutCredentialsResource)(nil)
	_ resource.ResourceWithImportState    = (*checkoutCredentialsResource)(nil)
)

type checkoutCredentialsResource struct{ configuredResource }

func newCheckoutCredentialsResource() resource.Resource { return &checkoutCredentialsResource{} }

type checkoutCredentialsModel struct {
	ID               types.String `tfsdk:"id"`
	Shop             types.String `tfsdk:"shop"`
	KustomID         types.String `tfsdk:"kustom_id"`
	Secret           types.String `tfsdk:"kustom_secret"`
	SecretWO         types.String `tfsdk:"kustom_secret_wo"`
	SecretWOVersion  types.Int64  `tfsdk:"kustom_secret_wo_version"`
	Verify           types.Bool   `tfsdk:"verify"`
	DeletionPolicy   types.String `tfsdk:"deletion_policy"`
	AllowStoreChange types.Bool   `tfsdk:"allow_store_change"`
	ExtensionVersion types.String `tfsdk:"extension_version"`
	UpdatedAt        types.String `tfsdk:"updated_at"`
	timedModel
}

type checkoutCredentialsIdentity struct {
	Shop types.String `tfsdk:"shop"`
}

// installedKey is the key of an installedPair in private state.
const installedKey = "installed"

func (r *checkoutCredentialsResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "mystore_klarna_checkout_credentials"
}

func (r *checkoutCredentialsResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Installs a key in a Mystore shop. It writes the key's username and secret as *Kustom ID* " +
			"and *Kustom Secret* of *Klarna Checkout V3*, as under *Extensions → Your extensions → Klarna Checkout V3 → " +
			"Credentials*.\n\n" +
			"Every shop with the extension has exactly one ID with one secret. This resource replaces both. " +
			"The provider proves the credentials against Kustom's merchant API before it writes to the shop, and reads the shop " +
			"again after that.\n\n" +
			"The type's name does not begin with `kustom_`, so write `provider = kustom` in the block.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The shop name. This is also the import ID.",
			},
			"shop": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Name of the Mystore shop. The provider needs a token for it in `mystore_tokens`, " +
					"or a `browser`. After a change, the resource manages the new shop, and `deletion_policy` decides " +
					"what happens to the old one.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"kustom_id": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "*Kustom ID*: the username of an API key, such as `M00123456-aB3dE`.",
			},
			"kustom_secret": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "*Kustom Secret*: the key's secret. **The state holds it**, marked as sensitive. " +
					"Set either `kustom_secret` or `kustom_secret_wo`.",
			},
			"kustom_secret_wo": schema.StringAttribute{
				Optional: true, Sensitive: true, WriteOnly: true,
				MarkdownDescription: "*Kustom Secret*, write-only. No state and no plan contains it, and it may be " +
					"an ephemeral value. Terraform can't see when it changes, so increase `kustom_secret_wo_version` " +
					"with each change.",
			},
			"kustom_secret_wo_version": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "A whole number, such as `1`. After a change of this number, the provider writes " +
					"the credentials with `kustom_secret_wo` again. The first number after an import does not write them.",
			},
			"verify": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(true),
				MarkdownDescription: "Whether the provider proves the credentials against Kustom's merchant API before it " +
					"installs them in the shop. Default `true`. Use `false` on a machine that can't reach that API. The " +
					"proof asks for an order that does not exist. The portal may count it as a use of the key. The " +
					"provider retries a 401 for up to a minute while a new key propagates.",
			},
			"allow_store_change": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the shop may get a key of another store than the one that its current key " +
					"belongs to. Default `false`: such a plan is an error, because **the shop's payments would go to " +
					"another merchant**.",
			},
			"deletion_policy": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(deletionRetain),
				MarkdownDescription: "What happens to the shop when you destroy this resource. `retain` (default) leaves " +
					"its credentials as they are. `clear` removes them, and then **the shop takes no payments** with " +
					"Klarna Checkout V3. The provider does not clear a shop that someone has since given another key, or " +
					"the same key again.",
				Validators: []validator.String{stringvalidator.OneOf(deletionRetain, deletionClear)},
			},
			"extension_version": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Version of the shop's Klarna Checkout V3 at the last write or import.",
			},
			"updated_at": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "The time when the shop's credentials were last changed (RFC 3339). If something " +
					"else changed them, the next apply writes them again.",
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true, Delete: true,
				CreateDescription: "The maximum time to prove the credentials, write them and read them again. Default `5m`.",
				ReadDescription:   "The maximum time to read the shop. Default `2m`.",
				UpdateDescription: "The maximum time to prove the credentials, write them and read them again. Default `5m`.",
				DeleteDescription: "The maximum time to clear the shop. Default `5m`.",
			}),
		},
	}
}

func (r *checkoutCredentialsResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"shop": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the Mystore shop."},
	}}
}

func (r *checkoutCredentialsResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	config := load[checkoutCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	validatePair(&resp.Diagnostics, config)
	claim(r.engine, path.Root("shop"), config.Shop, "mystore_klarna_checkout_credentials", &resp.Diagnostics)
}

// ModifyPlan says what an apply will write. It rejects what would fail in the apply: by then, another resource may have
// generated a key for the shop.
func (r *checkoutCredentialsResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		state := load[checkoutCredentialsModel](ctx, req.State, &resp.Diagnostics)
		state.warnOfClearing(&resp.Diagnostics)
		return
	}
	if r.engine == nil {
		return
	}
	config := load[checkoutCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	plan := load[checkoutCredentialsModel](ctx, req.Plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("kustom_id"), r.environment, "key", config.KustomID)
	checkSecretEnvironment(&resp.Diagnostics, r.environment, config)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.ID = plan.Shop
	if req.State.Raw.IsNull() {
		r.checkShop(ctx, plan, &resp.Diagnostics)
	} else {
		state := load[checkoutCredentialsModel](ctx, req.State, &resp.Diagnostics)
		if !plan.Shop.Equal(state.Shop) {
			state.warnOfClearing(&resp.Diagnostics)
		}
		untouched, diags := req.Private.GetKey(ctx, importUntouched)
		resp.Diagnostics.Append(diags...)
		r.engine.Shops.NoteConfigured(plan.Shop.ValueString(), storeOfID(plan.KustomID), state.KustomID.ValueString())
		plan.ExtensionVersion, plan.UpdatedAt = state.ExtensionVersion, state.UpdatedAt
		if plan.writes(state, untouched != nil) {
			plan.ExtensionVersion, plan.UpdatedAt = types.StringUnknown(), types.StringUnknown()
			r.checkStore(ctx, plan, state.KustomID.ValueString(), &resp.Diagnostics)
		}
	}
	if !resp.Diagnostics.HasError() {
		store(ctx, &resp.Plan, plan, &resp.Diagnostics)
	}
}

// checkShop checks that a new shop can be taken over. An unreadable shop must not block the others.
func (r *checkoutCredentialsResource) checkShop(ctx context.Context, plan checkoutCredentialsModel, diags *diag.Diagnostics) {
	if plan.Shop.IsUnknown() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultShopReadTimeout)
	defer cancel()
	shop := plan.Shop.ValueString()
	r.engine.Shops.NoteConfigured(shop, storeOfID(plan.KustomID), "")
	if plan.AllowStoreChange.ValueBool() {
		r.engine.Shops.NoteStoreChange(shop)
	}
	r.engine.PrefetchOthers(ctx, shop)
	holds, err := r.engine.Shops.Credentials(ctx, shop)
	switch {
	case isUnknown(err):
	case mystore.IsNotShown(err):
		warn(diags, path.Root("shop"), shopHidesKey(), err)
		r.checkStore(ctx, plan, r.engine.Shops.LastHeld(shop, err), diags)
	case err != nil && isShopError(err):
		warn(diags, path.Root("shop"), shopNotTakeable(), err)
	case err != nil:
		report(diags, path.Root("shop"), shopNotTakeable(), err)
	default:
		r.checkStore(ctx, plan, cmp.Or(holds.KustomID, r.engine.Shops.ClearedUsername(shop)), diags)
		if !r.engine.IsManaged(holds.KustomID) {
			warnOfReplaced(shop, holds.KustomID, plan.KustomID, diags)
		}
	}
}

// warnOfReplaced names the key that a shop stops using if no kustom_api_key is known to have it. This resource
// only knows its username.
func warnOfReplaced(shop, present string, id types.String, diags *diag.Diagnostics) {
	if present == "" || present == id.ValueString() {
		return
	}
	keyReplacedByCredentials(shop, present).addTo(diags, path.Root("kustom_id"))
}

// checkStore rejects a key of another store than the shop's current key belongs to.
func (r *checkoutCredentialsResource) checkStore(ctx context.Context, plan checkoutCredentialsModel, present string, diags *diag.Diagnostics) {
	if plan.AllowStoreChange.ValueBool() || !known(plan.KustomID) {
		return
	}
	err := r.engine.CheckStores(ctx, plan.Shop.ValueString(), present, plan.KustomID.ValueString())
	if err != nil {
		report(diags, path.Root("kustom_id"), shopNotForThisKey(), r.engine.DescribeStores(ctx, err))
	}
}

func (r *checkoutCredentialsResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	config := load[checkoutCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	plan, ctx, cancel := begin[checkoutCredentialsModel](ctx, r.clock, req.Plan, timeouts.Value.Create, defaultShopWriteTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	if r.install(ctx, config, &plan, nil, &resp.Diagnostics) {
		store(ctx, &resp.State, plan, &resp.Diagnostics)
		store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
		plan.writeInstalled(ctx, resp.Private, &resp.Diagnostics)
	}
}

func (r *checkoutCredentialsResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, ctx, cancel := begin[checkoutCredentialsModel](ctx, r.clock, req.State, timeouts.Value.Read, defaultShopReadTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	importing := state.ExtensionVersion.IsNull()
	// A state of an older version has no identity yet, even if the shop has no extension.
	store(ctx, resp.Identity, state.identity(), &resp.Diagnostics)
	shop := state.Shop.ValueString()
	r.engine.Shops.NoteConfigured(shop, storeOfID(state.KustomID), state.KustomID.ValueString())
	r.engine.PrefetchOthers(ctx, shop)
	holds, err := r.engine.Shops.ConfirmedCredentials(ctx, shop)
	var missing *mystore.NotInstalledError
	if errors.As(err, &missing) && !importing {
		resp.State.RemoveResource(ctx)
		return
	}
	if mystore.IsNotShown(err) && !importing {
		warn(&resp.Diagnostics, path.Root("shop"), shopHidesKey(), err)
		return
	}
	if err != nil && isShopError(err) && !importing {
		warn(&resp.Diagnostics, path.Root("shop"), shopNotRead(), err)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, path.Root("shop"), shopNotRead(), err)
		return
	}
	if importing {
		extension, err := r.mystore.Extension(ctx, shop)
		if err != nil {
			report(&resp.Diagnostics, path.Root("shop"), shopNotRead(), err)
			return
		}
		state.ExtensionVersion = types.StringValue(extension.Version)
	} else if state.changedOutside(holds) {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, nil)...)
	}
	state.read(holds)
	state.setDefaults()
	if importing {
		state.writeInstalled(ctx, resp.Private, &resp.Diagnostics)
	}
	store(ctx, &resp.State, state, &resp.Diagnostics)
}

func (r *checkoutCredentialsResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	config := load[checkoutCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	plan, ctx, cancel := begin[checkoutCredentialsModel](ctx, r.clock, req.Plan, timeouts.Value.Update, defaultShopWriteTimeout, &resp.Diagnostics)
	defer cancel()
	state := load[checkoutCredentialsModel](ctx, req.State, &resp.Diagnostics)
	untouched, diags := req.Private.GetKey(ctx, importUntouched)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.writes(state, untouched != nil) && !r.install(ctx, config, &plan, &state, &resp.Diagnostics) {
		return
	}
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, nil)...)
	plan.writeInstalled(ctx, resp.Private, &resp.Diagnostics)
}

// install proves a pair, writes it, and stores what the shop then shows. It reports errors, and returns whether
// the shop accepted the pair. State is the shop's known state; it may be nil.
func (r *checkoutCredentialsResource) install(ctx context.Context, config checkoutCredentialsModel, plan, state *checkoutCredentialsModel, diags *diag.Diagnostics) bool {
	shop, pair := plan.Shop.ValueString(), config.pair()
	ctx, end := r.engine.StartShop(ctx, shop, storeOfID(plan.KustomID))
	defer func() {
		end(firstError(*diags))
		addEngineWarnings(r.engine, diags, shop)
	}()
	if r.checkPresent(ctx, *plan, state, diags); diags.HasError() {
		return false
	}
	extension, err := r.examine(ctx, shop, pair, plan.Verify.IsNull() || plan.Verify.ValueBool())
	if err != nil {
		at, hint := installErrorPath(err)
		reportWithHint(diags, at, credentialsNotChanged(), err, hint)
		return false
	}
	r.engine.Shops.NoteConfigured(shop, storeOfID(plan.KustomID), "")
	if plan.AllowStoreChange.ValueBool() {
		r.engine.Shops.NoteStoreChange(shop)
	}
	holds, err := r.engine.Shops.Install(ctx, shop, pair)
	switch {
	case mystore.IsNotConfirmed(err):
		warn(diags, path.Root("shop"), credentialsNotConfirmed(), err)
	case err != nil:
		report(diags, path.Root("shop"), credentialsNotWritten(), err)
		return false
	}
	if err := r.engine.CheckInstalled(ctx, shop, pair); err != nil {
		report(diags, path.Root("kustom_id"), shopMayHaveAnotherKey(), err)
		return false
	}
	plan.ExtensionVersion = types.StringValue(extension.Version)
	plan.UpdatedAt = nullWhenEmpty(holds.UpdatedAt)
	if !extension.Active {
		checkoutNotActive(shop).addTo(diags, path.Root("shop"))
	}
	return true
}

// checkPresent compares the shop with the now known key: it rejects a key of another store, and warns about a
// key that is not in the state. A shop whose page hides its key can still get one of the store that it was last known with.
func (r *checkoutCredentialsResource) checkPresent(ctx context.Context, plan checkoutCredentialsModel, state *checkoutCredentialsModel, diags *diag.Diagnostics) {
	holds, err := r.engine.Shops.Credentials(ctx, plan.Shop.ValueString())
	if mystore.IsNotShown(err) {
		last := r.engine.Shops.LastHeld(plan.Shop.ValueString(), err)
		if state != nil {
			last = state.KustomID.ValueString()
		}
		r.checkStore(ctx, plan, last, diags)
		return
	}
	if err != nil {
		report(diags, path.Root("shop"), credentialsNotChanged(), err)
		return
	}
	if state != nil {
		r.engine.WarnUnexpectedKey(plan.Shop.ValueString(), holds.KustomID, plan.KustomID.ValueString(), state.KustomID.ValueString())
	}
	r.checkStore(ctx, plan, cmp.Or(holds.KustomID, r.engine.Shops.ClearedUsername(plan.Shop.ValueString())), diags)
}

// examine reads a shop's extension and, if required, proves the pair at the same time. Neither changes
// anything; the first failure ends both.
func (r *checkoutCredentialsResource) examine(ctx context.Context, shop string, pair rotation.Pair, verify bool) (mystore.Extension, error) {
	var extension mystore.Extension
	err := rotation.Concurrently(ctx, func(ctx context.Context) (err error) {
		extension, err = r.mystore.Extension(ctx, shop)
		return err
	}, func(ctx context.Context) error {
		if !verify {
			return nil
		}
		return r.engine.Shops.Prove(ctx, pair)
	})
	return extension, err
}

// installErrorPath returns the attribute for an error from examine, and a hint if the pair could not be checked.
func installErrorPath(err error) (at path.Path, hint string) {
	var proof *kustom.ProofError
	if !errors.As(err, &proof) {
		return path.Root("shop"), ""
	}
	if proof.Verdict == kustom.VerdictFirewall || proof.Verdict == kustom.VerdictUnknown {
		hint = "If you know that the credentials work, set verify = false."
	}
	return path.Root("kustom_id"), hint
}

func (r *checkoutCredentialsResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state, ctx, cancel := begin[checkoutCredentialsModel](ctx, r.clock, req.State, timeouts.Value.Delete, defaultShopWriteTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	shop := state.Shop.ValueString()
	own := state.installed(ctx, req.Private, &resp.Diagnostics)
	if state.DeletionPolicy.ValueString() != deletionClear {
		// The state may come from a stale read. The shop may hold what this resource installed.
		left := r.engine.StopManaging(shop, rotation.Record{Username: own.KustomID})
		record := rotation.Record{MerchantID: storeOfID(state.KustomID), Username: state.KustomID.ValueString()}
		credentialsLeft(describeLeft(shop, record, left)).addTo(&resp.Diagnostics, path.Empty())
		return
	}
	ctx, end := r.engine.StartShop(ctx, shop, storeOfID(state.KustomID))
	cleared, err := r.engine.Shops.Clear(ctx, shop, own.KustomID, own.UpdatedAt)
	end(err)
	addEngineWarnings(r.engine, &resp.Diagnostics, shop)
	switch {
	case err != nil:
		report(&resp.Diagnostics, path.Empty(), credentialsNotCleared(), err)
	case !cleared:
		shopLeftAlone(shop, own.KustomID, r.engine.Shops.LastSeen(shop)).addTo(&resp.Diagnostics, path.Empty())
	}
}

func (r *checkoutCredentialsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	shop := importID(ctx, req, &resp.Diagnostics, "shop")
	if !isShopName(shop) {
		malformedImportID(malformedID(shop, "the import ID of a shop's credentials, which is the shop's name, such as my-shop.").Error()).
			addTo(&resp.Diagnostics, path.Empty())
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), shop)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("shop"), shop)...)
	store(ctx, resp.Identity, checkoutCredentialsIdentity{types.StringValue(shop)}, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importUntouched, []byte("true"))...)
}

// warnOfClearing warns that the shop's credentials will be deleted: Terraform's summary counts only objects.
func (m checkoutCredentialsModel) warnOfClearing(diags *diag.Diagnostics) {
	if !diags.HasError() && m.DeletionPolicy.ValueString() == deletionClear {
		shopWillTakeNoPayments(m.Shop.ValueString(), "cleared").addTo(diags, path.Empty())
	}
}

// writes reports whether the change from state to m writes to the shop. The first version of an unchanged
// imported shop's secret does not.
func (m checkoutCredentialsModel) writes(state checkoutCredentialsModel, untouched bool) bool {
	if !m.KustomID.Equal(state.KustomID) || !m.Secret.Equal(state.Secret) {
		return true
	}
	return !untouched && !m.SecretWOVersion.Equal(state.SecretWOVersion)
}

// storeOfID returns the store of a Kustom ID; empty if it is unknown.
func storeOfID(id types.String) string {
	store, _ := kustom.StoreOf(id.ValueString())
	return store
}

// installedPair is what this resource installed in its shop, or found there at import. The state has what the
// shop shows, which somebody else may have installed since.
type installedPair struct {
	KustomID  string `json:"kustom_id"`
	UpdatedAt string `json:"updated_at"`
}

// writeInstalled saves what the resource installed, for its deletion.
func (m checkoutCredentialsModel) writeInstalled(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	writePrivate(ctx, private, installedKey, installedPair{m.KustomID.ValueString(), m.UpdatedAt.ValueString()}, diags)
}

// installed returns what the resource installed, or what the state has if that was not saved.
func (m checkoutCredentialsModel) installed(ctx context.Context, private privateState, diags *diag.Diagnostics) installedPair {
	own := readPrivate[installedPair](ctx, private, installedKey, diags)
	if own == (installedPair{}) {
		own = installedPair{m.KustomID.ValueString(), m.UpdatedAt.ValueString()}
	}
	return own
}

// pair returns the configured pair. A write-only secret is only in the configuration.
func (m checkoutCredentialsModel) pair() rotation.Pair {
	secret := m.Secret
	if secret.IsNull() {
		secret = m.SecretWO
	}
	return rotation.Pair{Username: m.KustomID.ValueString(), Secret: kustom.NewSecret(secret.ValueString())}
}

// setDefaults sets what an import leaves open.
func (m *checkoutCredentialsModel) setDefaults() {
	setDefault(&m.DeletionPolicy, deletionRetain)
	if m.Verify.IsNull() {
		m.Verify = types.BoolValue(true)
	}
	if m.AllowStoreChange.IsNull() {
		m.AllowStoreChange = types.BoolValue(false)
	}
}

// changedOutside reports whether somebody else has written to the shop since state was read.
func (m checkoutCredentialsModel) changedOutside(holds mystore.Credentials) bool {
	return !rotation.SameMoment(m.UpdatedAt.ValueString(), holds.UpdatedAt)
}

// read copies what a shop shows. After somebody else's change, the secret is unknown. So the state drops it,
// and the next plan writes it again (I4).
func (m *checkoutCredentialsModel) read(holds mystore.Credentials) {
	if m.changedOutside(holds) || holds.Secret == mystore.SecretMissing {
		m.Secret = types.StringNull()
		m.SecretWOVersion = types.Int64Null()
	}
	m.ID = m.Shop
	m.KustomID = nullWhenEmpty(holds.KustomID)
	if m.changedOutside(holds) {
		m.UpdatedAt = nullWhenEmpty(holds.UpdatedAt)
	}
}

func (m checkoutCredentialsModel) identity() checkoutCredentialsIdentity {
	return checkoutCredentialsIdentity{Shop: m.Shop}
}

// checkSecretEnvironment rejects a secret of the other environment. An ID of that environment has already been
// rejected.
func checkSecretEnvironment(diags *diag.Diagnostics, environment *kustom.Environment, config checkoutCredentialsModel) {
	at, secret := config.secret()
	checkSecretAt(diags, at, environment, secret)
}

// secret returns the configured secret and its attribute.
func (m checkoutCredentialsModel) secret() (path.Path, types.String) {
	if m.Secret.IsNull() {
		return path.Root("kustom_secret_wo"), m.SecretWO
	}
	return path.Root("kustom_secret"), m.Secret
}

// validatePair finds visible mistakes in a configuration, and reports one of them. No message quotes a possible
// secret (I2).
func validatePair(diags *diag.Diagnostics, config checkoutCredentialsModel) {
	if validateOneSecret(diags, config); diags.HasError() {
		return
	}
	at, secret := config.secret()
	validatePairAt(diags, config.KustomID, at, secret)
}

// validateOneSecret checks that exactly one of the two secrets is set, and the version with the write-only one.
func validateOneSecret(diags *diag.Diagnostics, config checkoutCredentialsModel) {
	plain, writeOnly, version := config.Secret, config.SecretWO, config.SecretWOVersion
	switch {
	case plain.IsUnknown() || writeOnly.IsUnknown():
	case !plain.IsNull() && !writeOnly.IsNull():
		twoSecrets().addTo(diags, path.Root("kustom_secret_wo"))
	case plain.IsNull() && writeOnly.IsNull():
		secretMissing("Neither kustom_secret nor kustom_secret_wo has a value.").addTo(diags, path.Root("kustom_secret"))
	case !writeOnly.IsNull() && version.IsNull():
		secretVersionMissing().addTo(diags, path.Root("kustom_secret_wo_version"))
	case writeOnly.IsNull() && !version.IsNull():
		versionWithoutSecret().addTo(diags, path.Root("kustom_secret_wo_version"))
	}
}
