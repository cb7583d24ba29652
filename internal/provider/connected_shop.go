package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// connectedShop is what a connection, and each shop of a fleet, takes and computes.
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
}

// connectedShopAttributes describes a connectedShop. The nested attributes name their types, which are
// what the framework takes them for anyway: otherwise it makes each type anew for every value.
func connectedShopAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"merchant_id": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Merchant ID (MID) of the store, such as `M00123456`, or `PM00123456` in the playground. A shop whose " +
				"present key belongs to another store is refused, unless `allow_store_change` is set: its payments would go to " +
				"another merchant.",
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
				"values given to an imported connection. An empty map is the same as none.",
		},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host": schema.StringAttribute{
			Computed: true, MarkdownDescription: "The API host that the key belongs to; null where the portal does not show it.",
		},
		"created_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When the key was made (RFC 3339)."},
		"expires_at": schema.StringAttribute{
			Computed: true, MarkdownDescription: "When the key expires (RFC 3339); null if it does not, or if that is not known.",
		},
		"reason": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Why the last apply changed, or the planned one will change, the shop's keys.",
		},
		"keys_to_delete": schema.SetNestedAttribute{
			Computed: true,
			MarkdownDescription: "The keys that the planned apply deletes or, afterwards, that the last change of the keys was to " +
				"delete. A key with `waits_for` is deleted by a later apply.",
			CustomType:   types.SetType{ElemType: keyRefType},
			NestedObject: schema.NestedAttributeObject{CustomType: keyRefType, Attributes: keyRefAttributes()},
		},
		"keys_kept": schema.SetNestedAttribute{
			Computed: true,
			MarkdownDescription: "The keys that the planned apply takes out of use and leaves in the portal or, afterwards, that the last " +
				"change of the keys has left there.",
			CustomType:   types.SetType{ElemType: keyRefType},
			NestedObject: schema.NestedAttributeObject{CustomType: keyRefType, Attributes: keyRefAttributes()},
		},
	}
}

// connectionRules say how shops are connected, and what becomes of the keys and shops that are not
// connected any more.
type connectionRules struct {
	RotateAfterDays    types.Int64  `tfsdk:"rotate_after_days"`
	RotateBeforeExpiry types.String `tfsdk:"rotate_before_expiry"`
	ReplacedKeyPolicy  types.String `tfsdk:"replaced_key_policy"`
	UnusedFor          types.String `tfsdk:"unused_for"`
	AllowStoreChange   types.Bool   `tfsdk:"allow_store_change"`
	DeletionPolicy     types.String `tfsdk:"deletion_policy"`
}

const (
	// maxRotationDays bounds the age of a key in days: a hundred years.
	maxRotationDays = 36_500
	// defaultUnusedFor is how long a key must be unused where the configuration does not say.
	defaultUnusedFor = "24h"
)

func connectionRulesAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"rotate_after_days":    rotateAfterDaysAttribute(),
		"rotate_before_expiry": rotateBeforeExpiryAttribute(),
		"replaced_key_policy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(rotation.DeleteKeys)),
			MarkdownDescription: "What becomes of a key that the shop does not use any more. `delete` (default) deletes it at once. `keep` leaves " +
				"it in the portal. `delete_when_unused` deletes it when the portal shows no use of it for `unused_for`: choose it " +
				"if something else, such as an accounting system, may use the same key. The key stays in `keys_to_delete` meanwhile, and a " +
				"later plan deletes it. Changing `keep` to `delete` deletes what was kept. A key that another shop still uses is " +
				"never deleted. Nor is a key of another store, unless this resource has made it.",
			Validators: []validator.String{stringvalidator.OneOf(
				string(rotation.DeleteKeys), string(rotation.KeepKeys), string(rotation.DeleteUnusedKeys))},
		},
		"unused_for": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(defaultUnusedFor),
			MarkdownDescription: "How long a replaced key must have been without use before `delete_when_unused` deletes it, as a duration " +
				"such as `24h` (default) or `720h`. The portal's *Last used* is the evidence.",
			Validators: []validator.String{durationValidator{}},
		},
		"allow_store_change": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether a shop may get a key of another store than its present key belongs to. Default `false`: such a plan " +
				"is an error, because **the shop's payments would go to another merchant**.",
		},
		"deletion_policy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(deletionRetain),
			MarkdownDescription: "What destroying this resource does: `retain` (default) leaves the shop and its key as they are, " +
				"`clear` empties the shop's credentials, after which **the shop takes no payments** with Klarna Checkout V3, and " +
				"then deletes the key. A shop that has another key by then is left alone.",
			Validators: []validator.String{stringvalidator.OneOf(deletionRetain, deletionClear)},
		},
	}
}

