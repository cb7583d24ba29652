package provider

import "fmt"

// shopMessages are about shops: connecting them, reading them, and what they hold.
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
		note: "The plan of a kustom_mystore_connection, or of a shop in a fleet, found that the shop can't get a key. Nothing was changed. In a fleet it " +
			"is a warning while other shops can. Terraform plans again in the apply, so the apply repeats it.",
	}
}

func shopNotConnected() message {
	return message{
		title: "Shop not connected",
		note:  "A new kustom_mystore_connection could not give its shop a key. The shop has the key that it had.",
	}
}

func shopKeepsKey() message {
	return message{
		title: "Shop keeps the key that it has",
		note: "The shop did not get its new key and takes payments with the old one. The provider deletes what was made on the way, or remembers it. In a " +
			"fleet, the other shops are done.",
	}
}

// shopMayHaveAnotherKey is an error after which the shop may not have the key that it had.
func shopMayHaveAnotherKey() message {
	return message{
		title: "Shop may have another key",
		note: "The installation of a new key was not confirmed, or someone deleted the new key meanwhile. The shop may hold the old key or the new one. Run " +
			"again at once: the next apply finds out which.",
	}
}

func shopNotTakeable() message {
	return message{
		title: "Shop can't be taken over",
		note:  "The plan of a mystore_klarna_checkout_credentials found that the shop can't get the pair. Nothing was changed, and no key was made for it.",
	}
}

func shopNotForThisKey() message {
	return message{
		title: "Shop can't be given this key",
		note:  "The new key of a mystore_klarna_checkout_credentials belongs to another store than the shop's present key. Nothing was changed.",
	}
}

func shopNotRead() message {
	return message{
		title: "Shop not read",
		note: "The provider could not read the shop of a mystore_klarna_checkout_credentials or a fleet. Nothing was changed. As a warning: the plan keeps " +
			"what is known of that shop, and goes on with the others.",
	}
}

// shopOfKeysNotRead is about a shop that may use any key.
func shopOfKeysNotRead(shop string) message {
	return message{
		title: "Shop not read: " + shop, warning: true,
		note: "The provider could not read a shop that may use a key. The rest of the plan goes on. While the shop can't be read, no key that it may " +
			"use is deleted. If the shop is gone, remove its token, or add it to ignored_shops.",
	}
}

func shopHidesKey() message {
	return message{
		title: "Shop does not show its key", warning: true,
		note: "The shop's page does not show which Kustom ID it has, so the provider can't see a change by hand. To have the pair written again, change " +
			"kustom_secret_wo_version, or rotate the key.",
	}
}

func shopNotRemoved() message {
	return message{
		title: "Shop not removed",
		note:  "A shop that leaves a fleet could not be emptied, or its key not deleted. It stays in the state.",
	}
}

func shopNotCleared() message {
	return message{
		title: "Shop not cleared",
		note: "A kustom_mystore_connection with deletion_policy = \"clear\" could not empty its shop. The shop has its key, the key is not deleted, and both " +
			"stay in the state.",
	}
}

// shopLeftAlone says that a shop was not cleared, because it holds something else by now.
func shopLeftAlone(shop, installed, present string) message {
	m := message{
		title: "Shop not cleared", warning: true,
		why: fmt.Sprintf("Shop %s was not emptied. It holds the key %s, and this resource has installed %s: someone else, or another resource of "+
			"this run, has given the shop that key since.", shop, present, installed),
		do: "If the shop is to keep that key, there is nothing to do. Otherwise change it in Mystore.",
	}
	if present == installed && present != "…" {
		m.why = fmt.Sprintf("Shop %s was not emptied. Someone else, or another resource of this run, has given it the key %s anew since this resource "+
			"installed it. The key stays in the portal while the shop holds it.", shop, installed)
	}
	return m
}

// shopWillTakeNoPayments says in a plan that a shop will be without credentials.
func shopWillTakeNoPayments(shop, becomes string) message {
	return message{
		title: "Shop will take no payments", warning: true,
		why: fmt.Sprintf("The deletion_policy is clear: the credentials of shop %s will be %s, unless another resource gives the shop a key in the same "+
			"run.", shop, becomes),
		do: "Apply only if you mean it. To leave the shop as it is, set deletion_policy = \"retain\".",
	}
}

func shopsWillTakeNoPayments(shops string) message {
	return message{
		title: "Shops will take no payments", warning: true,
		why: fmt.Sprintf("These leave the fleet, whose deletion_policy is clear: their credentials will be emptied, and then their keys, which are named "+
			"here, deleted, unless another resource gives the shop a key in the same run: %s.", shops),
		do: "Apply only if you mean it. To leave the shops as they are, set deletion_policy = \"retain\".",
	}
}

// emptyInstead is what to do where leaving a shop with its key is not wanted.
const emptyInstead = "If that is what you want, there is nothing to do. To empty a shop and delete its key, set deletion_policy = \"clear\" and apply it before you destroy."

