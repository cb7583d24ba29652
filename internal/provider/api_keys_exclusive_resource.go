package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure   = (*apiKeysExclusiveResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*apiKeysExclusiveResource)(nil)
	_ resource.ResourceWithImportState = (*apiKeysExclusiveResource)(nil)
	_ resource.ResourceWithIdentity    = (*apiKeysExclusiveResource)(nil)
)

type apiKeysExclusiveResource struct{ configuredResource }

func newAPIKeysExclusiveResource() resource.Resource { return &apiKeysExclusiveResource{} }

type apiKeysExclusiveModel struct {
	ID               types.String `tfsdk:"id"`
	MerchantID       types.String `tfsdk:"merchant_id"`
	CredentialIDs    types.Set    `tfsdk:"credential_ids"`
	KeysToDelete     types.Set    `tfsdk:"keys_to_delete"`
	DeleteUnverified types.Bool   `tfsdk:"delete_unverified"`
	UnusedFor        types.String `tfsdk:"unused_for"`
	timedModel
}

type apiKeysExclusiveIdentity struct {
	MerchantID types.String `tfsdk:"merchant_id"`
}

// inventoryKey is the key, in private state, of the keys that Read found. ModifyPlan uses them.
const inventoryKey = "inventory"

func (r *apiKeysExclusiveResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_keys_exclusive"
}

func (r *apiKeysExclusiveResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Keeps a store free of unknown keys: **it deletes every key of the store that is not in " +
			"`credential_ids`**. The key's host, and who generated it, make no difference. Use it if people or " +
			"interrupted runs leave keys behind.\n\n" +
			"The plan names each key that it deletes, with its last use. If a key appears after the plan, the apply does " +
			"not delete it. The next plan names it.\n\n" +
			"The provider does not delete a key that is less than an hour old and was never installed in a shop, because " +
			"another run may be about to install it. The apply then deletes the other keys and fails. The error says " +
			"when the provider can delete the key.\n\n" +
			"The provider does not delete a key that a shop uses. The apply waits until the shop gets another key. If " +
			"the shop does not, the apply deletes the other keys and fails, and the error names the shop. If the " +
			"provider can't ask any shop, it deletes no key, unless you set `unused_for` or `delete_unverified`. Name " +
			"every shop in `mystore_tokens`. **If the provider can't ask a shop, it may delete that shop's key**, unless " +
			"the key is in `credential_ids`.\n\n" +
			"Use one such resource for each store, in one configuration. It deletes no key when you destroy it.\n\n" +
			"The first plan for a store and its apply both read the portal. Terraform rejects the plan if someone " +
			"generates or deletes a key of the store in between, or if another resource deletes one in the same apply. " +
			"Then plan again. If `credential_ids` was unknown in that plan, the apply deletes all other keys that the " +
			"store has at that moment. After an import, and in every later plan, the apply uses the keys that the plan " +
			"found.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The merchant ID. This is also the import ID.",
			},
			"merchant_id": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the " +
					"playground. After a change, the resource manages the new store. It deletes no key of the old store.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{merchantIDValidator{}},
			},
			"credential_ids": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The IDs of the keys that the store keeps, at least one: the `credential_id` of a " +
					"`kustom_api_key` or a `kustom_mystore_connection`. If the store does not have one of these keys, " +
					"you get an error, and the provider deletes nothing. If an ID is known only after the apply, " +
					"`keys_to_delete` is unknown in the plan too, unless there is no key to delete. A warning in the " +
					"plan then lists the keys that the apply may delete.",
				Validators: []validator.Set{
					setvalidator.SizeAtLeast(1), setvalidator.NoNullValues(), setvalidator.ValueStringsAre(credentialIDValidator{}),
				},
			},
			"keys_to_delete": schema.SetNestedAttribute{
				Computed: true,
				MarkdownDescription: "The keys that the planned apply deletes. After an apply: the keys that it deleted. " +
					"A warning in the plan says when each key was last used.",
				CustomType:   types.SetType{ElemType: keyRefType},
				NestedObject: schema.NestedAttributeObject{CustomType: keyRefType, Attributes: keyRefAttributes()},
			},
			"delete_unverified": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the provider may delete keys although it can't ask any shop. Default " +
					"`false`. With `true`, **a shop's checkout may stop**.",
			},
			"unused_for": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The time without use that counts as proof that no shop uses a key, as a duration " +
					"such as `720h`. The provider needs it only if it can't ask any shop, or if a shop does not answer. " +
					"It then deletes a key that the portal shows as unused for this time. Default: the time without use " +
					"does not count.",
				Validators: []validator.String{durationValidator{}},
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeouts.Block(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true,
				CreateDescription: "The maximum time to wait until no shop uses the keys, and to delete them. After " +
					"that, the deletion fails. Default `2m`.",
				ReadDescription: "The maximum time to read the keys and the shops that use them. Default `2m`.",
				UpdateDescription: "The maximum time to wait until no shop uses the keys, and to delete them. After " +
					"that, the deletion fails. Default `2m`.",
			}),
		},
	}
}

