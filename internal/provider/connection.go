package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// inspection is what was found of a shop and of its store's keys.
type inspection struct {
	merchantID string
	holds      mystore.Credentials
	// missing is set where the shop has no Klarna Checkout V3.
	missing error
	// own is the connection's key, and held the key of the store that the shop holds; nil where
	// there is none.
	own, held *kustom.Key
}

// inspect looks at a shop and its store's keys. CredentialID is the connection's key, empty where
// it has none.
func (c connections) inspect(ctx context.Context, shop, merchantID, credentialID string) (inspection, error) {
	found := inspection{merchantID: merchantID}
	var err error
	found.holds, err = c.shops.Credentials(ctx, shop)
	var missing *mystore.NotInstalledError
	if errors.As(err, &missing) {
		found.missing = missing
	} else if err != nil {
		return inspection{}, err
	}
	for key, err := range c.keys.Keys(ctx, merchantID) {
		if err != nil {
			return inspection{}, err
		}
		if key.CredentialID == credentialID {
			found.own = &key
		}
		if key.Username == found.holds.KustomID {
			found.held = &key
		}
	}
	return found, nil
}

// look reads a shop, so that inspect finds it known. That it has no Klarna Checkout V3 is no failure.
func (c connections) look(ctx context.Context, shop string) error {
	_, err := c.shops.Credentials(ctx, shop)
	var missing *mystore.NotInstalledError
	if errors.As(err, &missing) {
		return nil
	}
	return err
}

// connectionWalk is what connections know of shops that they have cleared in this walk. Where
// Terraform replaces an object, it plans the new one again after the old one is gone, and takes
// offence if the shop's condition then leads to another plan. It is safe for concurrent use.
type connectionWalk struct {
	mu      sync.Mutex
	cleared map[string]inspection
}

func (w *connectionWalk) remember(shop string, found inspection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cleared == nil {
		w.cleared = map[string]inspection{}
	}
	w.cleared[shop] = found
}

// inspectBefore looks at a shop as it was before this walk has cleared it, if it has.
func (c connections) inspectBefore(ctx context.Context, shop, merchantID string) (inspection, error) {
	c.walk.mu.Lock()
	found, ok := c.walk.cleared[shop]
	c.walk.mu.Unlock()
	if !ok || found.merchantID != merchantID {
		return c.inspect(ctx, shop, merchantID, "")
	}
	found.own = nil
	return found, nil
}

// newReason returns why a shop that is taken over gets a new key.
func (f inspection) newReason() string {
	id := f.holds.KustomID
	switch {
	case id == "":
		return "the shop has no key"
	case id == rotation.SecretAsID:
		return "the shop has a secret in place of its Kustom ID"
	case f.isForeign():
		return fmt.Sprintf("the shop uses %s, a key of another store", id)
	case f.held == nil:
		return fmt.Sprintf("the shop uses %s, a key that does not exist", id)
	case kustom.IsLegacyHost(f.held.Host):
		return fmt.Sprintf("the shop uses %s, a key of %s", id, f.held.Host)
	}
	return fmt.Sprintf("the shop uses %s, a key whose secret nobody can read", id)
}

// dueReason returns why a connected shop needs a new key, and nothing where it does not. UpdatedAt
// is Mystore's mark of the connection's own last write, and username its key.
func (f inspection) dueReason(updatedAt, username string) string {
	switch {
	case f.missing != nil:
		return "the shop has no Klarna Checkout V3"
	case f.own == nil && username != "" && f.holds.KustomID == username:
		return fmt.Sprintf("the key %s was deleted in Kustom Portal", username)
	case f.own == nil || f.own.Username != f.holds.KustomID:
		return f.newReason()
	case kustom.IsLegacyHost(f.own.Host):
		return f.newReason()
	case f.holds.UpdatedAt != updatedAt || !f.holds.SecretSet:
		return "somebody has changed the shop's credentials"
	}
	return ""
}

// tooOld returns that a key has reached the age of days, and nothing where it has not.
func tooOld(key kustom.Key, days types.Int64, now time.Time) string {
	if days.IsNull() || days.IsUnknown() || now.Before(key.CreatedAt.AddDate(0, 0, int(days.ValueInt64()))) {
		return ""
	}
	return fmt.Sprintf("the key is %d days old or older: it was made on %s", days.ValueInt64(), key.CreatedAt.Format(time.DateOnly))
}

// isForeign tells whether the shop holds a key of another store.
func (f inspection) isForeign() bool {
	id := f.holds.KustomID
	store, ok := kustom.StoreOf(id)
	return id != "" && id != rotation.SecretAsID && (!ok || store != f.merchantID)
}

// replaceable are the keys that go out of use when the shop gets a new one.
func (f inspection) replaceable() []replacedKey {
	var keys []replacedKey
	if f.own != nil {
		keys = append(keys, f.replacedKey(*f.own))
	}
	if f.held != nil && (f.own == nil || f.held.CredentialID != f.own.CredentialID) {
		keys = append(keys, f.replacedKey(*f.held))
	}
	return keys
}

