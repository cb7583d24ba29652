package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
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
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure   = (*apiKeysExclusiveResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*apiKeysExclusiveResource)(nil)
	_ resource.ResourceWithImportState = (*apiKeysExclusiveResource)(nil)
	_ resource.ResourceWithIdentity    = (*apiKeysExclusiveResource)(nil)
)

// keyInventory lists a store's keys, and knows which of them this run has made.
type keyInventory interface {
	keyLister
	Made(credentialID string) bool
}

// retirer deletes a key that no shop uses.
type retirer interface {
	Retire(ctx context.Context, key kustom.Orphan) error
}

type apiKeysExclusiveResource struct {
	keys        keyInventory
	shops       holderLister
	guard       keyGuard
	retirer     retirer
	clock       clock.Clock
	environment *kustom.Environment
}

func newAPIKeysExclusiveResource() resource.Resource { return &apiKeysExclusiveResource{} }

type apiKeysExclusiveModel struct {
	ID         types.String   `tfsdk:"id"`
	MerchantID types.String   `tfsdk:"merchant_id"`
	KeyIDs     types.Set      `tfsdk:"key_ids"`
	Deletes    types.List     `tfsdk:"deletes"`
	Timeouts   timeouts.Value `tfsdk:"timeouts"`
}

type apiKeysExclusiveIdentity struct {
	MerchantID types.String `tfsdk:"merchant_id"`
}

func (r *apiKeysExclusiveResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_keys_exclusive"
}

func (r *apiKeysExclusiveResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Keeps a store free of keys that nobody knows of: **every key of the store but those in `key_ids` is deleted**, " +
			"whoever made it and whatever host it belongs to. Use it where keys are left behind by people or by a run that was killed, and none must stay " +
			"alive that nobody knows of.\n\nThe plan names each key that will be deleted, with its last use. A key that turns up " +
			"later is in the next plan, and is not deleted before.\n\nA key that a shop named in the provider's `mystore_tokens` uses is not deleted: the apply " +
			"waits for the shop to get another key and, if it does not, fails with an error that names the shop. The other keys " +
			"are deleted all the same. Name every shop in `mystore_tokens`: **a shop that the provider can't see loses its key** " +
			"if `key_ids` does not have it.\n\nThere must be one such resource for a store, in one configuration. Destroying it " +
			"deletes no key.\n\nThe first plan for a store looks at the portal, and so does its apply. If somebody makes or deletes a " +
			"key of the store in between, or another resource deletes one in the same apply, Terraform refuses the plan, and another " +
			"one is needed. If `key_ids` was not known in that plan, the apply deletes what other keys the store has by then. " +
			"Neither concerns a store that is imported: its apply goes by what the plan has found, as every later one does.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The merchant ID, which is also the import ID.",
			},
			"merchant_id": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the playground. Changing it lets " +
					"go of the old store, whose keys all stay, and takes charge of the new one.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{merchantIDValidator{}},
			},
			"key_ids": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The keys that the store keeps, at least one: what `kustom_api_key` and `kustom_mystore_connection` call " +
					"`credential_id`. A key that the store does not have is an error, before any other is deleted. When one of them is " +
					"known only after the apply, `deletes` is known only then too, unless the store has no key that could go; a " +
					"warning in the plan then lists the keys that it is about.",
				Validators: []validator.Set{
					setvalidator.SizeAtLeast(1), setvalidator.NoNullValues(), setvalidator.ValueStringsAre(credentialIDValidator{}),
				},
			},
			"deletes": schema.ListNestedAttribute{
				Computed: true,
				MarkdownDescription: "The keys that the planned apply will delete or, afterwards, that the last one has deleted. The oldest " +
					"comes first.",
				NestedObject: schema.NestedAttributeObject{Attributes: deletedKeyAttributes()},
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true,
				CreateDescription: "How long to wait for shops that still use a key to get another one, before its deletion is refused, " +
					"and for the deletions themselves. Default `2m`.",
				ReadDescription: "How long reading the keys, and which shops use them, may take. Default `2m`.",
				UpdateDescription: "How long to wait for shops that still use a key to get another one, before its deletion is refused, " +
					"and for the deletions themselves. Default `2m`.",
			}),
		},
	}
}

func (r *apiKeysExclusiveResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"merchant_id": identityschema.StringAttribute{RequiredForImport: true, Description: "Merchant ID of the store."},
	}}
}

func (r *apiKeysExclusiveResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b, err := backendOf(req.ProviderData)
	if err != nil {
		resp.Diagnostics.AddError("Unexpected provider data", err.Error())
	}
	if b == nil {
		return
	}
	r.keys, r.shops, r.guard, r.retirer = b.keys, b.shops, b.shops, b.connector
	r.clock, r.environment = b.clock, b.environment
}