func (r *apiKeysExclusiveResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"merchant_id": identityschema.StringAttribute{RequiredForImport: true, Description: "Merchant ID (MID) of the " +
			"store."},
	}}
}

// ModifyPlan says which keys will be deleted. For an existing object it uses only what Read found, so a saved
// plan and its apply agree.
func (r *apiKeysExclusiveResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.engine == nil {
		return
	}
	plan := load[apiKeysExclusiveModel](ctx, req.Plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), r.environment, "store", plan.MerchantID)
	plan.ID = plan.MerchantID
	plan.KeysToDelete = types.SetUnknown(keyRefType)
	if req.State.Raw.IsNull() {
		r.planCreate(ctx, &plan, &resp.Diagnostics)
	} else {
		state := load[apiKeysExclusiveModel](ctx, req.State, &resp.Diagnostics)
		r.planUpdate(readInventory(ctx, req.Private, &resp.Diagnostics), &plan, state, &resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		store(ctx, &resp.Plan, plan, &resp.Diagnostics)
	}
}

// planCreate reads the store itself, at plan and at apply. If the two differ, somebody else has changed the
// store's keys, and Terraform rejects the plan.
func (r *apiKeysExclusiveResource) planCreate(ctx context.Context, plan *apiKeysExclusiveModel, diags *diag.Diagnostics) {
	if plan.MerchantID.IsUnknown() || diags.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, r.clock, defaultKeyReadTimeout)
	defer cancel()
	found, known := r.inventory(ctx, plan.MerchantID.ValueString(), diags)
	if !known {
		return
	}
	if plan.checkKept(found, diags); diags.HasError() {
		return
	}
	r.planDeletions(plan, r.engine.NotGenerated(found), diags)
}

// planUpdate plans from the keys that Read found. It does not read the store's keys again, so the plan and its apply
// agree.
func (r *apiKeysExclusiveResource) planUpdate(found []rotation.StoreKey, plan *apiKeysExclusiveModel, state apiKeysExclusiveModel, diags *diag.Diagnostics) {
	if !plan.MerchantID.Equal(state.MerchantID) {
		// The object is replaced, so Terraform plans it once more as a creation.
		return
	}
	if plan.CredentialIDs.Equal(state.CredentialIDs) {
		plan.KeysToDelete = state.KeysToDelete
		return
	}
	r.planDeletions(plan, found, diags)
}

// planDeletions plans the deletion of the found keys that the store does not keep.
func (r *apiKeysExclusiveResource) planDeletions(plan *apiKeysExclusiveModel, found []rotation.StoreKey, diags *diag.Diagnostics) {
	kept, certain := plan.kept()
	others := without(found, kept)
	if len(others) == 0 {
		plan.KeysToDelete = keySet(nil)
		return
	}
	if !certain {
		keysToDeleteUnknown(plan.MerchantID.ValueString(), listed(others)).addTo(diags, path.Root("credential_ids"))
		return
	}
	plan.KeysToDelete = keySet(refs(others))
	r.warnOfDeletions(plan, others, diags)
}

// warnOfDeletions names the keys to delete and their last use, and says if the apply is bound to refuse that.
func (r *apiKeysExclusiveResource) warnOfDeletions(plan *apiKeysExclusiveModel, keys []rotation.StoreKey, diags *diag.Diagnostics) {
	text := fmt.Sprintf("Store %s: %s will be deleted:\n\n%s", plan.MerchantID.ValueString(), count(len(keys), "key"), listed(keys))
	if slices.ContainsFunc(keys, func(key rotation.StoreKey) bool { return len(key.Shops) > 0 }) {
		text += "\n\n" +
			"Shops take payments with some of these keys. The apply waits until the shops get other keys, and then " +
			"deletes these keys. If a shop gets no other key, the apply fails."
	}
	if slices.ContainsFunc(keys, func(key rotation.StoreKey) bool { return !key.YoungUntil.IsZero() }) {
		text += "\n\n" +
			"Some of these keys are less than an hour old, and another run may be about to install them. If they are " +
			"still that young when you apply, the apply does not delete them, and fails."
	}
	if !plan.DeleteUnverified.ValueBool() {
		blocked, by := r.engine.Shops.Blocked(refs(keys))
		if told := describeBlocked(blocked, by, waysToDeleteOthers); told != "" {
			text += "\n\n" + told
		}
	}
	keysDeleted(text).addTo(diags, path.Root("credential_ids"))
}

