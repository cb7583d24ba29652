package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// connectedShop has the arguments and computed values of a connection, or of each shop of a fleet.
type connectedShop struct {
	MerchantID        types.String `tfsdk:"merchant_id"`
	Description       types.String `tfsdk:"description"`
	RotateWhenChanged types.Map    `tfsdk:"rotate_when_changed"`
	CredentialID      types.String `tfsdk:"credential_id"`
	Username          types.String `tfsdk:"username"`
	Host              types.String `tfsdk:"host"`
	CreatedAt         types.String `tfsdk:"created_at"`
	ExpiresAt         types.String `tfsdk:"expires_at"`
	Reason            types.String `tfsdk:"reason"`
	KeysToDelete      types.Set    `tfsdk:"keys_to_delete"`
	KeysKept          types.Set    `tfsdk:"keys_kept"`
	KeysLeft          types.Set    `tfsdk:"keys_left"`
	PreviousUsername  types.String `tfsdk:"previous_username"`
}

// connectedShopAttributes are the attributes of a connectedShop. The nested attributes name their types, which
// are the default ones. Without that, the framework builds each type again for every value, and a refresh and plan of
// a fleet of 1,000 shops takes 1.4 times the CPU. No upstream issue is known.
func connectedShopAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"merchant_id": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the " +
				"playground. If the shop's current key belongs to another store, the plan is an error, unless you set " +
				"`allow_store_change`: the shop's payments would go to another merchant.",
			Validators: []validator.String{merchantIDValidator{}},
		},
		"description": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "The text that the portal shows beside the key: up to 100 letters, digits, spaces and " +
				"`-:;.,_`. Default for a new key: `terraform`. A change rotates the key.",
			Validators: []validator.String{descriptionValidator{}},
		},
		"rotate_when_changed": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Any values that you choose, such as a date or a ticket number. A change rotates the " +
				"key. The first values that you give to an imported connection do not. An empty map counts as no map. " +
				"Default: none.",
		},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host": schema.StringAttribute{
			Computed: true, MarkdownDescription: "The API host that the key belongs to. Null if the portal does not show it.",
		},
		"created_at": schema.StringAttribute{Computed: true, MarkdownDescription: "The time when the key was generated " +
			"(RFC 3339)."},
		"expires_at": schema.StringAttribute{
			Computed: true, MarkdownDescription: "The time when the key expires (RFC 3339). Null if it does not expire, " +
				"or if the portal does not show it.",
		},
		"reason": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Why the planned apply changes the shop's keys, or why the last apply changed them.",
		},
		"keys_to_delete": keySetAttribute(keyRefType, keyRefAttributes(), "The keys that the planned apply deletes. "+
			"After an apply: the keys of the last change. If a key has `waits_for`, a later apply deletes it."),
		"keys_kept": keySetAttribute(keyRefType, keyRefAttributes(), "The keys that the planned apply replaces but "+
			"leaves in the portal. After an apply: the keys that the last change left there."),
		"keys_left": keySetAttribute(leftKeyType, leftKeyAttributes(), "The keys of `keys_to_delete` that are still in "+
			"the portal after the apply, because their deletion waits or has failed. The next apply tries again. Empty "+
			"if there is no such key."),
		"previous_username": schema.StringAttribute{
			Computed: true,
			MarkdownDescription: "The username of the key that the planned apply replaces. After an apply: the username " +
				"of the key that the shop had before. Null if the shop had no key, or if its page does not show the key.",
		},
	}
}

// connectionRules say how shops are connected, and what happens to keys and shops that leave.
type connectionRules struct {
	RotateAfterDays    types.Int64  `tfsdk:"rotate_after_days"`
	RotateBeforeExpiry types.String `tfsdk:"rotate_before_expiry"`
	ReplacedKeyPolicy  types.String `tfsdk:"replaced_key_policy"`
	UnusedFor          types.String `tfsdk:"unused_for"`
	AllowStoreChange   types.Bool   `tfsdk:"allow_store_change"`
	DeletionPolicy     types.String `tfsdk:"deletion_policy"`
}

const (
	// maxRotationDays bounds the age of a key, in days: a hundred years.
	maxRotationDays = 36_500
	// defaultUnusedFor is the default time for which a key must be unused.
	defaultUnusedFor = "24h"
)

func connectionRulesAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"rotate_after_days":    rotateAfterDaysAttribute(),
		"rotate_before_expiry": rotateBeforeExpiryAttribute(),
		"replaced_key_policy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(rotation.DeleteKeys)),
			MarkdownDescription: "What happens to a key that the shop no longer uses. `delete` (default) deletes it " +
				"immediately. `keep` leaves it in the portal. `delete_when_unused` deletes it when the portal has shown " +
				"no use of it for `unused_for`. Choose that if another system, such as accounting, may use the same key. " +
				"The key then stays in `keys_to_delete`, and a later apply deletes it. If you change `keep` to `delete`, " +
				"the provider deletes the keys that it kept. The provider never deletes a key that another shop still " +
				"uses. It deletes a key of another store only if this resource generated it.",
			Validators: []validator.String{stringvalidator.OneOf(
				string(rotation.DeleteKeys), string(rotation.KeepKeys), string(rotation.DeleteUnusedKeys))},
		},
		"unused_for": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(defaultUnusedFor),
			MarkdownDescription: "The time without use after which `delete_when_unused` deletes a replaced key, as a " +
				"duration such as `24h` (default) or `720h`. The portal's *Last used* decides.",
			Validators: []validator.String{durationValidator{}},
		},
		"allow_store_change": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether a shop may get a key of another store than the one that its current key " +
				"belongs to. Default `false`: such a plan is an error, because **the shop's payments would go to another " +
				"merchant**.",
		},
		"deletion_policy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(deletionRetain),
			MarkdownDescription: "What happens to the shop when you destroy this resource. `retain` (default) leaves the " +
				"shop and its key as they are. `clear` removes the shop's credentials, and then deletes the key. After " +
				"that, **the shop takes no payments** with Klarna Checkout V3. The provider does not clear a shop that " +
				"has since got another key. A destroy uses the policy of the last apply, so apply a changed policy first.",
			Validators: []validator.String{stringvalidator.OneOf(deletionRetain, deletionClear)},
		},
	}
}

func rotateAfterDaysAttribute() schema.Int64Attribute {
	return schema.Int64Attribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("The age of the key in days, 1 to %d, after which it is due for rotation. The "+
			"first plan after that rotates the key. Default: never.", maxRotationDays),
		Validators: []validator.Int64{int64validator.Between(1, maxRotationDays)},
	}
}

func rotateBeforeExpiryAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "How long before its expiry the key is due for rotation, as a duration such as `336h`. The " +
			"first plan within that time rotates the key, but not in the first half of the key's life. It has no effect " +
			"on a key without `expires_at`. Default: never.",
		Validators: []validator.String{durationValidator{}},
	}
}

// setDefaults sets what an import leaves open.
func (r *connectionRules) setDefaults() {
	setDefault(&r.ReplacedKeyPolicy, string(rotation.DeleteKeys))
	setDefault(&r.UnusedFor, defaultUnusedFor)
	setDefault(&r.DeletionPolicy, deletionRetain)
	if r.AllowStoreChange.IsNull() {
		r.AllowStoreChange = types.BoolValue(false)
	}
}

// clears reports whether a shop's credentials are deleted when it leaves.
func (r connectionRules) clears() bool { return r.DeletionPolicy.ValueString() == deletionClear }

// rules returns the engine's rules.
func (r connectionRules) rules() rotation.Rules {
	return rotation.Rules{
		RotateAfterDays:    r.RotateAfterDays.ValueInt64(),
		RotateBeforeExpiry: durationOf(r.RotateBeforeExpiry),
		ReplacedKeys:       rotation.KeyPolicy(r.ReplacedKeyPolicy.ValueString()),
		UnusedFor:          durationOf(r.UnusedFor),
		AllowStoreChange:   r.AllowStoreChange.ValueBool(),
	}
}

// isUnknown reports whether a rule is known only at apply.
func (r connectionRules) isUnknown() bool {
	return r.RotateAfterDays.IsUnknown() || r.RotateBeforeExpiry.IsUnknown() || r.ReplacedKeyPolicy.IsUnknown() || r.UnusedFor.IsUnknown()
}

// shopConfig returns the configuration of a shop for the engine. LacksDescriptions says that the portal shows no
// descriptions of keys.
func shopConfig(ctx context.Context, lacksDescriptions bool, shop string, rules connectionRules, config, plan connectedShop) rotation.Config {
	c := rotation.Config{
		Shop: shop, MerchantID: plan.MerchantID.ValueString(), Rules: rules.rules(),
		Triggers: stringMap(plan.RotateWhenChanged), HasUnknown: rules.isUnknown() || plan.mayChange(ctx, config),
		NoDescriptions: lacksDescriptions,
	}
	if known(config.Description) {
		c.Description = config.Description.ValueStringPointer()
	}
	return c
}

// mayChange reports whether an attribute whose change rotates the key is not known yet. A description without
// configuration is unknown in a plan until the engine has decided.
func (s connectedShop) mayChange(ctx context.Context, config connectedShop) bool {
	if s.MerchantID.IsUnknown() || config.Description.IsUnknown() {
		return true
	}
	triggers, err := s.RotateWhenChanged.ToTerraformValue(ctx)
	return err == nil && !triggers.IsFullyKnown()
}