// ModifyPlan says which keys will be deleted. For an object that exists it looks only at what Read
// has found: a plan that is saved today and applied tomorrow must come to the same result.
func (r *apiKeysExclusiveResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.keys == nil {
		return
	}
	var plan apiKeysExclusiveModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.environment, "store", plan.MerchantID)
	plan.ID = plan.MerchantID
	plan.Deletes = types.ListUnknown(deletedKeyType())
	if req.State.Raw.IsNull() {
		r.planCreate(ctx, &plan, &resp.Diagnostics)
	} else {
		var state apiKeysExclusiveModel
		resp.Diagnostics.Append(load(ctx, req.State, &state)...)
		r.planUpdate(ctx, recallKeys(ctx, req.Private, &resp.Diagnostics), &plan, state, &resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(store(ctx, &resp.Plan, plan)...)
	}
}

// planCreate looks at the store itself, and does so again at apply. What it finds then has changed,
// where it has, because somebody else has touched the store's keys; Terraform refuses such a plan.
// That a shop has got another key meanwhile is no such change, so the last use of a key that a shop
// holds is left open.
func (r *apiKeysExclusiveResource) planCreate(ctx context.Context, plan *apiKeysExclusiveModel, diags *diag.Diagnostics) {
	if plan.MerchantID.IsUnknown() || diags.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultKeyReadTimeout)
	defer cancel()
	found, at, err := r.inventory(ctx, plan.MerchantID.ValueString())
	if isUnknown(err) {
		return
	}
	if err != nil {
		report(diags, at, "API keys not read", err)
		return
	}
	if plan.checkKept(found, diags); diags.HasError() {
		return
	}
	plan.announce(ctx, r.notMade(found), storeKey.lastUseUnlessHeld, diags)
	plan.warnOfHeld(r.notMade(found), diags)
}

func (r *apiKeysExclusiveResource) planUpdate(ctx context.Context, found []storeKey, plan *apiKeysExclusiveModel, state apiKeysExclusiveModel, diags *diag.Diagnostics) {
	if !plan.MerchantID.Equal(state.MerchantID) {
		// It is replaced, and planned once more as a creation.
		return
	}
	if plan.KeyIDs.Equal(state.KeyIDs) {
		plan.Deletes = state.Deletes
		return
	}
	plan.announce(ctx, found, storeKey.lastUse, diags)
}

// announce plans what becomes of the keys that were found.
func (m *apiKeysExclusiveModel) announce(ctx context.Context, found []storeKey, lastUse func(storeKey) types.String, diags *diag.Diagnostics) {
	kept, certain := m.kept()
	others := without(found, kept)
	if !certain && len(others) > 0 {
		m.warnOfUndecided(others, diags)
		return
	}
	m.Deletes = deletedKeys(ctx, others, lastUse, diags)
}

func (m *apiKeysExclusiveModel) warnOfUndecided(keys []storeKey, diags *diag.Diagnostics) {
	diags.AddAttributeWarning(path.Root("key_ids"), "Keys to delete not known yet",
		fmt.Sprintf("Which keys store %s keeps is known only during the apply, and so is which of these it deletes. It deletes those "+
			"that key_ids does not name then:\n\n%s", m.MerchantID.ValueString(), listed(keys)))
}

// warnOfHeld tells what the plan of a creation does not show.
func (m *apiKeysExclusiveModel) warnOfHeld(found []storeKey, diags *diag.Diagnostics) {
	kept, certain := m.kept()
	var held []storeKey
	for _, key := range without(found, kept) {
		if len(key.Shops) > 0 {
			held = append(held, key)
		}
	}
	if !certain || len(held) == 0 {
		return
	}
	diags.AddAttributeWarning(path.Root("key_ids"), "Keys to delete are in use",
		fmt.Sprintf("Shops take payments with keys that store %s is not to keep. They are deleted when the shops have got other keys; "+
			"the apply waits for that and, if it does not happen, fails:\n\n%s", m.MerchantID.ValueString(), listed(held)))
}

func (r *apiKeysExclusiveResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan apiKeysExclusiveModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultKeyDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	left := r.enforce(ctx, &plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		// There is nothing to remember: the next apply begins anew.
		return
	}
	resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
	keepKeys(ctx, left, resp.Private, &resp.Diagnostics)
}

