package provider

import "fmt"

// keyMessages are about generating, reading and deleting API keys.
func keyMessages() []message {
	return []message{
		keyCannotBeGenerated(),
		keyNotGenerated(),
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

func keyCannotBeGenerated() message {
	return message{
		title: "No API key can be generated",
		note:  "The plan has a kustom_api_key, but the provider can't generate keys. Usually, portal_token is not set. Nothing was changed.",
	}
}

func keyNotGenerated() message {
	return message{
		title: "API key not generated",
		note: "Kustom Portal did not generate a key. The shop keeps its current key. If the request left a key behind, the provider deletes that key, " +
			"now or in the next apply.",
	}
}

func keyNotRead() message {
	return message{
		title: "API key not read",
		note: "The provider could not read the key of a kustom_api_key, so there is no plan. Nothing was changed. If someone deleted the key, that " +
			"is an error only in an import.",
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
		note: "The key still works. Usually, a shop takes payments with it, or the provider could not read every shop. With force_destroy = true, a " +
			"kustom_api_key deletes its key anyway. A shop that uses the key then takes no payments.",
	}
}

func lostKeyNotDeleted() message {
	return message{
		title: "Orphaned key not deleted", warning: true,
		note: "A run on this machine was killed after it requested a key. This apply found that key, but could not delete it. The provider tries again " +
			"when it next generates a key of the store.",
	}
}

func keyLeft(username, merchantID string) message {
	return message{
		title: "API key left in the portal", warning: true,
		why: fmt.Sprintf("The deletion_policy of this resource is retain. So the key %s of store %s stays in the portal, and works until "+
			"someone deletes it.", username, merchantID),
		do: "If you don't need the key, delete it in Kustom Portal as soon as nothing uses it.",
	}
}

// keysDeleted has one title for all resources, so that Terraform shows their warnings together.
func keysDeleted(what string) message {
	return message{
		title: "API keys will be deleted", warning: true,
		why: what,
		note: "The message names the keys that the apply deletes. Terraform's \"0 to destroy\" does not count them. Check that nothing else uses them, " +
			"such as an accounting system. To keep a key, set replaced_key_policy or credential_ids. To keep the key of a resource that you " +
			"replace, apply deletion_policy = \"retain\" first.",
	}
}

// keysStay takes the place of keysDeleted if no key is deleted.
func keysStay(what string) message {
	return message{
		title: "API keys stay in the portal", warning: true,
		why: what,
		note: "The shop gets a new key, and no key is deleted. If nothing uses one of the keys that stay, delete it in Kustom Portal or with " +
			"kustom_api_keys_exclusive.",
	}
}

func keysToDeleteUnknown(merchantID, keys string) message {
	return message{
		title: "Keys to delete not known yet", warning: true,
		why: fmt.Sprintf("credential_ids of store %s depends on something that the apply creates. So the plan can't say which of the keys below "+
			"the apply deletes. It deletes those that credential_ids does not name by then.", merchantID),
		do:      "Check every key below. For an exact plan, first apply the resource that generates the key (-target).",
		details: keys,
	}
}

// unusedKeys names keys of a store that a killed run may have left behind. Which says how the provider recognised them.
func unusedKeys(merchantID, which, names, hint string) message {
	return message{
		title: "Unused keys", warning: true,
		why: fmt.Sprintf("Store %s has %s that nothing seems to use: %s. A killed run may have left them behind. A use that is named here "+
			"can be the provider's check or a first order.%s", merchantID, which, names, hint),
		do: "If no state has them and no shop uses them, delete them in Kustom Portal or with kustom_api_keys_exclusive.",
	}
}

func replacedKeyStillInUse(key, shop, others string) message {
	return message{
		title: "Replaced key still in use", warning: true,
		why: fmt.Sprintf("Shop %[2]s no longer uses the key %[1]s, but %[3]s does. So this step did not delete the key.", key, shop, others),
		do: "If a connection or a fleet manages that shop, it deletes the key when it gives the shop another one, in this run or later. Otherwise, " +
			"delete the key in Kustom Portal as soon as nothing uses it.",
	}
}

// replacedKeyNotDeleted is a warning, unless the caller makes it an error.
func replacedKeyNotDeleted(shop, key, again, details string) message {
	return message{
		title: "Replaced key not deleted yet", warning: true,
		why:     fmt.Sprintf("Shop %s takes payments with its new key. The provider could not delete the old key %s. %s", shop, key, again),
		details: details,
		note: "In an update, this is an error. In a creation, it is a warning, because Terraform would replace the new key after an error. " +
			"Run again. If the message comes again, read the reason below it.",
	}
}

const (
	// stillHolds and wasLeftWithIt say why a shop takes payments with a key that should be deleted.
	stillHolds    = "and has no other key yet"
	wasLeftWithIt = "because its destroyed resource left the credentials in place (deletion_policy = \"retain\")"
)

func keyInUse(key, shops, why string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted. Shop %s takes payments with it, %s. Nothing was deleted.", key, shops, why),
		do: "Give the shop another key first: by hand, or with create_before_destroy = true in the key's lifecycle block and without -target. To keep the " +
			"key but not its resource, use a removed block with destroy = false, or apply deletion_policy = \"retain\" first.",
	}
}

// keyInUseOfStore is keyInUse for a kustom_api_keys_exclusive.
func keyInUseOfStore(key, shops, credentialID string) message {
	return message{
		why: fmt.Sprintf("The key %s was not deleted. Shop %s takes payments with it, and has no other key yet. The store's other keys are "+
			"not affected.", key, shops),
		do: fmt.Sprintf("Give the shop another key (%s) or apply the resource that does so. Then run again. To keep this key, add %s to "+
			"credential_ids.", credentialsPage, credentialID),
	}
}

// waysToDelete says how to continue if the provider can read no shop that may use the key.
const waysToDelete = "Give the same provider configuration the tokens of the shops that may use the key. If the portal shows that " +
	"nothing uses it, you can set unused_for instead. To keep the key, use a removed block with destroy = false, or apply " +
	"deletion_policy = \"retain\" first."

// waysToAsk is waysToDelete for a key that another shop than the managed one may use.
const waysToAsk = "Give the same provider configuration the tokens of the shops that may use the key, and remove those shops from " +
	"ignored_shops. If the portal shows that nothing uses the key, you can set unused_for instead."

// waysToDeleteOthers is waysToDelete for a kustom_api_keys_exclusive.
const waysToDeleteOthers = "Give the same provider configuration the tokens of the shops that may use the key. If the portal shows " +
	"that nothing uses it, you can set unused_for instead. If you are sure, set delete_unverified = true."

func keyWithoutShopToAsk(key, ways string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted, because the provider can read no shop that may use it.", key),
		do:      ways,
	}
}

