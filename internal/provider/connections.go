package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
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

// connectedKeys lists keys, ahead of time where it is told which.
type connectedKeys interface {
	keyLister
	Expect(ctx context.Context, merchantIDs []string)
}

// connections plans, makes, reads and removes the connection of one shop: what a connection does
// for its only shop, and a fleet for each of many. It is safe for concurrent use.
type connections struct {
	connector   connector
	shops       connectedShops
	keys        connectedKeys
	clock       clock.Clock
	environment *kustom.Environment
	walk        *connectionWalk
}

func newConnections(b *backend, shops connectedShops) connections {
	return connections{
		connector: b.connector, shops: shops, keys: b.keys,
		clock: b.clock, environment: b.environment, walk: &b.connections,
	}
}

// ready tells whether the provider has been configured.
func (c connections) ready() bool { return c.connector != nil }

// connectedShop is what a connection, and each shop of a fleet, takes and computes.
type connectedShop struct {
	MerchantID        types.String `tfsdk:"merchant_id"`
	Description       types.String `tfsdk:"description"`
	RotateWhenChanged types.Map    `tfsdk:"rotate_when_changed"`
	CredentialID      types.String `tfsdk:"credential_id"`
	Username          types.String `tfsdk:"username"`
	Host              types.String `tfsdk:"host"`
	CreatedAt         types.String `tfsdk:"created_at"`
	Reason            types.String `tfsdk:"reason"`
	Replaces          types.List   `tfsdk:"replaces"`
	Leaves            types.List   `tfsdk:"leaves"`
}

// connectedShopAttributes describes a connectedShop. The nested attributes name their types, which are
// what the framework takes them for anyway: otherwise it makes each type anew for every value.
func connectedShopAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
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
			CustomType:   types.ListType{ElemType: replacedKeyType},
			NestedObject: schema.NestedAttributeObject{CustomType: replacedKeyType, Attributes: replacedKeyAttributes()},
		},
		"leaves": schema.ListNestedAttribute{
			Computed: true,
			MarkdownDescription: "The keys that the planned apply takes out of use and leaves in the portal or, afterwards, that the last " +
				"change of the key has left there.",
			CustomType:   types.ListType{ElemType: replacedKeyType},
			NestedObject: schema.NestedAttributeObject{CustomType: replacedKeyType, Attributes: replacedKeyAttributes()},
		},
	}
}

// connectionRules say how shops are connected, and what becomes of the keys and shops that are not
// needed any more.
type connectionRules struct {
	RotateAfterDays types.Int64  `tfsdk:"rotate_after_days"`
	ReplacedKeys    types.String `tfsdk:"replaced_keys"`
	DeletionPolicy  types.String `tfsdk:"deletion_policy"`
}

func connectionRulesAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
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
	}
}

const (
	replacedDelete = "delete"
	replacedKeep   = "keep"

	// unfinishedReason is why an apply only deletes keys.
	unfinishedReason = "keys are left that an earlier run could not delete"
)

// clears tells whether a shop is emptied when it is not to be connected any more.
func (r connectionRules) clears() bool { return r.DeletionPolicy.ValueString() == deletionClear }

// planNew plans the connection of a shop that has none. It looks at the shop, before and again
// during the apply.
func (c connections) planNew(ctx context.Context, shop types.String, rules connectionRules, config connectedShop, plan *connectedShop, diags *diag.Diagnostics) error {
	c.planNewKey(config, plan)
	if shop.IsUnknown() || plan.MerchantID.IsUnknown() {
		return nil
	}
	ctx, cancel := clock.WithTimeout(ctx, c.clock, defaultShopReadTimeout)
	defer cancel()
	found, err := c.inspectBefore(ctx, shop.ValueString(), plan.MerchantID.ValueString())
	if err == nil {
		err = found.missing
	}
	if err != nil {
		return unlessUnknown(err)
	}
	plan.announce(rules, found.newReason(), found.replaceable(), found.foreign(), nil, diags)
	return nil
}

// planExisting plans what becomes of a connected shop. It goes only by what read has found: a plan
// that is saved today and applied tomorrow must come to the same result. The error says that the
// shop can't get the key that it should; the plan is complete all the same.
func (c connections) planExisting(ctx context.Context, shop string, rules connectionRules, memory connectionMemory, config connectedShop, plan *connectedShop, state connectedShop, diags *diag.Diagnostics) error {
	plan.CredentialID, plan.Username, plan.Host, plan.CreatedAt = state.CredentialID, state.Username, state.Host, state.CreatedAt
	plan.Reason, plan.Replaces, plan.Leaves = state.Reason, state.Replaces, state.Leaves
	if config.Description.IsNull() {
		plan.Description = state.Description
	}
	reason := cmp.Or(memory.Due, state.tooOld(rules.RotateAfterDays, memory.ObservedAt))
	if reason == "" && (plan.mayChange(ctx) || rules.RotateAfterDays.IsUnknown()) {
		c.planPerhaps(config, plan)
		return nil
	}
	reason = cmp.Or(reason, plan.changes(state, memory.Imported))
	if reason == "" {
		if len(memory.Unsettled) > 0 {
			plan.announce(rules, unfinishedReason, nil, nil, memory.unsettled(), diags)
		}
		return nil
	}
	c.planNewKey(config, plan)
	plan.announce(rules, reason, memory.Replaceable, memory.Foreign, memory.unsettled(), diags)
	return c.checkInstalled(ctx, shop)
}

