package provider

import "fmt"

// keyMessages are about API keys: making, reading and deleting them.
func keyMessages() []message {
	return []message{
		keyNotMakable(),
		keyNotMade(),
		keyNotRead(),
		keysNotRead(),
		keyNotDeleted(),
		lostKeyNotDeleted(),
		keyLeft("…", "…"),
		keysDeleted("…"),
		keysStay("…"),
		keysToDeleteUnknown("…", ""),
		unusedKeys("…", "…", "…", ""),
		replacedKeyStillInUse("…", "…", "…"),
		replacedKeyNotDeleted("…", "…", "The next apply tries again.", ""),
		keyInUse("…", "…", stillHolds),
		keyInUseOfStore("…", "…", "…"),
		keyWithoutShopToAsk("…", waysToDelete),
		keyOfUnknownShops("…", "…"),
		keyOfUnreadShop("…", "…", "…"),
		keyOfShopThatHidesID("…", "…"),
		keyUsedLately("…", "…"),
		keyTooYoung("…", "…"),
		keyStillListed("…", "…"),
		keyStateUnknown("…", "…", ""),
		orphanedKey("…", "…", "…", ""),
		orphanedUnknownKey("…", "…", ""),
		storeFull("…", ""),
		storeFullOfUsedKeys("…"),
		keyNotFound("…", "…"),
		keyVanished("…", "…"),
		keyNotListedYet("…", "…"),
		storeNotSeen("…"),
	}
}

func keyNotMakable() message {
	return message{
		title: "No API key can be made",
		note:  "A kustom_api_key is planned, and the provider can't make keys. Nothing was changed. Mostly portal_token is not set.",
	}
}

func keyNotMade() message {
	return message{
		title: "API key not made",
		note: "Kustom Portal did not make a key. The shop has the key that it had. The provider deletes what was made on the way, or remembers it " +
			"for the next apply.",
	}
}

func keyNotRead() message {
	return message{
		title: "API key not read",
		note: "The provider could not read the key of a kustom_api_key, so there is no plan. Nothing was changed. A key that someone deleted is no " +
			"error, except in an import.",
	}
}

func keysNotRead() message {
	return message{
		title: "API keys not read",
		note:  "The provider could not read a store's keys, or which shops use them. Nothing was changed.",
	}
}

func keyNotDeleted() message {
	return message{
		title: "API key not deleted",
		note: "The key works as before. Mostly a shop still takes payments with it, or the provider could not ask every shop. force_destroy = true of " +
			"a kustom_api_key deletes the key all the same; a shop that uses it then takes no payments.",
	}
}

func lostKeyNotDeleted() message {
	return message{
		title: "Key of a killed run not deleted", warning: true,
		note: "A run on this machine was killed after it had asked for a key. The apply found that key and could not delete it. The next new key of the " +
			"store tries again.",
	}
}

func keyLeft(username, merchantID string) message {
	return message{
		title: "API key left in the portal", warning: true,
		why: fmt.Sprintf("This resource leaves the key %s of store %s in the portal, because its deletion_policy is retain. The key works until "+
			"something else deletes it.", username, merchantID),
		do: "If you don't want that, delete the key in Kustom Portal when nothing uses it.",
	}
}

// keysDeleted has the same title for all objects, so that Terraform shows their warnings together.
func keysDeleted(what string) message {
	return message{
		title: "API keys will be deleted", warning: true,
		why: what,
		note: "It names the keys that the apply deletes. Terraform's 0 to destroy does not count them. Check that nothing else uses " +
			"them, such as an accounting system. To keep one, set replaced_key_policy or credential_ids, or apply deletion_policy = \"retain\" before you replace it.",
	}
}

// keysStay takes the place of keysDeleted where no key goes.
func keysStay(what string) message {
	return message{
		title: "API keys that stay", warning: true,
		why: what,
		note: "The shop gets a new key, and no key is deleted. If nothing uses one of the other keys, delete it in Kustom Portal, or " +
			"with kustom_api_keys_exclusive.",
	}
}

func keysToDeleteUnknown(merchantID, keys string) message {
	return message{
		title: "Keys to delete not known yet", warning: true,
		why: fmt.Sprintf("Which keys store %s keeps is known only during the apply, and so is which of these it deletes. It deletes those that "+
			"credential_ids does not name then.", merchantID),
		do:      "Look through them. For an exact plan, first apply what makes the key (-target).",
		details: keys,
	}
}

