package provider

import "fmt"

// shopMessages are about connecting and reading shops, and about their credentials.
func shopMessages() []message {
	return []message{
		shopNotConnectable(),
		shopNotConnected(),
		shopKeepsKey(),
		shopMayHaveAnotherKey(),
		shopNotTakeable(),
		shopNotForThisKey(),
		shopNotRead(),
		shopOfKeysNotRead("…"),
		shopHidesKey(),
		shopNotRemoved(),
		shopNotCleared(),
		shopLeftAlone("…", "…", "…"),
		shopsTakeNoPayments("…"),
		shopWillTakeNoPayments("…", "…"),
		shopsWillTakeNoPayments("…"),
		shopLeft("…"),
		shopsLeft("…"),
		connectionNotRead(),
		connectionNotRemoved(),
		credentialsNotChanged(),
		credentialsNotWritten(),
		credentialsNotConfirmed(),
		credentialsNotCleared(),
		credentialsLeft("…"),
		keyReplacedByCredentials("…", "…"),
		checkoutNotActive("…"),
		wrongStore("…", "…", "…"),
		wrongImport("…", "…", "…"),
		checkoutNotInstalled("…"),
		otherCheckoutInstalled("…", "…"),
		changeNotShown("…"),
		shopNotMovable("…"),
		unreadableMovedState("…"),
		shopInTwoObjects(),
		ownedTwice("…", "…", "…"),
	}
}

func shopNotConnectable() message {
	return message{
		title: "Shop can't be connected",
		note: "The provider found during the plan that it can't give a shop a key. Nothing was changed. In a fleet, this is a warning if other shops " +
			"can get a key. The apply plans again, so it repeats the warning.",
	}
}

func shopNotConnected() message {
	return message{
		title: "Shop not connected",
		note:  "The provider could not give a shop its first key. A key that the shop had before stays.",
	}
}

func shopKeepsKey() message {
	return message{
		title: "Shop keeps its current key",
		note: "The shop did not get its new key, and takes payments with the old one. The provider deletes the new key, now or in the next apply. A " +
			"fleet continues with its other shops.",
	}
}

// shopMayHaveAnotherKey is an error after which the shop may have the old key or the new one.
func shopMayHaveAnotherKey() message {
	return message{
		title: "Shop may have another key",
		note: "Mystore did not confirm the new key, or someone deleted that key during the run. The shop may have the old key or the new one. Run again " +
			"at once. The next apply finds out which key the shop has.",
	}
}

func shopNotTakeable() message {
	return message{
		title: "Credentials can't be installed",
		note:  "The provider found during the plan that it can't install credentials in this shop. Nothing was changed, and no key was generated.",
	}
}

func shopNotForThisKey() message {
	return message{
		title: "Shop can't be given this key",
		note:  "The new key and the shop's current key belong to different stores. Nothing was changed.",
	}
}

func shopNotRead() message {
	return message{
		title: "Shop not read",
		note: "The provider could not read the shop of a mystore_klarna_checkout_credentials or a fleet. Nothing was changed. If this is a warning, the " +
			"plan continues with the other shops, and assumes that this shop is as it was at the last read.",
	}
}

// shopOfKeysNotRead is about a shop that may use any of the keys.
func shopOfKeysNotRead(shop string) message {
	return message{
		title: "Shop not read: " + shop, warning: true,
		note: "The provider could not read a shop that may use a key. The plan continues. Until the provider can read the shop, it deletes no key that " +
			"the shop may use. If the shop no longer exists, remove its token, or add the shop to ignored_shops.",
	}
}

func shopHidesKey() message {
	return message{
		title: "Shop does not show its key", warning: true,
		note: "The shop's page does not show its Kustom ID, so the provider can't see if someone changed it by hand. To install the credentials " +
			"again, raise kustom_secret_wo_version, or rotate the key.",
	}
}

func shopNotRemoved() message {
	return message{
		title: "Shop not removed",
		note:  "You removed a shop from a fleet. The provider could not clear its credentials or could not delete its key. The shop stays in the state.",
	}
}

func shopNotCleared() message {
	return message{
		title: "Shop not cleared",
		note:  "A kustom_mystore_connection with deletion_policy = \"clear\" could not clear its shop. The shop keeps its key. Both stay in the state.",
	}
}