// mayChange tells whether an attribute that asks for a new key when it changes is not known yet.
func (s connectedShop) mayChange(ctx context.Context) bool {
	if s.MerchantID.IsUnknown() || s.Description.IsUnknown() {
		return true
	}
	triggers, err := s.RotateWhenChanged.ToTerraformValue(ctx)
	return err == nil && !triggers.IsFullyKnown()
}

// planPerhaps plans that the shop gets a new key or not: only the apply will tell.
func (c connections) planPerhaps(config connectedShop, plan *connectedShop) {
	plan.CredentialID, plan.Username = types.StringUnknown(), types.StringUnknown()
	plan.CreatedAt, plan.Host, plan.Reason = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	plan.Replaces, plan.Leaves = types.ListUnknown(replacedKeyType), types.ListUnknown(replacedKeyType)
	if config.Description.IsNull() {
		plan.Description = types.StringUnknown()
	}
}

// planNewKey makes unknown what a new key changes.
func (c connections) planNewKey(config connectedShop, plan *connectedShop) {
	plan.CredentialID, plan.Username = types.StringUnknown(), types.StringUnknown()
	plan.CreatedAt, plan.Host = types.StringUnknown(), types.StringUnknown()
	if c.environment != nil {
		plan.Host = types.StringValue(c.environment.Host())
	}
	if config.Description.IsNull() {
		plan.Description = types.StringValue(defaultKeyDescription)
	}
}

// checkInstalled refuses, before a key is made, to plan one for a shop that can't have it.
func (c connections) checkInstalled(ctx context.Context, shop string) error {
	ctx, cancel := clock.WithTimeout(ctx, c.clock, defaultShopReadTimeout)
	defer cancel()
	_, err := c.shops.Credentials(ctx, shop)
	return unlessUnknown(err)
}

// changes returns which attribute asks for a new key, and nothing where none does. That an imported
// connection gets its first triggers is no change.
func (s connectedShop) changes(state connectedShop, imported bool) string {
	switch {
	case !s.MerchantID.Equal(state.MerchantID):
		return "merchant_id has changed"
	case !s.Description.Equal(state.Description):
		return "description has changed"
	case imported && state.RotateWhenChanged.IsNull():
		return ""
	case !s.RotateWhenChanged.Equal(state.RotateWhenChanged):
		return "rotate_when_changed has changed"
	}
	return ""
}

// tooOld returns that the connection's key had reached the age of days when it was observed, and
// nothing where it had not.
func (s connectedShop) tooOld(days types.Int64, observed time.Time) string {
	created, err := time.Parse(time.RFC3339, s.CreatedAt.ValueString())
	if err != nil {
		return ""
	}
	return tooOld(kustom.Key{CreatedAt: created}, days, observed)
}

// announce plans what becomes of the keys that go out of use. Keys of other stores always stay, and
// unsettled ones always go.
func (s *connectedShop) announce(rules connectionRules, reason string, replaced, foreign, unsettled []replacedKey, diags *diag.Diagnostics) {
	s.Reason = types.StringValue(reason)
	replaced = slices.DeleteFunc(slices.Clone(replaced), func(key replacedKey) bool {
		return slices.ContainsFunc(unsettled, func(other replacedKey) bool { return other.CredentialID == key.CredentialID })
	})
	deleted, left := slices.Concat(replaced, unsettled), foreign
	if rules.ReplacedKeys.ValueString() == replacedKeep {
		deleted, left = unsettled, slices.Concat(replaced, foreign)
	}
	s.Replaces, s.Leaves = replacedKeys(deleted, diags), replacedKeys(left, diags)
}

// apply does what was planned for a shop: gives it a new key, or not, and deletes the keys that go.
// After an error the shop has the key that it had. What is left to do is in memory in any case. The
// keys that had to stay are returned, each with the reason.
func (c connections) apply(ctx context.Context, shop string, plan *connectedShop, memory *connectionMemory, diags *diag.Diagnostics) ([]keptKey, error) {
	unsettled, connects := memory.Unsettled, plan.CredentialID.IsUnknown()
	if connects {
		key, holds, err := c.connector.Connect(ctx, shop, plan.MerchantID.ValueString(), plan.Description.ValueString())
		if err != nil {
			memory.Unsettled = append(memory.Unsettled, unsettledKeys(err)...)
			return nil, withUnusedKeys(ctx, c.keys, plan.MerchantID.ValueString(), err)
		}
		plan.take(key)
		found := inspection{holds: holds}
		*memory = connectionMemory{UpdatedAt: holds.UpdatedAt, Replaceable: []replacedKey{found.replacedKey(key)}}
	}
	// An imported connection stays untouched until it gets its first triggers.
	memory.Imported = memory.Imported && plan.RotateWhenChanged.IsNull()
	memory.Unsettled = nil
	if !connects && len(unsettled) == 0 {
		return nil, nil
	}
	return c.retire(ctx, retirees(readReplacedKeys(ctx, plan.Replaces, diags), unsettled), memory), nil
}