func shopLeft(what string) message {
	return message{
		title: "Shop and key left as they are", warning: true,
		why: what, do: emptyInstead,
		note: "A destroyed kustom_mystore_connection leaves its shop and key, because deletion_policy is retain, the default. The shop takes payments " +
			"with the key that the message names.",
	}
}

func shopsLeft(what string) message {
	return message{
		title: "Shops and keys left as they are", warning: true,
		why: what,
		do:  "If that is what you want, there is nothing to do. To empty the shops that leave, set deletion_policy = \"clear\".",
		note: "Shops left a fleet and keep their keys, because deletion_policy is retain, the default. Each takes payments with the key that the message " +
			"names.",
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
		note: "A kustom_mystore_connection was destroyed, and the provider could not delete a key that an earlier run left over. The connection stays in " +
			"the state.",
	}
}

func credentialsNotChanged() message {
	return message{
		title: "Credentials not changed",
		note: "The provider did not touch the shop of a mystore_klarna_checkout_credentials: it has no Klarna Checkout V3, or the new pair is not proven. If " +
			"only the proof is impossible from this machine, set verify = false.",
	}
}

func credentialsNotWritten() message {
	return message{
		title: "Credentials not written",
		note: "The pair of a mystore_klarna_checkout_credentials is proven, but the shop does not certainly show it. The provider has not deleted a key that " +
			"the shop may use.",
	}
}

func credentialsNotConfirmed() message {
	return message{
		title: "Credentials not confirmed", warning: true,
		note: "The shop took the pair, and its page does not show it. No key that the shop may use is deleted. Place a test order in the shop, and run again " +
			"on the same machine.",
	}
}

func credentialsNotCleared() message {
	return message{
		title: "Credentials not cleared",
		note:  "A mystore_klarna_checkout_credentials with deletion_policy = \"clear\" could not be emptied. It stays in the state. Destroy it again.",
	}
}

func credentialsLeft(what string) message {
	return message{
		title: "Credentials left in the shop", warning: true,
		why: what,
		do:  "If that is what you want, there is nothing to do. To empty a shop, set deletion_policy = \"clear\" and apply it before you destroy.",
		note: "A destroyed mystore_klarna_checkout_credentials leaves its pair in the shop, because deletion_policy is retain, the default. The shop takes " +
			"payments with it.",
	}
}

// keyReplacedByCredentials is about the key that goes out of use in a shop and that no kustom_api_key is known to have.
func keyReplacedByCredentials(shop, present string) message {
	return message{
		title: "Key that goes out of use", warning: true,
		why: fmt.Sprintf("Shop %s gets another key in place of %s. This resource does not delete %s.", shop, present, present),
		do:  "If no kustom_api_key has it, delete it in Kustom Portal when nothing uses it any more.",
	}
}

func checkoutNotActive(shop string) message {
	return message{
		title: "Klarna Checkout V3 is not active", warning: true,
		why: fmt.Sprintf("The credentials were written, but shop %s does not offer Klarna Checkout V3 to its customers.", shop),
		do:  "If it is to take payments, activate it in Mystore under Extensions → Your extensions.",
	}
}

// credentialsPage is where Mystore's admin shows a shop's pair.
const credentialsPage = "Extensions → Your extensions → Klarna Checkout V3 → Credentials"

func wrongStore(shop, present, wanted string) message {
	return message{
		why: fmt.Sprintf("Shop %s takes payments for store %s, and would get a key of store %s. Its payments would go to another merchant.", shop, present,
			wanted),
		do: "Check the merchant ID: two rows of a list may be swapped. If the shop does move to the other store, set allow_store_change = true.",
	}
}

// installCheckout is what to do where a shop has no extension that can use Kustom.
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
		do:  "Look under " + credentialsPage + ", and run again.",
	}
}

func shopInTwoObjects() message {
	return message{
		title: "Shop is in two objects",
		note:  "Two objects of the configuration have the same shop. Nothing was changed.",
	}
}

func ownedTwice(shop, first, second string) message {
	return message{
		why: fmt.Sprintf("Shop %s is in two objects of this configuration, a %s and a %s. Each would undo what the other has done, at every apply.",
			shop, first, second),
		do: "Remove it from one of them.",
	}
}

func shopNotMovable(shop string) message {
	return message{
		title: "Shop can't be moved",
		why:   fmt.Sprintf("The Kustom ID of shop %s does not tell which store its key belongs to.", shop),
		do:    "Remove the moved block, and import the shop into the kustom_mystore_connection instead, as shop/merchant_id.",
	}
}

func unreadableMovedState(problem string) message {
	return message{
		title: "Unreadable state",
		why:   "The state of the mystore_klarna_checkout_credentials can't be read: " + problem + ".",
		do:    "Check that nobody edited the state by hand. Otherwise import the shop into the kustom_mystore_connection.",
	}
}