func rotateAfterDaysAttribute() schema.Int64Attribute {
	return schema.Int64Attribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Age in days, 1 to %d, at which the key is due: the first plan that finds it so old, or older, "+
			"rotates it. Default: never.", maxRotationDays),
		Validators: []validator.Int64{int64validator.Between(1, maxRotationDays)},
	}
}

func rotateBeforeExpiryAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "How long before its expiry the key is due, as a duration such as `336h`: the first plan that finds it so near " +
			"rotates it. Default: never. It has no effect on a key without `expires_at`.",
		Validators: []validator.String{durationValidator{}},
	}
}

// setDefaults fills in what an import leaves open.
func (r *connectionRules) setDefaults() {
	setDefault(&r.ReplacedKeyPolicy, string(rotation.DeleteKeys))
	setDefault(&r.UnusedFor, defaultUnusedFor)
	setDefault(&r.DeletionPolicy, deletionRetain)
	if r.AllowStoreChange.IsNull() {
		r.AllowStoreChange = types.BoolValue(false)
	}
}

// clears tells whether a shop is emptied when it is not to be connected any more.
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

// isUnknown tells whether a rule is known only during the apply.
func (r connectionRules) isUnknown() bool {
	return r.RotateAfterDays.IsUnknown() || r.RotateBeforeExpiry.IsUnknown() || r.ReplacedKeyPolicy.IsUnknown() || r.UnusedFor.IsUnknown()
}

// durationOf returns a validated duration, 0 where there is none.
func durationOf(text types.String) time.Duration {
	d, _ := time.ParseDuration(text.ValueString())
	return d
}

// shopConfig returns what the configuration asks for a shop. Undescribed says that the portal shows no descriptions of
// keys.
func shopConfig(ctx context.Context, undescribed bool, shop string, rules connectionRules, config, plan connectedShop) rotation.Config {
	c := rotation.Config{
		Shop: shop, MerchantID: plan.MerchantID.ValueString(), Rules: rules.rules(),
		Triggers: stringMap(plan.RotateWhenChanged), Undecided: rules.isUnknown() || plan.mayChange(ctx, config),
		Undescribed: undescribed,
	}
	if known(config.Description) {
		c.Description = config.Description.ValueStringPointer()
	}
	return c
}

// mayChange tells whether an attribute that asks for a new key when it changes is not known yet. A description that is
// not configured is unknown in a plan until the engine has decided.
func (s connectedShop) mayChange(ctx context.Context, config connectedShop) bool {
	if s.MerchantID.IsUnknown() || config.Description.IsUnknown() {
		return true
	}
	triggers, err := s.RotateWhenChanged.ToTerraformValue(ctx)
	return err == nil && !triggers.IsFullyKnown()
}

// stringMap returns a map of strings, nil where it is null or empty.
func stringMap(m types.Map) map[string]string {
	if len(m.Elements()) == 0 {
		return nil
	}
	values := make(map[string]string, len(m.Elements()))
	for name, element := range m.Elements() {
		if text, ok := element.(types.String); ok && !text.IsNull() {
			values[name] = text.ValueString()
		}
	}
	return values
}

