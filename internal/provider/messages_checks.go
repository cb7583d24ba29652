package provider

import "fmt"

// checkMessages are about data sources, lists and actions, which change nothing, and about bugs in the provider.
func checkMessages() []message {
	return []message{
		storesNotRead(),
		endpointStatusNotRead(),
		legacyIntegrationsNotRead(),
		supportBundleNotMade(),
		keysNotListed(),
		shopsNotListed(),
		nothingToVerify(),
		credentialsNotVerified(),
		shopHoldsAnotherID("…", "…", "…"),
		shopsKeyDoesNotExist("…", "…", "…"),
		shopWithoutCredentials("…"),
		shopHoldsNoID("…"),
		shopWithoutSecret("…", "…"),
		shopsKeyOfAnotherHost("…", "…", "…", "…", ""),
		malformedShopURL(shopURLForm),
		orderInProduction(),
		testOrderNotMade(),
		orderOutcomeUnknown(""),
		orderForUnknownMarket(),
		orderAddressRefused(),
		orderRefused(),
		unreadablePrivateState("…"),
		unwritablePrivateState("…"),
		unexpectedProviderData("…"),
		unexpectedModel("…", "…"),
		unexpectedKeySet("…"),
		providerPanicked("…", ""),
		bug(),
		unexpected(),
	}
}

// shopURLForm is what the address of a shop must be.
const shopURLForm = "an absolute https URL without a user name, a query or a fragment"

// reportBug is what to do about a bug.
const reportBug = "Report it, with this message."

func keysNotListed() message {
	return message{title: "API keys not listed", note: "`terraform query` could not list the keys."}
}

func legacyIntegrationsNotRead() message {
	return message{
		title: "Legacy integrations not read",
		note:  "The data source kustom_legacy_integrations could not read the keys, or which shops use them.",
	}
}

func endpointStatusNotRead() message {
	return message{
		title: "Endpoint status not read",
		note:  "The data source kustom_endpoint_status could not read the store's endpoint switch status.",
	}
}

func storesNotRead() message {
	return message{title: "Stores not read", note: "The data source kustom_stores could not list the stores."}
}

func supportBundleNotMade() message {
	return message{
		title: "No support bundle",
		note:  "The run was interrupted, or a setting of the provider is not known yet. Any other problem is listed in the bundle and is no error.",
	}
}

func shopsNotListed() message {
	return message{title: "Shops not listed", note: "`terraform query` could not list the shops."}
}

func credentialsNotVerified() message {
	return message{
		title: "Credentials not verified",
		note:  "The action kustom_verify_credentials could not verify the credentials, or found that they are wrong. It changes nothing.",
	}
}

func testOrderNotMade() message {
	return message{
		title: "Test order not created",
		note:  "The action kustom_create_test_order did not create an order, or could not find out whether it did. Nobody was charged.",
	}
}

func shopHoldsAnotherID(shop, held, wanted string) message {
	return message{
		title: "The shop has another Kustom ID",
		why:   fmt.Sprintf("Shop %s takes payments with the Kustom ID %s, not with %s.", shop, held, wanted),
		do: fmt.Sprintf("If the second ID is the right one, add it and its secret to the shop: %s. Or apply the resource that does so.",
			credentialsPage),
	}
}

func shopsKeyDoesNotExist(shop, key, merchantID string) message {
	return message{
		title: "The shop's key does not exist",
		why: fmt.Sprintf("Shop %s has the Kustom ID %s, but store %s has no such API key. Someone deleted the key or mistyped the ID. The shop takes no "+
			"payments.", shop, key, merchantID),
		do: fmt.Sprintf("Apply: the next plan generates a new key. Or generate one by hand and install it in the shop: %s.", credentialsPage),
	}
}

func shopWithoutCredentials(shop string) message {
	return message{
		title: "The shop has no credentials",
		why:   fmt.Sprintf("Shop %s has Klarna Checkout V3, but no Kustom ID. It takes no payments.", shop),
		do:    fmt.Sprintf("Connect the shop with a kustom_mystore_connection, or add an ID and its secret: %s.", credentialsPage),
	}
}

func shopHoldsNoID(shop string) message {
	return message{
		title: "The shop's Kustom ID is malformed",
		why: fmt.Sprintf("The Kustom ID of shop %s does not look like M00123456-aB3dE. Perhaps ID and secret are swapped. It is not "+
			"shown here, because it may be the secret.", shop),
		do: fmt.Sprintf("Enter both again: %s. If the field had the secret, others may have seen it on that page. Then generate a new key.", credentialsPage),
	}
}