// unsettledKeys returns the keys that err says to look after.
func unsettledKeys(err error) []kustom.Orphan {
	var unsettled *rotation.UnsettledError
	if errors.As(err, &unsettled) {
		return []kustom.Orphan{unsettled.Key}
	}
	var orphan *kustom.OrphanError
	if errors.As(err, &orphan) {
		return []kustom.Orphan{orphan.Orphan}
	}
	return nil
}

// keptKey is a key that was to be deleted and could not be.
type keptKey struct {
	key kustom.Orphan
	err error
}

// isHeld tells whether a shop needs the key. Then it is that shop's, and nobody has to try again.
func (k keptKey) isHeld() bool {
	var held *rotation.HeldError
	return errors.As(k.err, &held)
}

// retire deletes keys. The shop works with its new key by now, so what can't be deleted is no error:
// it is remembered, and the next plan has it.
func (c connections) retire(ctx context.Context, keys []kustom.Orphan, memory *connectionMemory) []keptKey {
	var kept []keptKey
	for _, key := range keys {
		err := c.connector.Retire(ctx, key)
		if err == nil {
			continue
		}
		kept = append(kept, keptKey{key: key, err: err})
		if !kept[len(kept)-1].isHeld() {
			memory.Unsettled = append(memory.Unsettled, key)
		}
	}
	return kept
}

// warning returns what a person is told of the key, which shop has used.
func (k keptKey) warning(shop string) diag.Diagnostic {
	var held *rotation.HeldError
	if errors.As(k.err, &held) {
		return diag.NewWarningDiagnostic("Replaced key still in use",
			fmt.Sprintf("The key %s is not used by shop %s any more, but by %s, so it was not deleted. It goes when that shop gets "+
				"another key from this provider.", k.key.Username, shop, strings.Join(held.Shops, ", ")))
	}
	return diag.NewWarningDiagnostic("Replaced key not deleted yet",
		fmt.Sprintf("Shop %s works with its new key, but the old one, %s, could not be deleted. The next apply tries again.\n\n%s\n\n%s",
			shop, k.key.Username, advise(k.err).text, original(k.err)))
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

// read looks at a connected shop, and remembers for the next plan what has to be done.
func (c connections) read(ctx context.Context, shop string, state *connectedShop, memory *connectionMemory, diags *diag.Diagnostics) error {
	found, err := c.inspect(ctx, shop, state.MerchantID.ValueString(), state.CredentialID.ValueString())
	if err != nil {
		return err
	}
	importing := memory.importing()
	if importing {
		if found.missing != nil {
			return found.missing
		}
		found.own = found.held
		memory.UpdatedAt = found.holds.UpdatedAt
	}
	memory.Due = found.dueReason(memory.UpdatedAt, state.Username.ValueString())
	memory.ObservedAt = c.clock.Now()
	memory.Replaceable, memory.Foreign = found.replaceable(), found.foreign()
	if found.own != nil {
		state.take(*found.own)
	}
	if memory.isUnfinished() || importing {
		// What is planned next must differ from what was planned last.
		state.Reason = types.StringNull()
		state.Replaces, state.Leaves = replacedKeys(nil, diags), replacedKeys(nil, diags)
	}
	return nil
}

// clear empties a shop that still has the connection's key. Only then may the key be deleted: the
// shop never holds a key that does not exist. A shop that has another key is somebody else's by now,
// perhaps the object's that takes this one's place.
func (c connections) clear(ctx context.Context, shop string, state connectedShop) error {
	found, err := c.inspect(ctx, shop, state.MerchantID.ValueString(), state.CredentialID.ValueString())
	if err != nil {
		return err
	}
	if found.missing == nil && found.holds.KustomID == state.Username.ValueString() {
		c.walk.remember(shop, found)
		return c.shops.Clear(ctx, shop)
	}
	return nil
}

// discard deletes keys that were left over. One that did get into a shop is the shop's now.
func (c connections) discard(ctx context.Context, keys []kustom.Orphan) error {
	var failures []error
	for _, key := range keys {
		err := c.connector.Retire(ctx, key)
		if err != nil && !(keptKey{key: key, err: err}).isHeld() {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// take takes over what the portal tells of the connection's key.
func (s *connectedShop) take(key kustom.Key) {
	s.CredentialID = types.StringValue(key.CredentialID)
	s.Username = types.StringValue(key.Username)
	s.Host = types.StringValue(key.Host)
	s.CreatedAt = types.StringValue(key.CreatedAt.Format(time.RFC3339))
	s.Description = types.StringPointerValue(key.Description)
}

func (s connectedShop) orphan() kustom.Orphan {
	return readOrphan(s.MerchantID, s.CredentialID, s.Username, s.Description)
}