func keyOfUnknownShops(key, reason string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted, because the provider does not know which shops to read. %s", key, reason),
		do:      "Solve that, and run again.",
	}
}

func keyOfUnreadShop(key, shops, reason string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The key %s was not deleted. Shop %s may use it, but the provider can't read that shop. %s", key, shops, reason),
		do:      "Solve that, and run again. If the shop no longer exists, remove its token, or add the shop to the provider's ignored_shops.",
	}
}

func keyOfShopThatHidesID(key, shops string) message {
	return message{
		general: true,
		why: fmt.Sprintf("The key %s was not deleted. Shop %s may use it, but does not show its Kustom ID (an empty field looks the "+
			"same).", key, shops),
		do: fmt.Sprintf("If shop %s uses no Kustom key, add it to the provider's ignored_shops. Otherwise, place a test order in the shop, and run "+
			"again on this machine.", shops),
		details: fmt.Sprintf("The provider deletes %s when Kustom Portal shows a later use of the new key. Only this machine knows which key is the new "+
			"one. From another machine, delete %s in Kustom Portal. With unused_for, the provider deletes the key when the portal has shown no use of it for "+
			"that time.", key, key),
		note: "On another machine, delete the old key in Kustom Portal, or set unused_for.",
	}
}

func keyUsedLately(key, within string) message {
	return message{
		why: fmt.Sprintf("The key %s was not deleted. The portal shows that something used it within the last %s.", key, within),
		do:  "Find out what uses it, such as an accounting system, and give that another key. The next apply tries again.",
	}
}

