package rotation

import (
	"cmp"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Integration is a key with the shops that hold it.
type Integration struct {
	kustom.Key
	// Shops are the names of the configured shops that hold the key, sorted.
	Shops []string
	// Current reports whether the store takes payments with this key: a configured shop holds it. If no shop holds
	// a key of the store, it is the key that was used last.
	Current bool
}

// Integrations joins keys with the shops that hold each username. Keys must have all keys of their stores. The
// result is sorted by merchant ID, age and username.
func Integrations(keys []kustom.Key, holders map[string][]string) []Integration {
	integrations := make([]Integration, 0, len(keys))
	current := currentKeys(keys, holders)
	for _, key := range keys {
		integrations = append(integrations, Integration{
			Key: key, Shops: holders[key.Username], Current: current[key.CredentialID],
		})
	}
	slices.SortFunc(integrations, func(a, b Integration) int {
		return cmp.Or(
			cmp.Compare(a.MerchantID, b.MerchantID),
			a.CreatedAt.Compare(b.CreatedAt),
			cmp.Compare(a.Username, b.Username),
		)
	})
	return integrations
}

// currentKeys returns the IDs of the current keys.
func currentKeys(keys []kustom.Key, holders map[string][]string) map[string]bool {
	current := map[string]bool{}
	heldStores := map[string]bool{}
	latest := map[string]kustom.Key{}
	for _, key := range keys {
		if len(holders[key.Username]) > 0 {
			current[key.CredentialID] = true
			heldStores[key.MerchantID] = true
		}
		if usedLater(key, latest[key.MerchantID]) {
			latest[key.MerchantID] = key
		}
	}
	for merchantID, key := range latest {
		if !heldStores[merchantID] {
			current[key.CredentialID] = true
		}
	}
	return current
}

func usedLater(key, than kustom.Key) bool {
	if key.LastUsedAt == nil {
		return false
	}
	return than.LastUsedAt == nil || key.LastUsedAt.After(*than.LastUsedAt)
}

// Legacy returns the integrations whose keys are Klarna's, as [kustom.Key.Origin] decides.
func Legacy(integrations []Integration) []Integration {
	return slices.DeleteFunc(slices.Clone(integrations), func(i Integration) bool {
		return i.Origin().Owner != kustom.OwnerKlarna
	})
}