// Read takes the keys that the store has for those that it keeps, so that every other one, and every
// one that is missing, is a difference to the configuration.
func (r *apiKeysExclusiveResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state apiKeysExclusiveModel
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultKeyReadTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	found, at, err := r.inventory(ctx, state.MerchantID.ValueString())
	if err != nil {
		report(&resp.Diagnostics, at, "API keys not read", err)
		return
	}
	present, diags := types.SetValueFrom(ctx, types.StringType, credentialIDs(found))
	resp.Diagnostics.Append(diags...)
	if !present.Equal(state.KeyIDs) {
		// What an earlier apply has deleted would be in the way of seeing what the next one deletes.
		state.Deletes = deletedKeys(ctx, nil, storeKey.lastUse, &resp.Diagnostics)
	}
	state.KeyIDs = present
	resp.Diagnostics.Append(store(ctx, &resp.State, state)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, state.identity())...)
	keepKeys(ctx, found, resp.Private, &resp.Diagnostics)
}

func (r *apiKeysExclusiveResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state apiKeysExclusiveModel
	resp.Diagnostics.Append(load(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(load(ctx, req.State, &state)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultKeyDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
	if plan.KeyIDs.Equal(state.KeyIDs) {
		resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, timeout)
	defer cancel()
	left := r.enforce(ctx, &plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(store(ctx, &resp.State, plan)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, plan.identity())...)
	keepKeys(ctx, left, resp.Private, &resp.Diagnostics)
}

// Delete lets go of the store, and leaves its keys as they are.
func (r *apiKeysExclusiveResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

func (r *apiKeysExclusiveResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	merchantID := importID(ctx, req, &resp.Diagnostics, "merchant_id")
	if !isMerchantID(merchantID) {
		resp.Diagnostics.AddError("Malformed import ID",
			malformedID(merchantID, "the import ID of a store's keys, which is its merchant ID, such as M00123456.").Error())
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), merchantID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	resp.Diagnostics.Append(store(ctx, resp.Identity, apiKeysExclusiveIdentity{types.StringValue(merchantID)})...)
}

func (m apiKeysExclusiveModel) identity() apiKeysExclusiveIdentity {
	return apiKeysExclusiveIdentity{MerchantID: m.MerchantID}
}

// enforce deletes the keys that the plan has announced, once it is sure that the store has those that
// stay. It returns the keys that are left.
func (r *apiKeysExclusiveResource) enforce(ctx context.Context, plan *apiKeysExclusiveModel, diags *diag.Diagnostics) []storeKey {
	found, at, err := r.inventory(ctx, plan.MerchantID.ValueString())
	if err != nil {
		report(diags, at, "API keys not read", err)
		return nil
	}
	plan.checkKept(found, diags)
	announced := plan.settle(ctx, diags)
	if diags.HasError() {
		return nil
	}
	var doomed []storeKey
	for _, key := range r.notMade(found) {
		if announced[key.CredentialID] {
			doomed = append(doomed, key)
		}
	}
	for i, err := range r.deleteKeys(ctx, plan.MerchantID.ValueString(), doomed) {
		if err != nil {
			diags.AddError("API key not deleted", doomed[i].whyKept(err)+"\n\n"+original(err))
		}
	}
	return without(found, announced)
}

// deleteKeys deletes keys, and returns for each what has kept it from being deleted. It waits for the
// shops that still use one of them to get another, beside each other and beside the deletions: that
// one shop does not move must not keep the rest.
func (r *apiKeysExclusiveResource) deleteKeys(ctx context.Context, merchantID string, keys []storeKey) []error {
	errs := make([]error, len(keys))
	var waits sync.WaitGroup
	for i, key := range keys {
		orphan := kustom.Orphan{MerchantID: merchantID, CredentialID: key.CredentialID, Username: key.Username}
		errs[i] = r.retirer.Retire(ctx, orphan)
		var held *rotation.HeldError
		if errors.As(errs[i], &held) {
			waits.Go(func() {
				if errs[i] = r.guard.AwaitRelease(ctx, key.Username); errs[i] == nil {
					errs[i] = r.retirer.Retire(ctx, orphan)
				}
			})
		}
	}
	waits.Wait()
	return errs
}

// whyKept says of a key that was not deleted why, and what to do.
func (k storeKey) whyKept(err error) string {
	var held *rotation.HeldError
	if errors.As(err, &held) {
		return fmt.Sprintf("The key %s was not deleted, because shop %s takes payments with it, and did not get another key in time. The "+
			"store's other keys are not affected.\n\nGive the shop another key, under Extensions → Your extensions → Klarna Checkout "+
			"V3 → Credentials or by applying the resource that it belongs to, and run again. If the store is to keep this key, add %s "+
			"to key_ids.", k.Username, strings.Join(held.Shops, ", "), k.CredentialID)
	}
	var unseen *rotation.UnseenError
	if errors.As(err, &unseen) {
		return fmt.Sprintf("The key %s was not deleted, because not every shop that the provider has access to could be asked whether it uses it. %s",
			k.Username, advise(unseen.Cause).text)
	}
	return fmt.Sprintf("The key %s was not deleted. %s", k.Username, advise(err).text)
}
