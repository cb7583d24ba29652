package check

import "github.com/storefront-iac/terraform-provider-kustom/internal/kustom"

// directory is what Kustom Portal lists: stores and their keys.
type directory struct {
	// isRead reports that the list of stores could be read.
	isRead bool
	// listed has the merchant ID of each listed key, by username. names has the name of each store, by merchant ID.
	listed, names map[string]string
}

func newDirectory() directory {
	return directory{listed: map[string]string{}, names: map[string]string{}}
}

// storeName returns a store's merchant ID and, if it is known, its name, for the user.
func (d directory) storeName(merchantID string) string {
	if name := d.names[merchantID]; name != "" {
		return "store " + merchantID + " (" + name + ")"
	}
	return "store " + merchantID
}

// legacyNote returns a note about a Klarna key; empty for other keys, and if the list could not be read.
func (d directory) legacyNote(id string) string {
	if !d.isRead {
		return ""
	}
	_, listed := d.listed[id]
	if kustom.Legacy(kustom.KeyFacts{Username: id, Listed: listed}).Owner == kustom.OwnerKlarna {
		return ", a Klarna key that you must switch"
	}
	return ""
}

// ownerOf describes the store of a key.
func (d directory) ownerOf(id string) string {
	merchantID := d.storeOf(id)
	if merchantID == "" {
		return "an unknown store: neither its form nor the portal shows it"
	}
	if _, listed := d.listed[id]; !listed && d.isRead {
		return d.storeName(merchantID) + " by its form; the portal does not list it"
	}
	return d.storeName(merchantID)
}

// storeOf returns the store of a key: by the portal's list, or else by the key's form.
func (d directory) storeOf(id string) string {
	if merchantID, ok := d.listed[id]; ok {
		return merchantID
	}
	merchantID, _ := kustom.StoreOf(id)
	return merchantID
}

// namesake returns the store whose name resembles the shop's; empty if there is none, or more than one.
func (d directory) namesake(shop string) string {
	var found []string
	for merchantID, name := range d.names {
		if Alike(shop, name) {
			found = append(found, merchantID)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}