// unusedKeys names keys of a store that a killed run may have left behind. Which says how the keys are recognised.
func unusedKeys(merchantID, which, names, hint string) message {
	return message{
		title: "Keys that nothing uses", warning: true,
		why: fmt.Sprintf("Store %s has %s that nothing has used since they were made: %s. A run that was killed may have left them behind.%s",
			merchantID, which, names, hint),
		do: "If no state has them and no other shop uses them, delete them in Kustom Portal, or with kustom_api_keys_exclusive.",
	}
}

func replacedKeyStillInUse(key, shop, others string) message {
	return message{
		title: "Replaced key still in use", warning: true,
		why: fmt.Sprintf("The key %s is not used by shop %s any more, but by %s, so this step has not deleted it.", key, shop, others),
		do: "A connection or a fleet deletes it when it gives that shop another key, in this run or later. A mystore_klarna_checkout_credentials " +
			"deletes no key: then delete it in Kustom Portal when nothing uses it.",
	}
}

// replacedKeyNotDeleted is a warning, unless the caller makes it an error.
func replacedKeyNotDeleted(shop, key, again, details string) message {
	return message{
		title: "Replaced key not deleted yet", warning: true,
		why:     fmt.Sprintf("Shop %s works with its new key. The old one, %s, could not be deleted. %s", shop, key, again),
		details: details,
		note: "In an update it is an error. In a creation it is a warning, because an error would make Terraform replace the new key. " +
			"Run again; if it stays, look for the reason below.",
	}
}

const (
	// stillHolds and wasLeftWithIt are why a shop takes payments with a key that is to go.
	stillHolds    = "and it has not got another key"
	wasLeftWithIt = "and its credentials were left in place when its resource was destroyed (deletion_policy = \"retain\")"
)

func keyInUse(key, shops, why string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted, because shop %s takes payments with it, %s. Nothing was deleted.", key, shops, why),
		do: "Give the shop another key first: set create_before_destroy = true in the key's lifecycle block, and run again without -target, or change it " +
			"by hand. To let go of the key, use a removed block with destroy = false, or apply deletion_policy = \"retain\" first.",
	}
}

// keyInUseOfStore is keyInUse for a kustom_api_keys_exclusive.
func keyInUseOfStore(key, shops, credentialID string) message {
	return message{
		why: fmt.Sprintf("The key %s was not deleted, because shop %s takes payments with it, and has not got another key. The store's other keys are "+
			"not affected.", key, shops),
		do: fmt.Sprintf("Give the shop another key (%s), or apply the resource that does so, and run again. To keep this key, add %s to "+
			"credential_ids.", credentialsPage, credentialID),
	}
}

// waysToDelete are the ways on where there is no shop to ask whether a key is in use.
const waysToDelete = "Give the tokens of the shops that may use it to the same provider configuration. If the portal shows that " +
	"nothing uses it, set unused_for. To keep the key, use a removed block with destroy = false, or apply " +
	"deletion_policy = \"retain\" first."

// waysToAsk are the ways on where there is no shop to ask whether a key that a shop had is in use elsewhere.
const waysToAsk = "Give the tokens of the shops that may use it to the same provider configuration, and take those shops out of " +
	"ignored_shops. If the portal shows that nothing uses it, set unused_for."

// waysToDeleteOthers are the ways on where there is no shop to ask whether the keys that a store is not to have are in use.
const waysToDeleteOthers = "Give the tokens of the shops that may use it to the same provider configuration. If the portal shows " +
	"that nothing uses it, set unused_for. If you are sure, set delete_unverified = true."

func keyWithoutShopToAsk(key, ways string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted, because the provider has no shop to ask whether it uses the key. Some shop may do so.", key),
		do:      ways,
	}
}

func keyOfUnknownShops(key, reason string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted, because the provider does not know which shops it can ask. %s", key, reason),
		do:      "When that is solved, run again.",
	}
}

func keyOfUnreadShop(key, shops, reason string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted, because shop %s may use it and can't be read. %s", key, shops, reason),
		do:      "When that is solved, run again. If the shop is gone, remove its token, or add it to the provider's ignored_shops.",
	}
}

func keyOfShopThatHidesID(key, shops string) message {
	return message{
		general: true,
		why: fmt.Sprintf("The key %s was not deleted, because shop %s may use it and does not show which Kustom ID it has. An empty field counts as "+
			"that too.", key, shops),
		do: fmt.Sprintf("If shop %s uses no key of Kustom's, add it to the provider's ignored_shops. Otherwise place a test order in the shop, and run "+
			"again on this machine.", shops),
		details: fmt.Sprintf("The provider deletes %s when Kustom Portal shows a later use of the new key. A run on another machine does not know which key "+
			"is the new one: delete %s in Kustom Portal then. Where unused_for is set, the provider deletes the key when the portal has shown no use of it for "+
			"that long.", key, key),
		note: "On another machine, delete the old key in Kustom Portal, or set unused_for.",
	}
}

