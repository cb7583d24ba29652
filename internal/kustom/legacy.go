package kustom

// Owner tells whose API a key is made for.
type Owner string

// The owners.
const (
	// OwnerKlarna: the key is a legacy one. It has been dead since Klarna's hosts were switched off, on
	// 15 September 2026.
	OwnerKlarna Owner = "legacy"
	// OwnerKustom: the key is made for Kustom's hosts.
	OwnerKustom Owner = "kustom"
	// OwnerUnknown: what is known tells neither.
	OwnerUnknown Owner = "unknown"
)

// KeyFacts is what is known of a key.
type KeyFacts struct {
	Username string
	// Host is the API host that the portal shows beside the key; empty where it shows none.
	Host string
	// Listed tells whether the portal lists the key.
	Listed bool
}

// Origin is what the facts say of whose key it is.
type Origin struct {
	Owner Owner
	// Sure tells whether a vendor's own rule says so. Otherwise it is what public integrations suggest.
	Sure bool
	// Reason says why, in a sentence for a person. It holds no secret.
	Reason string
}

// Legacy tells whether a key is one of Klarna's. It is the only place that decides so. The host decides
// where it is known, then the form of the username, then whether the portal lists the key: it lists
// all of Kustom's, and need not list Klarna's.
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

// Origin returns whose key it is. A [Key] is one that the portal lists.
func (k Key) Origin() Origin {
	return Legacy(KeyFacts{Username: k.Username, Host: k.Host, Listed: true})
}

func legacyByForm(username string) Origin {
	store, hasStore := StoreOf(username)
	migrated := hasStore && MerchantID(store).Migrated()
	switch FormOf(username) {
	case UsernameKlarna:
		// A store that was made at Kustom never had a key of Klarna's, so its form tells less.
		return Origin{OwnerKlarna, migrated || !hasStore, "The username has the form of Klarna's, with an underscore or as a UUID."}
	case UsernameKustom:
		// The documented form of Kustom's usernames. No key of a store that came from Klarna has been seen
		// in public.
		return Origin{OwnerKustom, !migrated, "The username has the form of Kustom's: the merchant ID, a hyphen, and a few characters."}
	case UsernameOther:
	}
	return Origin{OwnerUnknown, false, "The username has neither the form of Kustom's nor that of Klarna's."}
}

func legacyUnlisted(username string) Origin {
	if FormOf(username) == UsernameKustom {
		return Origin{OwnerUnknown, false, "Kustom Portal does not list the key, although its username has the form of Kustom's. " +
			"It was deleted, or the portal user can't see its store."}
	}
	return Origin{OwnerKlarna, FormOf(username) == UsernameKlarna, "Kustom Portal does not list the key: it is Klarna's own, and has not " +
		"worked since 15 September 2026."}
}
