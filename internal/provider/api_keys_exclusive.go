package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// without leaves out the keys with the given IDs.
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

func refs(keys []rotation.StoreKey) []rotation.KeyRef {
	list := make([]rotation.KeyRef, 0, len(keys))
	for _, key := range keys {
		list = append(list, key.KeyRef)
	}
	return list
}

// kept returns the IDs of the keys that stay, as far as they are known, and whether all are.
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

// checkKept makes sure that the store has the keys that stay: one of them that is mistyped is
// probably among those that would go.
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
	diags.AddAttributeError(path.Root("credential_ids"), "No such API key",
		fmt.Sprintf("Store %s has no API key with the ID %s; perhaps it was deleted, or belongs to another store. No key was deleted.\n\n"+
			"Correct credential_ids, and run again. The data source kustom_api_keys lists the keys that the store has.",
			m.MerchantID.ValueString(), strings.Join(names, ", ")))
}

// listed shows keys to a person, one on a line.
func listed(keys []rotation.StoreKey) string {
	lines := make([]string, 0, len(keys))
	for _, key := range keys {
		lines = append(lines, fmt.Sprintf("  - %s (%s)", key.Username, describeKey(key)))
	}
	return strings.Join(lines, "\n")
}

// describeKey tells what a person needs to know of a key before it is deleted.
func describeKey(key rotation.StoreKey) string {
	use := "never used"
	switch {
	case len(key.Shops) > 0:
		use = "in use by shop " + strings.Join(key.Shops, ", ")
	case key.LastUsedAt != nil:
		use = "last use: " + key.LastUsedAt.Format(time.DateOnly)
	}
	if key.Host == "" {
		return use
	}
	return key.Host + ", " + use
}

// inventoryKey is where private state keeps the keys that Read has found, for ModifyPlan to go by.
const inventoryKey = "inventory"

func recallKeys(ctx context.Context, private privateState, diags *diag.Diagnostics) []rotation.StoreKey {
	return recallFrom[[]rotation.StoreKey](ctx, private, inventoryKey, diags)
}

func keepKeys(ctx context.Context, keys []rotation.StoreKey, private privateState, diags *diag.Diagnostics) {
	keepIn(ctx, private, inventoryKey, keys, diags)
}