// record returns what the state and the private state have of a shop.
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
	// Where there is none, the shop has not got its key yet.
	r.CreatedAt, _ = time.Parse(time.RFC3339, s.CreatedAt.ValueString())
	if expires, err := time.Parse(time.RFC3339, s.ExpiresAt.ValueString()); err == nil {
		r.ExpiresAt = &expires
	}
	return r
}

// take takes over what is recorded of the shop's key.
func (s *connectedShop) take(r rotation.Record) {
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

// takeAll takes over what is recorded of the shop.
func (s *connectedShop) takeAll(r rotation.Record) {
	s.take(r)
	s.MerchantID = types.StringValue(r.MerchantID)
	s.Reason = nullWhenEmpty(r.Reason)
	s.KeysToDelete, s.KeysKept = keySet(r.KeysToDelete), keySet(r.KeysKept)
}

// show shows in a plan what the engine has decided. State is nil for a new shop. Host is that of a new key, unknown
// where only the apply will tell.
func (s *connectedShop) show(p rotation.Plan, config connectedShop, state *connectedShop, host types.String) {
	if state != nil {
		description, merchantID, triggers := s.Description, s.MerchantID, s.RotateWhenChanged
		*s = *state
		s.Description, s.MerchantID, s.RotateWhenChanged = description, merchantID, triggers
	}
	if config.Description.IsNull() {
		s.Description = types.StringPointerValue(p.Description)
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

// planned returns the engine's plan out of a plan that Terraform has kept.
func (s connectedShop) planned(shop string, state *connectedShop, diags *diag.Diagnostics) rotation.Plan {
	p := rotation.Plan{
		Shop: shop, MerchantID: s.MerchantID.ValueString(), Description: s.Description.ValueStringPointer(),
		Generate: s.CredentialID.IsUnknown(), Reason: s.Reason.ValueString(),
		Delete: keyRefs(s.KeysToDelete, diags), Keep: keyRefs(s.KeysKept, diags),
	}
	p.Undecided = s.KeysToDelete.IsUnknown()
	p.Changes = state == nil || !s.Reason.Equal(state.Reason) || !s.KeysToDelete.Equal(state.KeysToDelete) || !s.KeysKept.Equal(state.KeysKept)
	return p
}

// deletedKeysSummary is the same for all objects, so that Terraform shows their warnings together.
const deletedKeysSummary = "API keys will be deleted"

// keptKeysSummary takes its place where none is.
const keptKeysSummary = "API keys that stay"

// keysSummary returns the summary of what describeDeletions says.
func keysSummary(p rotation.Plan) string {
	if len(p.Delete) == 0 {
		return keptKeysSummary
	}
	return deletedKeysSummary
}

// describeDeletions tells of the keys that a plan deletes, and of those that it deletes later; empty where it
// deletes none. Terraform's "0 to destroy" does not count them.
func describeDeletions(p rotation.Plan) string {
	var now, later []string
	for _, key := range p.Delete {
		if key.WaitsFor != "" {
			later = append(later, key.Username)
		} else {
			now = append(now, keyName(key))
		}
	}
	var parts []string
	if len(now) > 0 {
		parts = append(parts, fmt.Sprintf("%s will be deleted: %s", count(len(now), "key"), enumerate(now)))
	}
	if len(later) > 0 {
		parts = append(parts, fmt.Sprintf("%s will be deleted by a later apply, when the portal shows no use: %s",
			count(len(later), "key"), enumerate(later)))
	}
	if len(p.Others) > 0 {
		parts = append(parts, fmt.Sprintf("%s of the store %s as before: %s", count(len(p.Others), "other key"), verb(len(p.Others), "stays", "stay"),
			enumerate(p.Others)))
	}
	return strings.Join(parts, "; ")
}

func keyName(key rotation.KeyRef) string {
	if key.Username != "" {
		return key.Username
	}
	return key.CredentialID
}

func keyRefAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"merchant_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID of the key's store."},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key; empty if not known."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to; empty if not known."},
		"waits_for": schema.StringAttribute{
			Computed: true, MarkdownDescription: "What the key's deletion waits for; null if it is deleted at once.",
		},
	}
}