func keyTooYoung(key, until string) message {
	return message{
		why: fmt.Sprintf("The key %s was not deleted. It is less than an hour old, and no shop uses it yet. Another run may be about to install it.", key),
		do:  fmt.Sprintf("Plan and apply again after %s. To delete the key now, delete it in Kustom Portal.", until),
	}
}

// onPageAPI is how a person deletes a key.
const onPageAPI = "on the page API (under Integrations or Developers; three dots → Delete API key)"

func keyStillListed(key, merchantID string) message {
	return message{
		why: fmt.Sprintf("Kustom Portal accepted the deletion of the key %s of store %s, but still lists the key.", key, merchantID),
		do:  "Run again. If the key is still there, delete it in the portal, " + onPageAPI + ".",
	}
}

func keyStateUnknown(key, cleanup, details string) message {
	return message{
		why: fmt.Sprintf("The provider could not confirm that the shop got the new key %s. It could not delete that key either (%s). The state "+
			"keeps the key's ID.", key, cleanup),
		do:      "Apply again. The provider finds out which key the shop uses, and deletes the other one.",
		details: details,
	}
}

// keptInState says what happens to an orphaned key.
const keptInState = "The state keeps its ID. The next apply deletes it and generates another key."

func deleteOrphan(merchantID string) string {
	return fmt.Sprintf("Apply again. If you can't, delete the key in Kustom Portal, store %s, "+onPageAPI+".", merchantID)
}

func orphanedKey(key, cleanup, merchantID, details string) message {
	return message{
		why:     fmt.Sprintf("The provider generated the API key %s, which can't be used, and could not delete it (%s). %s", key, cleanup, keptInState),
		do:      deleteOrphan(merchantID),
		details: details,
	}
}

func orphanedUnknownKey(cleanup, merchantID, details string) message {
	return message{
		why: fmt.Sprintf("Kustom Portal did not answer the request for an API key. It may have generated a key whose secret is lost (%s). %s", cleanup,
			keptInState),
		do:      deleteOrphan(merchantID),
		details: details,
	}
}

func storeFull(merchantID, unused string) message {
	return message{
		why:     fmt.Sprintf("Store %s has the maximum number of API keys.", merchantID),
		do:      "Delete one that is no longer needed in Kustom Portal " + onPageAPI + ", then run again.",
		details: "These keys have never been used:\n\n" + unused,
	}
}

func storeFullOfUsedKeys(merchantID string) message {
	return message{
		why:  fmt.Sprintf("Store %s has the maximum number of API keys, and each of them has been used.", merchantID),
		do:   "Delete one that is no longer needed in Kustom Portal " + onPageAPI + ", then run again.",
		note: "The data source kustom_api_keys shows which shops use which key, and when each was last used.",
	}
}

func keyNotFound(merchantID, credentialID string) message {
	return message{
		why: fmt.Sprintf("Store %s has no API key with the ID %s. Perhaps someone deleted it.", merchantID, credentialID),
		do: "Correct the ID. To generate a new key instead, remove the import block. The data source kustom_legacy_integrations lists the keys of " +
			"Klarna's host that you can import.",
	}
}

func keyVanished(key, shop string) message {
	return message{
		why: fmt.Sprintf("Someone deleted the key %s while the provider installed it in shop %s. **The shop now has a key that does not exist.**",
			key, shop),
		do: "Run again at once. Then find out who deletes keys of this store, such as another run of Terraform.",
	}
}

func keyNotListedYet(credentialID, merchantID string) message {
	return message{
		why: fmt.Sprintf("Kustom Portal does not list the key %s of store %s, which this run generated. The portal's lists may be stale.", credentialID, merchantID),
		do:  "Run again in a minute.",
	}
}

func storeNotSeen(merchantID string) message {
	return message{
		why: fmt.Sprintf("The portal user can't see store %s.", merchantID),
		do: "Check the merchant ID. The data source kustom_stores lists the stores that the user can see. If the ID is right, ask an account " +
			"administrator for access to the store via User Manager.",
	}
}