func (r *apiKeysExclusiveResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, ctx, cancel := begin[apiKeysExclusiveModel](ctx, r.clock, req.Plan, timeouts.Value.Create, defaultKeyDeleteTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	left := r.deletePlanned(ctx, &plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		// There is nothing to save: the next apply starts from the beginning.
		return
	}
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	writeInventory(ctx, left, resp.Private, &resp.Diagnostics)
}

// Read stores the store's keys as the kept ones, so that each additional or missing key is a difference to the
// configuration.
func (r *apiKeysExclusiveResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, ctx, cancel := begin[apiKeysExclusiveModel](ctx, r.clock, req.State, timeouts.Value.Read, defaultKeyReadTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	found, known := r.inventory(ctx, state.MerchantID.ValueString(), &resp.Diagnostics)
	if !known {
		return
	}
	present, diags := types.SetValueFrom(ctx, types.StringType, credentialIDs(found))
	resp.Diagnostics.Append(diags...)
	if !present.Equal(state.CredentialIDs) {
		// The deletions of an earlier apply would hide those of the next one.
		state.KeysToDelete = keySet(nil)
	}
	state.CredentialIDs = present
	if state.DeleteUnverified.IsNull() {
		state.DeleteUnverified = types.BoolValue(false)
	}
	store(ctx, &resp.State, state, &resp.Diagnostics)
	store(ctx, resp.Identity, state.identity(), &resp.Diagnostics)
	writeInventory(ctx, found, resp.Private, &resp.Diagnostics)
}

func (r *apiKeysExclusiveResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, ctx, cancel := begin[apiKeysExclusiveModel](ctx, r.clock, req.Plan, timeouts.Value.Update, defaultKeyDeleteTimeout, &resp.Diagnostics)
	defer cancel()
	state := load[apiKeysExclusiveModel](ctx, req.State, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	if plan.CredentialIDs.Equal(state.CredentialIDs) {
		store(ctx, &resp.State, plan, &resp.Diagnostics)
		return
	}
	left := r.deletePlanned(ctx, &plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	store(ctx, &resp.State, plan, &resp.Diagnostics)
	store(ctx, resp.Identity, plan.identity(), &resp.Diagnostics)
	writeInventory(ctx, left, resp.Private, &resp.Diagnostics)
}

// Delete removes the object and leaves the store's keys as they are.
func (r *apiKeysExclusiveResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

func (r *apiKeysExclusiveResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	merchantID := importID(ctx, req, &resp.Diagnostics, "merchant_id")
	if !isMerchantID(merchantID) {
		malformedImportID(malformedID(merchantID, "the import ID of a store's keys, which is its merchant ID, such as M00123456.").Error()).
			addTo(&resp.Diagnostics, path.Empty())
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), merchantID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("merchant_id"), merchantID)...)
	store(ctx, resp.Identity, apiKeysExclusiveIdentity{types.StringValue(merchantID)}, &resp.Diagnostics)
}

func (m apiKeysExclusiveModel) identity() apiKeysExclusiveIdentity {
	return apiKeysExclusiveIdentity{MerchantID: m.MerchantID}
}

// deletePlanned deletes the planned keys, after it has checked that the store has the kept ones. It returns the keys
// that are left.
func (r *apiKeysExclusiveResource) deletePlanned(ctx context.Context, plan *apiKeysExclusiveModel, diags *diag.Diagnostics) []rotation.StoreKey {
	found, known := r.inventory(ctx, plan.MerchantID.ValueString(), diags)
	if !known {
		return nil
	}
	plan.checkKept(found, diags)
	announced := map[string]bool{}
	for _, key := range keyRefs(plan.KeysToDelete, diags) {
		announced[key.CredentialID] = true
	}
	if diags.HasError() {
		return nil
	}
	var toDelete []rotation.StoreKey
	for _, key := range r.engine.NotGenerated(found) {
		if announced[key.CredentialID] {
			toDelete = append(toDelete, key)
		}
	}
	evidence := rotation.Evidence{UnusedFor: durationOf(plan.UnusedFor), Unverified: plan.DeleteUnverified.ValueBool()}
	for i, err := range r.engine.DeleteAll(ctx, toDelete, evidence) {
		if err != nil {
			m := keyNotDeleted().because(keptMessage(toDelete[i], err))
			m.details = paragraphs(m.details, describeCause(err))
			m.addTo(diags, path.Empty())
		}
	}
	return without(found, announced)
}

// inventory returns the store's keys and warns about unreadable shops. Known is false if the keys could not be
// read, or if a setting of the provider is not known yet.
func (r *apiKeysExclusiveResource) inventory(ctx context.Context, merchantID string, diags *diag.Diagnostics) (found []rotation.StoreKey, known bool) {
	found, unread, err := r.engine.Inventory(ctx, merchantID)
	if err != nil && !isUnknown(err) {
		report(diags, path.Root("merchant_id"), keysNotRead(), err)
	}
	warnOfUnread(diags, unread)
	addEngineWarnings(r.engine, diags)
	return found, err == nil
}

// keptMessage says why a key was not deleted, and what to do.
func keptMessage(k rotation.StoreKey, err error) message {
	if shops := inUseBy(err); len(shops) > 0 {
		return keyInUseOfStore(k.Username, strings.Join(shops, ", "), k.CredentialID)
	}
	var unknown *rotation.KeyUsageUnknownError
	if errors.As(err, &unknown) && len(unknown.Shops) == 0 && unknown.Cause == nil {
		return keyWithoutShopToAsk(k.Username, waysToDeleteOthers)
	}
	m := advise(err)
	if !strings.HasPrefix(m.why, "The key ") {
		m.why = fmt.Sprintf("The key %s was not deleted. %s", k.Username, m.why)
	}
	return m
}

// without returns the keys without those with the given IDs.
func without(keys []rotation.StoreKey, ids map[string]bool) []rotation.StoreKey {
	return slices.DeleteFunc(slices.Clone(keys), func(k rotation.StoreKey) bool { return ids[k.CredentialID] })
}

func credentialIDs(keys []rotation.StoreKey) []string {
	list := make([]string, 0, len(keys))
	for _, key := range keys {
		list = append(list, key.CredentialID)
	}
	return list
}

// refs returns the references of the keys.
func refs(keys []rotation.StoreKey) []rotation.KeyRef {
	list := make([]rotation.KeyRef, 0, len(keys))
	for _, key := range keys {
		list = append(list, key.KeyRef)
	}
	return list
}

// kept returns the known IDs of the kept keys, and whether all are known.
func (m *apiKeysExclusiveModel) kept() (ids map[string]bool, certain bool) {
	ids, certain = map[string]bool{}, !m.CredentialIDs.IsUnknown()
	for _, element := range m.CredentialIDs.Elements() {
		id, ok := element.(types.String)
		if !ok || id.IsUnknown() {
			certain = false
			continue
		}
		ids[id.ValueString()] = true
	}
	return ids, certain
}

// checkKept checks that the store has the kept keys. A mistyped one is probably among those to delete.
func (m *apiKeysExclusiveModel) checkKept(found []rotation.StoreKey, diags *diag.Diagnostics) {
	missing, _ := m.kept()
	for _, key := range found {
		delete(missing, key.CredentialID)
	}
	if len(missing) == 0 {
		return
	}
	var names []string
	for id := range missing {
		names = append(names, id)
	}
	slices.Sort(names)
	noSuchKeys(m.MerchantID.ValueString(), strings.Join(names, ", ")).addTo(diags, path.Root("credential_ids"))
}

// listed lists keys for the user, one on each line.
func listed(keys []rotation.StoreKey) string {
	lines := make([]string, 0, len(keys))
	for _, key := range keys {
		lines = append(lines, fmt.Sprintf("  - %s (%s)", key.Username, describeKey(key)))
	}
	return strings.Join(lines, "\n")
}

// describeKey returns what a user needs to know about a key before its deletion.
func describeKey(key rotation.StoreKey) string {
	use := "never used"
	switch {
	case len(key.Shops) > 0:
		use = "in use by shop " + strings.Join(key.Shops, ", ")
	case !key.YoungUntil.IsZero():
		use = "less than an hour old"
	case key.LastUsedAt != nil:
		use = "last use: " + key.LastUsedAt.Format(time.DateOnly)
	}
	if key.Host == "" {
		return use
	}
	return key.Host + ", " + use
}

// readInventory returns the keys that Read found.
func readInventory(ctx context.Context, private privateState, diags *diag.Diagnostics) []rotation.StoreKey {
	return readPrivate[[]rotation.StoreKey](ctx, private, inventoryKey, diags)
}

// writeInventory saves the keys for the next plan.
func writeInventory(ctx context.Context, keys []rotation.StoreKey, private privateState, diags *diag.Diagnostics) {
	writePrivate(ctx, private, inventoryKey, keys, diags)
}