// keyRefType is the type of what keyRefAttributes describe.
var keyRefType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
	"host": types.StringType, "waits_for": types.StringType,
}}

func keySet(keys []rotation.KeyRef) types.Set {
	elements := make([]attr.Value, 0, len(keys))
	for _, key := range keys {
		elements = append(elements, types.ObjectValueMust(keyRefType.AttrTypes, map[string]attr.Value{
			"merchant_id":   types.StringValue(key.MerchantID),
			"credential_id": types.StringValue(key.CredentialID),
			"username":      types.StringValue(key.Username),
			"host":          nullWhenEmpty(key.Host),
			"waits_for":     nullWhenEmpty(key.WaitsFor),
		}))
	}
	return types.SetValueMust(keyRefType, elements)
}

func keyRefs(set types.Set, diags *diag.Diagnostics) []rotation.KeyRef {
	var keys []rotation.KeyRef
	for _, element := range set.Elements() {
		object, ok := element.(types.Object)
		if !ok {
			diags.AddError("Unexpected set of keys", fmt.Sprintf("An element is a %T. Please report this as a bug.", element))
			return nil
		}
		attributes := object.Attributes()
		keys = append(keys, rotation.KeyRef{
			MerchantID:   attribute[types.String](attributes, "merchant_id").ValueString(),
			CredentialID: attribute[types.String](attributes, "credential_id").ValueString(),
			Username:     attribute[types.String](attributes, "username").ValueString(),
			Host:         attribute[types.String](attributes, "host").ValueString(),
			WaitsFor:     attribute[types.String](attributes, "waits_for").ValueString(),
		})
	}
	return keys
}

// newKeyHost returns the host of a new key as a plan shows it. Undescribed says that the portal shows no hosts.
func newKeyHost(environment *kustom.Environment, undescribed bool) types.String {
	switch {
	case undescribed:
		return types.StringNull()
	case environment == nil:
		return types.StringUnknown()
	}
	return types.StringValue(environment.Host())
}

// tellOfKept tells a person of a key that was to be deleted and could not be. In an update, it is an error where nothing
// in this run tries again: Terraform keeps the new state then, and replaces nothing. After an error in a creation, it
// would replace the shop's new key. The hint, if any, comes last.
func tellOfKept(diags *diag.Diagnostics, shop string, kept rotation.KeptKey, updates bool, hint string) {
	told := keptKeyWarning(shop, kept)
	if hint != "" {
		told = diag.NewWarningDiagnostic(told.Summary(), told.Detail()+"\n\n"+hint)
	}
	if updates && kept.IsFailure() {
		told = diag.NewErrorDiagnostic(told.Summary(), told.Detail())
	}
	diags.Append(told)
}

// keptKeyWarning returns what a person is told of a key that was to be deleted and could not be.
func keptKeyWarning(shop string, kept rotation.KeptKey) diag.Diagnostic {
	name := keyName(rotation.KeyRef{Username: kept.Key.Username, CredentialID: kept.Key.CredentialID})
	if shops := inUseBy(kept.Err); len(shops) > 0 {
		return diag.NewWarningDiagnostic("Replaced key still in use",
			fmt.Sprintf("The key %s is not used by shop %s any more, but by %s, so this step has not deleted it. It is deleted when that shop gets "+
				"another key from this provider, in this run or a later one.", name, shop, strings.Join(shops, ", ")))
	}
	again := "The next apply tries again."
	if kept.IsRetryable() {
		again = "This run tries again when it knows more of the shops, and so does the next apply."
	}
	return diag.NewWarningDiagnostic("Replaced key not deleted yet",
		fmt.Sprintf("Shop %s works with its new key. This step could not delete the old one, %s. %s\n\n%s\n\n%s",
			shop, name, again, advise(kept.Err).text, original(kept.Err)))
}