// record returns a shop's record from the state and the private state.
func (s connectedShop) record(memory rotation.Memory, diags *diag.Diagnostics) rotation.Record {
	r := rotation.Record{
		MerchantID: s.MerchantID.ValueString(), Triggers: stringMap(s.RotateWhenChanged),
		CredentialID: s.CredentialID.ValueString(), Username: s.Username.ValueString(), Host: s.Host.ValueString(),
		Reason: s.Reason.ValueString(), KeysToDelete: keyRefs(s.KeysToDelete, diags), KeysKept: keyRefs(s.KeysKept, diags),
		Memory: memory,
	}
	if known(s.Description) {
		r.Description = s.Description.ValueStringPointer()
	}
	// Without it, the shop has no key yet.
	r.CreatedAt, _ = time.Parse(time.RFC3339, s.CreatedAt.ValueString())
	if expires, err := time.Parse(time.RFC3339, s.ExpiresAt.ValueString()); err == nil {
		r.ExpiresAt = &expires
	}
	return r
}

// setKey copies the record of the shop's key.
func (s *connectedShop) setKey(r rotation.Record) {
	s.CredentialID, s.Username, s.Host = nullWhenEmpty(r.CredentialID), nullWhenEmpty(r.Username), nullWhenEmpty(r.Host)
	s.CreatedAt, s.ExpiresAt = types.StringNull(), types.StringNull()
	if !r.CreatedAt.IsZero() {
		s.CreatedAt = types.StringValue(r.CreatedAt.Format(time.RFC3339))
	}
	if r.ExpiresAt != nil {
		s.ExpiresAt = types.StringValue(r.ExpiresAt.Format(time.RFC3339))
	}
	s.Description = types.StringPointerValue(r.Description)
}

// setRecord copies the shop's record.
func (s *connectedShop) setRecord(r rotation.Record) {
	s.setKey(r)
	s.MerchantID = types.StringValue(r.MerchantID)
	s.Reason = nullWhenEmpty(r.Reason)
	s.KeysToDelete, s.KeysKept = keySet(r.KeysToDelete), keySet(r.KeysKept)
}

// finish sets what only the apply can know: how much of a plan is left to do.
func (s *connectedShop) finish(p rotation.Plan, kept []rotation.KeptKey) {
	if s.KeysLeft.IsUnknown() {
		s.KeysLeft = leftKeys(p, kept)
	}
	if s.PreviousUsername.IsUnknown() {
		s.PreviousUsername = nullWhenEmpty(p.Previous)
	}
}

// setPlan sets the engine's decision in a plan. State is nil for a new shop. Host is that of a new key, unknown if
// only the apply can tell.
func (s *connectedShop) setPlan(p rotation.Plan, config connectedShop, state *connectedShop, host types.String) {
	if state != nil {
		description, merchantID, triggers := s.Description, s.MerchantID, s.RotateWhenChanged
		*s = *state
		s.Description, s.MerchantID, s.RotateWhenChanged = description, merchantID, triggers
	}
	if config.Description.IsNull() {
		s.Description = types.StringPointerValue(p.Description)
	}
	if p.Generate || p.Undecided || p.Changes || state == nil {
		s.KeysLeft = types.SetUnknown(leftKeyType)
	}
	if p.Generate {
		s.PreviousUsername = nullWhenEmpty(p.Previous)
	}
	if p.Undecided {
		s.PreviousUsername = types.StringUnknown()
	}
	if p.Generate || p.Undecided {
		s.CredentialID, s.Username = types.StringUnknown(), types.StringUnknown()
		s.CreatedAt, s.ExpiresAt, s.Host = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	}
	switch {
	case p.Undecided:
		s.Reason = types.StringUnknown()
		s.KeysToDelete, s.KeysKept = types.SetUnknown(keyRefType), types.SetUnknown(keyRefType)
		if config.Description.IsNull() && !p.Generate {
			s.Description = types.StringUnknown()
		}
	case p.Changes:
		s.Reason = types.StringValue(p.Reason)
		s.KeysToDelete, s.KeysKept = keySet(p.Delete), keySet(p.Keep)
	}
	if p.Generate {
		s.Host = host
	}
}

// planned returns the engine's plan from a plan that Terraform has saved.
func (s connectedShop) planned(shop string, state *connectedShop, diags *diag.Diagnostics) rotation.Plan {
	p := rotation.Plan{
		Shop: shop, MerchantID: s.MerchantID.ValueString(), Description: s.Description.ValueStringPointer(),
		Generate: s.CredentialID.IsUnknown(), Reason: s.Reason.ValueString(),
		Delete: keyRefs(s.KeysToDelete, diags), Keep: keyRefs(s.KeysKept, diags), Previous: s.PreviousUsername.ValueString(),
	}
	p.Undecided = s.KeysToDelete.IsUnknown()
	p.Changes = state == nil || !s.Reason.Equal(state.Reason) || !s.KeysToDelete.Equal(state.KeysToDelete) || !s.KeysKept.Equal(state.KeysKept)
	return p
}