// shopLeftAlone says that a shop was not cleared, because someone else has changed it.
func shopLeftAlone(shop, installed, present string) message {
	m := message{
		title: "Shop not cleared", warning: true,
		why: fmt.Sprintf("Shop %s was not cleared. It has the key %s, but this resource installed %s. Someone else, or another resource of "+
			"this run, has given the shop another key since then.", shop, present, installed),
		do: "If the shop should keep its key, you need do nothing. Otherwise, change the key in Mystore.",
	}
	if present == installed && present != "…" {
		m.why = fmt.Sprintf("Shop %s was not cleared. Someone else, or another resource of this run, has installed the key %s again since this resource "+
			"installed it. The key stays in the portal as long as the shop uses it.", shop, installed)
	}
	return m
}

// shopsTakeNoPayments says in a plan that shops have deleted keys, each named with its key.
func shopsTakeNoPayments(shops string) message {
	return message{
		title: "Shop takes no payments", warning: true,
		why: fmt.Sprintf("Kustom Portal no longer has the key of shop %s. Someone has deleted it, so Kustom rejects the shop's orders.", shops),
		do:  "Apply this plan soon. It gives the shop a new key.",
	}
}

// shopWillTakeNoPayments says in a plan that a shop will have no credentials.
func shopWillTakeNoPayments(shop, becomes string) message {
	return message{
		title: "Shop will take no payments", warning: true,
		why: fmt.Sprintf("The deletion_policy is clear, so the credentials of shop %s will be %s. This does not happen if another resource gives the shop "+
			"a key in the same run.", shop, becomes),
		do: "Apply only if the shop should take no payments. To leave it as it is, set deletion_policy = \"retain\".",
	}
}

func shopsWillTakeNoPayments(shops string) message {
	return message{
		title: "Shops will take no payments", warning: true,
		why: fmt.Sprintf("The fleet's deletion_policy is clear, and you removed these shops from it: %s. The apply clears their credentials and deletes their "+
			"keys. It does neither for a shop that gets a key from another resource in the same run.", shops),
		do: "Apply only if these shops should take no payments. To leave them as they are, set deletion_policy = \"retain\".",
	}
}

// clearInstead says what to do if a shop should not keep its key.
const clearInstead = "If you want that, you need do nothing. To clear a shop and delete its key, set deletion_policy = \"clear\" and apply that before you destroy."

func shopLeft(what string) message {
	return message{
		title: "Shop and key left as they are", warning: true,
		why: what, do: clearInstead,
		note: "The deletion_policy is retain, the default. So a destroyed kustom_mystore_connection changes neither its shop nor its key. The shop " +
			"takes payments with the key that the message names.",
	}
}

func shopsLeft(what string) message {
	return message{
		title: "Shops and keys left as they are", warning: true,
		why: what,
		do:  "If you want that, you need do nothing. To clear the shops that you remove, set deletion_policy = \"clear\".",
		note: "The deletion_policy is retain, the default. So the shops that you removed from a fleet keep their keys. Each takes payments with the key " +
			"that the message names.",
	}
}

func connectionNotRead() message {
	return message{
		title: "Connection not read",
		note:  "The provider could not read the shop of a kustom_mystore_connection, or its key, so there is no plan. Nothing was changed.",
	}
}

func connectionNotRemoved() message {
	return message{
		title: "Connection not removed",
		note:  "The provider could not delete an orphaned key of a kustom_mystore_connection that you destroy. The connection stays in the state.",
	}
}

func credentialsNotChanged() message {
	return message{
		title: "Credentials not changed",
		note: "The provider did not change the shop of a mystore_klarna_checkout_credentials. The shop has no Klarna Checkout V3, or the provider could not " +
			"prove the new credentials. If you have proven them and this machine can't, set verify = false.",
	}
}

func credentialsNotWritten() message {
	return message{
		title: "Credentials not written",
		note:  "The provider proved the credentials, but could not confirm that the shop has them. It did not delete any key that the shop may use.",
	}
}

func credentialsNotConfirmed() message {
	return message{
		title: "Credentials not confirmed", warning: true,
		note: "Mystore accepted the credentials, but the shop's page does not show them. The provider deletes no key that the shop may use. Place a test " +
			"order in the shop, and run again on the same machine.",
	}
}