// foreign is the other store's key that goes out of use in this shop. Other shops may use it.
func (f inspection) foreign() []replacedKey {
	if !f.isForeign() {
		return nil
	}
	merchantID, _ := kustom.StoreOf(f.holds.KustomID)
	return []replacedKey{{MerchantID: merchantID, Username: f.holds.KustomID, LastUse: lastUseNow}}
}

// lastUseNow stands for the last use of a key that a shop holds. A time would have changed by the
// time a plan is applied, and Terraform would refuse the plan for that.
const lastUseNow = "in use"

func (f inspection) replacedKey(key kustom.Key) replacedKey {
	return replacedKey{
		MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, Host: key.Host,
		LastUse: lastUse(key, key.Username == f.holds.KustomID),
	}
}

// lastUse returns the date on which a key was last used, or what stands for it.
func lastUse(key kustom.Key, held bool) string {
	switch {
	case held:
		return lastUseNow
	case key.LastUsedAt == nil:
		return "never"
	}
	return key.LastUsedAt.Format(time.DateOnly)
}

// replacedKey is a key that goes out of use.
type replacedKey struct {
	MerchantID   string `json:"merchant_id" tfsdk:"merchant_id"`
	CredentialID string `json:"credential_id" tfsdk:"credential_id"`
	Username     string `json:"username" tfsdk:"username"`
	Host         string `json:"host" tfsdk:"host"`
	LastUse      string `json:"last_use" tfsdk:"last_use"`
}

func (k replacedKey) orphan() kustom.Orphan {
	return kustom.Orphan{MerchantID: k.MerchantID, CredentialID: k.CredentialID, Username: k.Username}
}

func replacedKeyAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"merchant_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID of the key's store."},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key; empty if not known."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to; empty if not known."},
		"last_use": schema.StringAttribute{
			Computed: true, MarkdownDescription: "The date on which the key was last used, `in use` for the shop's present key, `never`, or `not known`.",
		},
	}
}

// replacedKeyType is the type of what replacedKeyAttributes describe.
var replacedKeyType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"merchant_id": types.StringType, "credential_id": types.StringType, "username": types.StringType,
	"host": types.StringType, "last_use": types.StringType,
}}

func replacedKeys(keys []replacedKey, diags *diag.Diagnostics) types.List {
	elements := make([]attr.Value, 0, len(keys))
	for _, key := range keys {
		object, problems := types.ObjectValue(replacedKeyType.AttrTypes, map[string]attr.Value{
			"merchant_id":   types.StringValue(key.MerchantID),
			"credential_id": types.StringValue(key.CredentialID),
			"username":      types.StringValue(key.Username),
			"host":          types.StringValue(key.Host),
			"last_use":      types.StringValue(key.LastUse),
		})
		diags.Append(problems...)
		elements = append(elements, object)
	}
	list, problems := types.ListValue(replacedKeyType, elements)
	diags.Append(problems...)
	return list
}

func readReplacedKeys(ctx context.Context, list types.List, diags *diag.Diagnostics) []replacedKey {
	var keys []replacedKey
	diags.Append(list.ElementsAs(ctx, &keys, false)...)
	return keys
}

// connectionMemory is what a connection keeps in private state: what Read has found for ModifyPlan
// to go by, and what is left to do. It holds no secret.
type connectionMemory struct {
	// UpdatedAt is Mystore's mark of the connection's own last write.
	UpdatedAt string `json:"updated_at"`
	// Imported says that the connection was imported and not changed since.
	Imported bool `json:"imported"`
	// ObservedAt is when the connection was last read: its key's age is told by it, because the
	// clock must not be asked while planning.
	ObservedAt time.Time `json:"observed_at"`
	// Due is why the shop needs a new key whatever the key's age; empty where it does not.
	Due string `json:"due"`
	// Replaceable and Foreign are the keys that a new key puts out of use.
	Replaceable []replacedKey `json:"replaceable"`
	Foreign     []replacedKey `json:"foreign"`
	// Unsettled are keys that an earlier run could not delete, or could not tell what became of.
	Unsettled []kustom.Orphan `json:"unsettled"`
}

// importing tells whether the connection was imported and has not been read yet.
func (m connectionMemory) importing() bool { return m.Imported && m.ObservedAt.IsZero() }

// isUnfinished tells whether something is left to do whatever the configuration says.
func (m connectionMemory) isUnfinished() bool { return m.Due != "" || len(m.Unsettled) > 0 }

// unsettled are the keys that are to be deleted whatever becomes of the shop's present one.
func (m connectionMemory) unsettled() []replacedKey {
	keys := make([]replacedKey, 0, len(m.Unsettled))
	for _, orphan := range m.Unsettled {
		keys = append(keys, replacedKey{
			MerchantID: orphan.MerchantID, CredentialID: orphan.CredentialID, Username: orphan.Username, LastUse: "not known",
		})
	}
	return keys
}

const memoryKey = "connection"

func recall(ctx context.Context, private privateState, diags *diag.Diagnostics) connectionMemory {
	return recallFrom[connectionMemory](ctx, private, memoryKey, diags)
}

func (m connectionMemory) keep(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	keepIn(ctx, private, memoryKey, m, diags)
}
