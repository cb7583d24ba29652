package rotation

import (
	"cmp"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Integration is a key together with the shops that hold it.
type Integration struct {
	kustom.Key
	// Shops are the configured shops that hold the key's username, sorted.
	Shops []string
	// Current says that this is the key by which its store takes payments: a configured shop holds
	// it or, where none of the store's keys is held by one, it is the one most recently used.
	Current bool
}

// Integrations joins keys, which must be all keys of their stores, with the shops that hold each
// username. The result is sorted by merchant ID, then age, then username.
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

// currentKeys returns the IDs of the keys that are current.
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

// Legacy returns the integrations whose keys are Klarna's, as [kustom.Legacy] decides.
func Legacy(integrations []Integration) []Integration {
	return slices.DeleteFunc(slices.Clone(integrations), func(i Integration) bool {
		return i.Origin().Owner != kustom.OwnerKlarna
	})
}
