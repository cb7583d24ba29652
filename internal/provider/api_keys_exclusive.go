package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// storeKey is a key of the store as it was found. It holds no secret.
type storeKey struct {
	CredentialID string `json:"credential_id"`
	Username     string `json:"username"`
	Host         string `json:"host"`
	LastUse      string `json:"last_use"`
	// Shops are the configured shops that hold the key.
	Shops []string `json:"shops,omitempty"`
}

// inventory returns the store's keys, the oldest first, and which shops hold them. An error comes with
// the attribute that it is about.
func (r *apiKeysExclusiveResource) inventory(ctx context.Context, merchantID string) ([]storeKey, path.Path, error) {
	keys, err := listKeys(ctx, r.keys, []string{merchantID})
	if err != nil {
		return nil, path.Root("merchant_id"), err
	}
	holders, err := r.shops.Holders(ctx)
	if err != nil {
		return nil, path.Empty(), err
	}
	found := make([]storeKey, 0, len(keys))
	for _, i := range rotation.Integrations(keys, holders) {
		if i.CredentialID == "" || i.Username == "" {
			// The shops can't be asked whether they use a key without a name.
			return nil, path.Empty(), fmt.Errorf("listing the API keys of store %s: one of them has no ID or no username", merchantID)
		}
		found = append(found, storeKey{
			CredentialID: i.CredentialID, Username: i.Username, Host: i.Host, LastUse: lastUse(i.Key, len(i.Shops) > 0), Shops: i.Shops,
		})
	}
	return found, path.Empty(), nil
}

// notMade leaves out the keys that this run has made. No plan has named them, and they may be on
// their way into a shop that does not hold them yet (I1).
func (r *apiKeysExclusiveResource) notMade(keys []storeKey) []storeKey {
	return slices.DeleteFunc(slices.Clone(keys), func(k storeKey) bool { return r.keys.Made(k.CredentialID) })
}

// without leaves out the keys with the given IDs.
func without(keys []storeKey, ids map[string]bool) []storeKey {
	return slices.DeleteFunc(slices.Clone(keys), func(k storeKey) bool { return ids[k.CredentialID] })
}

func credentialIDs(keys []storeKey) []string {
	list := make([]string, 0, len(keys))
	for _, key := range keys {
		list = append(list, key.CredentialID)
	}
	return list
}

// kept returns the IDs of the keys that stay, as far as they are known, and whether all are.
func (m *apiKeysExclusiveModel) kept() (ids map[string]bool, certain bool) {
	ids, certain = map[string]bool{}, !m.KeyIDs.IsUnknown()
	for _, element := range m.KeyIDs.Elements() {
		id, ok := element.(types.String)
		if !ok || id.IsUnknown() {
			certain = false
			continue
		}
		ids[id.ValueString()] = true
	}
	return ids, certain
}

// checkKept makes sure that the store has the keys that stay: one of them that is mistyped is
// probably among those that would go.
func (m *apiKeysExclusiveModel) checkKept(found []storeKey, diags *diag.Diagnostics) {
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
	diags.AddAttributeError(path.Root("key_ids"), "No such API key",
		fmt.Sprintf("Store %s has no API key with the ID %s; perhaps it was deleted, or belongs to another store. No key was deleted.\n\n"+
			"Correct key_ids, and run again. The data source kustom_api_keys lists the keys that the store has.",
			m.MerchantID.ValueString(), strings.Join(names, ", ")))
}

// settle returns the IDs of the keys that the plan has announced, and makes known of each what the
// plan has left open.
func (m *apiKeysExclusiveModel) settle(ctx context.Context, diags *diag.Diagnostics) map[string]bool {
	var keys []deletedKeyModel
	diags.Append(m.Deletes.ElementsAs(ctx, &keys, false)...)
	announced := map[string]bool{}
	for i, key := range keys {
		announced[key.CredentialID.ValueString()] = true
		if key.LastUse.IsUnknown() {
			keys[i].LastUse = types.StringValue(lastUseNow)
		}
	}
	m.Deletes = deletedKeyList(ctx, keys, diags)
	return announced
}

// lastUse is the last use of a key as a plan shows it that goes by what Read has found.
func (k storeKey) lastUse() types.String { return types.StringValue(k.LastUse) }

// lastUseUnlessHeld leaves the last use open of a key that a shop holds.
func (k storeKey) lastUseUnlessHeld() types.String {
	if len(k.Shops) > 0 {
		return types.StringUnknown()
	}
	return k.lastUse()
}

// listed shows keys to a person, one on a line.
func listed(keys []storeKey) string {
	lines := make([]string, 0, len(keys))
	for _, key := range keys {
		use := "last use: " + key.LastUse
		if len(key.Shops) > 0 {
			use = "in use by shop " + strings.Join(key.Shops, ", ")
		}
		lines = append(lines, fmt.Sprintf("  - %s (%s, %s)", key.Username, key.Host, use))
	}
	return strings.Join(lines, "\n")
}

type deletedKeyModel struct {
	CredentialID types.String `tfsdk:"credential_id"`
	Username     types.String `tfsdk:"username"`
	Host         types.String `tfsdk:"host"`
	LastUse      types.String `tfsdk:"last_use"`
}

func deletedKeyAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to."},
		"last_use": schema.StringAttribute{
			Computed: true,
			MarkdownDescription: "The date on which the key was last used, `never`, or `in use` for a key that a shop named in `mystore_tokens` " +
				"uses. In the plan of a creation, it is not known yet for a key that is in use; a warning names such keys and their shops.",
		},
	}
}

func deletedKeyType() types.ObjectType {
	attributes := map[string]attr.Type{}
	for name := range deletedKeyAttributes() {
		attributes[name] = types.StringType
	}
	return types.ObjectType{AttrTypes: attributes}
}

func deletedKeys(ctx context.Context, keys []storeKey, lastUse func(storeKey) types.String, diags *diag.Diagnostics) types.List {
	models := make([]deletedKeyModel, 0, len(keys))
	for _, key := range keys {
		models = append(models, deletedKeyModel{
			CredentialID: types.StringValue(key.CredentialID),
			Username:     types.StringValue(key.Username),
			Host:         types.StringValue(key.Host),
			LastUse:      lastUse(key),
		})
	}
	return deletedKeyList(ctx, models, diags)
}

func deletedKeyList(ctx context.Context, keys []deletedKeyModel, diags *diag.Diagnostics) types.List {
	list, problems := types.ListValueFrom(ctx, deletedKeyType(), keys)
	diags.Append(problems...)
	return list
}

// inventoryKey is where private state keeps the keys that Read has found, for ModifyPlan to go by.
const inventoryKey = "inventory"

func recallKeys(ctx context.Context, private privateState, diags *diag.Diagnostics) []storeKey {
	return recallFrom[[]storeKey](ctx, private, inventoryKey, diags)
}

func keepKeys(ctx context.Context, keys []storeKey, private privateState, diags *diag.Diagnostics) {
	keepIn(ctx, private, inventoryKey, keys, diags)
}