func shopWithoutSecret(shop, id string) message {
	return message{
		title: "The shop has no Kustom Secret",
		why:   fmt.Sprintf("Shop %s has the Kustom ID %s, but no secret. It takes no payments.", shop, id),
		do:    fmt.Sprintf("Add both again: %s. %s", credentialsPage, lostSecret),
	}
}

// shopsKeyOfAnotherHost is about a key whose host differs from own. Why says how the provider knows that.
func shopsKeyOfAnotherHost(shop, key, host, own, why string) message {
	return message{
		title: "The shop's key belongs to another host",
		why:   fmt.Sprintf("Shop %s takes payments with %s. This key belongs to %s, not to %s.%s A key's host can't be changed.", shop, key, host, own, why),
		do: fmt.Sprintf("Generate a new key and install it in the shop (%s). A kustom_mystore_connection does both.",
			credentialsPage),
	}
}

// bug is about a failure that the provider's own code has caused.
func bug() message {
	return message{
		why: "This is a bug in the provider. The state keeps what the provider could not undo.",
		do:  "Run again, and report the bug with the message below.",
	}
}

func malformedShopURL(form string) message {
	return message{
		title: "Malformed shop URL",
		why:   fmt.Sprintf("The shop's address must be %s.", form),
		do:    "Write something like https://butikk.example.",
	}
}

func orderInProduction() message {
	return message{
		title: "Test order in production",
		why:   "The provider's environment is production, where a test order counts as a real order of the store.",
		do:    "Create it in the playground (the provider's environment argument), or set allow_production = true.",
	}
}

func nothingToVerify() message {
	return message{
		title: "Nothing to verify",
		why:   "The action has neither a shop nor credentials.",
		do:    "Set shop, or kustom_id with kustom_secret, or all three.",
	}
}

func unexpectedProviderData(problem string) message {
	return message{
		title: "Unexpected provider data",
		why:   "This is a bug in the provider: " + problem + ".",
		do:    reportBug,
	}
}

func unexpectedModel(model, problem string) message {
	return message{
		title: "Unexpected model",
		why:   fmt.Sprintf("This is a bug in the provider: %s does not fit its schema: %s.", model, problem),
		do:    reportBug,
	}
}

func unexpectedKeySet(kind string) message {
	return message{
		title: "Unexpected set of keys",
		why:   fmt.Sprintf("This is a bug in the provider: an element of a set of keys is a %s.", kind),
		do:    reportBug,
	}
}

func unreadablePrivateState(problem string) message {
	return message{
		title: "Unreadable private state",
		why:   "The provider can't read its private state: " + problem + ". Someone edited it, or a newer version of the provider wrote it.",
		do:    "Use the version of the provider that wrote it, or go back to an earlier version of the state.",
	}
}

func unwritablePrivateState(problem string) message {
	return message{
		title: "Unwritable private state",
		why:   "This is a bug in the provider. It can't write its private state: " + problem + ".",
		do:    reportBug,
	}
}

// providerPanicked takes the place of an answer that a panic prevented.
func providerPanicked(kind, stack string) message {
	return message{
		title:   "Bug in the provider",
		why:     "The provider crashed (" + kind + "). It has undone its changes, or the state keeps them, or the next run finds them.",
		do:      "Run again. Report the bug with the version of the provider.",
		details: stack,
	}
}

func unexpected() message {
	return message{
		why: "The provider does not know this error.",
		do:  "Run again. If the error comes again, report it with the message below.",
	}
}

func orderOutcomeUnknown(reason string) message {
	return message{
		general: true,
		why: "Kustom's answer was lost, so the provider does not know whether a checkout session exists. Nobody can see or complete such a session, so nobody " +
			"is charged.",
		do:      "Run again.",
		details: reason,
	}
}

func orderForUnknownMarket() message {
	return message{
		why: "The store does not sell in this country with this currency.",
		do:  "Set country, currency and locale to a market of the store. Kustom's merchant support adds markets.",
	}
}

func orderAddressRefused() message {
	return message{
		why: "Kustom does not accept the addresses of the shop's pages. The provider derives them from shop_url.",
		do:  "Set shop_url to an https address that customers can open. localhost and IP addresses are not accepted.",
	}
}

func orderRefused() message {
	return message{
		why: "Kustom's merchant API rejects the order. Its reason is below.",
		do:  "Set country, currency and locale to a market of the store.",
	}
}