func credentialsNotCleared() message {
	return message{
		title: "Credentials not cleared",
		note:  "The provider could not clear the shop of a mystore_klarna_checkout_credentials with deletion_policy = \"clear\". The resource stays in the state. Destroy it again.",
	}
}

func credentialsLeft(what string) message {
	return message{
		title: "Credentials left in the shop", warning: true,
		why: what,
		do:  "If you want that, you need do nothing. To clear a shop, set deletion_policy = \"clear\" and apply that before you destroy.",
		note: "The deletion_policy is retain, the default. So a destroyed mystore_klarna_checkout_credentials leaves its credentials in the shop. The " +
			"shop takes payments with them.",
	}
}

// keyReplacedByCredentials is about a shop's replaced key. No kustom_api_key is known to manage it.
func keyReplacedByCredentials(shop, present string) message {
	return message{
		title: "Replaced key stays in the portal", warning: true,
		why: fmt.Sprintf("Shop %s gets another key in place of %s. This resource does not delete the key %s.", shop, present, present),
		do:  "If no kustom_api_key manages that key, delete it in Kustom Portal as soon as nothing uses it.",
	}
}

func checkoutNotActive(shop string) message {
	return message{
		title: "Klarna Checkout V3 is not active", warning: true,
		why: fmt.Sprintf("The credentials are installed, but shop %s does not offer Klarna Checkout V3 to its customers.", shop),
		do:  "If the shop should take payments, activate Klarna Checkout V3 in Mystore under Extensions → Your extensions.",
	}
}

// credentialsPage is where Mystore's control panel shows a shop's credentials.
const credentialsPage = "Extensions → Your extensions → Klarna Checkout V3 → Credentials"

func wrongStore(shop, present, wanted string) message {
	return message{
		why: fmt.Sprintf("Shop %s takes payments for store %s, but would get a key of store %s. Its payments would go to another merchant.", shop, present,
			wanted),
		do: "Check the merchant ID. Two rows of a list may be swapped. If the shop moves to the other store, set allow_store_change = true.",
	}
}

func wrongImport(shop, imported, present string) message {
	return message{
		why: fmt.Sprintf("The import says that shop %s belongs to store %s, but the shop uses a key of store %s.", shop, imported, present),
		do: fmt.Sprintf("Import the shop with the ID %s/%s. If the state has the object already, remove it first with terraform state rm.",
			shop, present),
	}
}

// installCheckout says what to do if a shop has no extension that can use Kustom.
const installCheckout = "Only Klarna Checkout V3 can use Kustom. Install it in Mystore under Extensions, then run again."

func checkoutNotInstalled(shop string) message {
	return message{
		why: fmt.Sprintf("Shop %s has no Klarna Checkout V3.", shop),
		do:  installCheckout,
	}
}

func otherCheckoutInstalled(shop, other string) message {
	return message{
		why: fmt.Sprintf("Shop %s has %s, but not Klarna Checkout V3.", shop, other),
		do:  installCheckout,
	}
}

func changeNotShown(shop string) message {
	return message{
		why: fmt.Sprintf("Mystore accepted the change, but shop %s does not show it. Someone may have changed the shop at the same time.", shop),
		do:  "Check the shop under " + credentialsPage + ". Then run again.",
	}
}

func shopInTwoObjects() message {
	return message{
		title: "Shop in two resources",
		note:  "Two resources of the configuration manage the same shop. Nothing was changed.",
	}
}

func ownedTwice(shop, first, second string) message {
	return message{
		why: fmt.Sprintf("Two resources of this configuration manage shop %s: a %s and a %s. At every apply, each would undo the other's change.",
			shop, first, second),
		do: "Remove the shop from one of them.",
	}
}

func shopNotMovable(shop string) message {
	return message{
		title: "Shop can't be moved",
		why:   fmt.Sprintf("The Kustom ID of shop %s does not show which store its key belongs to.", shop),
		do:    "Remove the moved block, and import the shop into the kustom_mystore_connection instead, as shop/merchant_id.",
	}
}

func unreadableMovedState(problem string) message {
	return message{
		title: "Unreadable state",
		why:   "The state of the mystore_klarna_checkout_credentials can't be read: " + problem + ".",
		do:    "Check that nobody edited the state by hand. Otherwise, import the shop into the kustom_mystore_connection.",
	}
}