func keyUsedLately(key, within string) message {
	return message{
		why: fmt.Sprintf("The key %s was not deleted, because the portal shows that something has used it within the last %s.", key, within),
		do:  "Find out what uses it, an accounting system for example, and give that another key. The next apply tries again.",
	}
}

func keyTooYoung(key, until string) message {
	return message{
		why: fmt.Sprintf("The key %s was not deleted: it is less than an hour old, and no shop holds it. Another run may be about to install it.", key),
		do:  fmt.Sprintf("Plan and apply again after %s. To delete the key now, use Kustom Portal.", until),
	}
}

// onPageAPI is how a person deletes a key.
const onPageAPI = "on the page API (under Integrations or Developers; three dots → Delete API key)"

func keyStillListed(key, merchantID string) message {
	return message{
		why: fmt.Sprintf("Kustom Portal was asked to delete the key %s of store %s, and still lists it.", key, merchantID),
		do:  "Run again. If it stays, delete it in the portal, " + onPageAPI + ".",
	}
}

func keyStateUnknown(key, cleanup, details string) message {
	return message{
		why: fmt.Sprintf("The provider could neither confirm that the shop got the new key, %s, nor that the key is deleted again (%s). It is "+
			"remembered.", key, cleanup),
		do:      "Apply again: the provider finds out which key the shop uses, and deletes what is left over.",
		details: details,
	}
}

// keptInState is what becomes of an orphaned key.
const keptInState = "It is kept in the state: the next apply deletes it and makes another."

func deleteOrphan(merchantID string) string {
	return fmt.Sprintf("If there will be no next apply, look in Kustom Portal, store %s, on the page API (under Integrations or Developers), and delete "+
		"it there (three dots → Delete API key).", merchantID)
}

func orphanedKey(key, cleanup, merchantID, details string) message {
	return message{
		why:     fmt.Sprintf("The API key %s was made and can't be used, and it could not be deleted again (%s). %s", key, cleanup, keptInState),
		do:      deleteOrphan(merchantID),
		details: details,
	}
}

func orphanedUnknownKey(cleanup, merchantID, details string) message {
	return message{
		why: fmt.Sprintf("Kustom Portal did not answer the request for an API key. It may have made one whose secret is lost (%s). %s", cleanup,
			keptInState),
		do:      deleteOrphan(merchantID),
		details: details,
	}
}

func storeFull(merchantID, unused string) message {
	return message{
		why:     fmt.Sprintf("Store %s has as many API keys as it may have.", merchantID),
		do:      "Delete one that is no longer needed in Kustom Portal " + onPageAPI + ", then run again.",
		details: "These have never been used:\n\n" + unused,
	}
}

func storeFullOfUsedKeys(merchantID string) message {
	return message{
		why:  fmt.Sprintf("Store %s has as many API keys as it may have, and each of them has been used.", merchantID),
		do:   "Delete one that is no longer needed in Kustom Portal " + onPageAPI + ", then run again.",
		note: "The data source kustom_api_keys shows which shops use which key, and when each was last used.",
	}
}

func keyNotFound(merchantID, credentialID string) message {
	return message{
		why: fmt.Sprintf("Store %s has no API key with the ID %s; perhaps it was deleted.", merchantID, credentialID),
		do: "Correct the ID, or remove the import block to have a new key made. The data source kustom_legacy_integrations lists the keys of Klarna's " +
			"host that you can import.",
	}
}

func keyVanished(key, shop string) message {
	return message{
		why: fmt.Sprintf("Someone deleted the key %s while shop %s got it. **The shop holds a key that does not exist.**",
			key, shop),
		do: "Find out who deletes keys of this store, another run of Terraform for example, and run again at once.",
	}
}

func keyNotListedYet(credentialID, merchantID string) message {
	return message{
		why: fmt.Sprintf("Kustom Portal does not list the key %s of store %s, which this run has made. Its lists may lag.", credentialID, merchantID),
		do:  "Run again in a minute.",
	}
}

func storeNotSeen(merchantID string) message {
	return message{
		why: fmt.Sprintf("The portal user sees no store %s.", merchantID),
		do: "Check the merchant ID: the data source kustom_stores lists the stores that the user can see. If it is right, ask an account administrator " +
			"for access to the store via User Manager.",
	}
}
