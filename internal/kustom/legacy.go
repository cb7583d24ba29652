package kustom

// Owner says which vendor's API a key is for.
type Owner string

// The owners.
const (
	// OwnerKlarna: the key is a legacy key. It stopped working when Klarna's hosts were switched off on 15
	// September 2026.
	OwnerKlarna Owner = "legacy"
	// OwnerKustom: the key is for Kustom's hosts.
	OwnerKustom Owner = "kustom"
	// OwnerUnknown: the facts decide neither.
	OwnerUnknown Owner = "unknown"
)

// KeyFacts are the known facts about a key.
type KeyFacts struct {
	Username string
	// Host is the API host that the portal shows for the key; empty if it shows none.
	Host string
	// Listed reports whether the portal lists the key.
	Listed bool
}

// Origin says whose key it is, and why.
type Origin struct {
	Owner Owner
	// Sure reports whether a vendor's own rule decides it. Otherwise public integrations suggest it.
	Sure bool
	// Reason is a sentence for the user. It holds no secret.
	Reason string
}

// Legacy reports whether a key is one of Klarna's. It is the only place that decides this. The host decides if
// it is known, then the form of the username, then whether the portal lists the key: the portal lists all of
// Kustom's keys, and may omit Klarna's.
func Legacy(key KeyFacts) Origin {
	switch {
	case IsLegacyHost(key.Host):
		return Origin{OwnerKlarna, true, "Kustom Portal shows Klarna's host, " + key.Host + ", beside the key."}
	case key.Host == Production.Host() || key.Host == Playground.Host():
		return Origin{OwnerKustom, true, "Kustom Portal shows Kustom's host, " + key.Host + ", beside the key."}
	case key.Listed:
		return legacyByForm(key.Username)
	}
	return legacyUnlisted(key.Username)
}

// Origin returns whose key it is. The portal lists every [Key].
func (k Key) Origin() Origin {
	return Legacy(KeyFacts{Username: k.Username, Host: k.Host, Listed: true})
}

// legacyByForm decides by the form of the username of a listed key.
func legacyByForm(username string) Origin {
	store, hasStore := StoreOf(username)
	migrated := hasStore && MerchantID(store).Migrated()
	switch FormOf(username) {
	case UsernameKlarna:
		// A store that was created at Kustom never had a Klarna key, so the username's form matters less.
		return Origin{OwnerKlarna, migrated || !hasStore, "The username has the form of a Klarna key, with an underscore " +
			"or as a UUID."}
	case UsernameKustom:
		// This is the documented form of Kustom's usernames. No public source shows such a key for a store that
		// came from Klarna.
		return Origin{OwnerKustom, !migrated, "The username has the form of a Kustom key: the merchant ID, a hyphen, and " +
			"a few characters."}
	case UsernameOther:
	}
	return Origin{OwnerUnknown, false, "The username has neither the form of a Kustom key nor that of a Klarna key."}
}

// legacyUnlisted decides about a key that the portal does not list.
func legacyUnlisted(username string) Origin {
	if FormOf(username) == UsernameKustom {
		return Origin{OwnerUnknown, false, "Kustom Portal does not list the key, although its username has the form of a " +
			"Kustom key. It was deleted, or the portal user can't see its store."}
	}
	return Origin{OwnerKlarna, FormOf(username) == UsernameKlarna, "Kustom Portal does not list the key. It belongs to " +
		"Klarna, and has not worked since 15 September 2026."}
}
