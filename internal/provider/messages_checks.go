package provider

import "fmt"

// checkMessages are about data sources, lists and actions, which change nothing, and about the provider's own faults.
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

// shopURLForm is what the address of a shop has to be.
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
		note:  "The run was interrupted, or a setting of the provider is not known yet. Any other problem is part of the bundle and no error.",
	}
}

func shopsNotListed() message {
	return message{title: "Shops not listed", note: "`terraform query` could not list the shops."}
}

func credentialsNotVerified() message {
	return message{
		title: "Credentials not verified",
		note:  "The action kustom_verify_credentials could not verify the credentials, or found that they are wrong. It has changed nothing.",
	}
}

func testOrderNotMade() message {
	return message{
		title: "No test order made",
		note:  "The action kustom_create_test_order has made no order, or does not know whether it has. Nobody was charged.",
	}
}

func shopHoldsAnotherID(shop, held, wanted string) message {
	return message{
		title: "The shop holds another Kustom ID",
		why:   fmt.Sprintf("Shop %s takes payments with %s, and not with %s.", shop, held, wanted),
		do: fmt.Sprintf("If the latter is the right one, add it to the shop together with its secret: %s, or apply the resource that does so.",
			credentialsPage),
	}
}

func shopsKeyDoesNotExist(shop, key, merchantID string) message {
	return message{
		title: "The shop's key does not exist",
		why: fmt.Sprintf("Shop %s holds %s, and store %s has no such API key: it was deleted in Kustom Portal, or mistyped. The shop takes no payments "+
			"with it.", shop, key, merchantID),
		do: fmt.Sprintf("Apply: the next plan makes a new key. By hand, generate a new key and add it to the shop: %s.", credentialsPage),
	}
}

func shopWithoutCredentials(shop string) message {
	return message{
		title: "The shop has no credentials",
		why:   fmt.Sprintf("Shop %s has Klarna Checkout V3, but no Kustom ID, and takes no payments through it.", shop),
		do:    fmt.Sprintf("Connect the shop with a kustom_mystore_connection, or add an ID and its secret: %s.", credentialsPage),
	}
}

func shopHoldsNoID(shop string) message {
	return message{
		title: "What the shop holds is not a Kustom ID",
		why: fmt.Sprintf("The field of shop %s holds no Kustom ID, such as M00123456-aB3dE. It is not shown here, because it may be "+
			"the secret: perhaps ID and secret are swapped.", shop),
		do: fmt.Sprintf("Enter both again: %s. If it is a secret, others have seen it on that page, so generate a new key.", credentialsPage),
	}
}

func shopWithoutSecret(shop, id string) message {
	return message{
		title: "The shop has no Kustom Secret",
		why:   fmt.Sprintf("Shop %s holds the Kustom ID %s without a secret, and takes no payments with it.", shop, id),
		do:    fmt.Sprintf("Add both again: %s. %s", credentialsPage, lostSecret),
	}
}

// shopsKeyOfAnotherHost is about a key whose host is another one than own. Why says how that is known.
func shopsKeyOfAnotherHost(shop, key, host, own, why string) message {
	return message{
		title: "The shop's key belongs to another host",
		why:   fmt.Sprintf("Shop %s takes payments with %s, a key of %s, and not of %s.%s A key's host cannot be changed.", shop, key, host, own, why),
		do: fmt.Sprintf("Generate a new key and add it to the shop (%s), or let a kustom_mystore_connection do both.",
			credentialsPage),
	}
}

// bug is about a failure that the provider's own code has caused.
func bug() message {
	return message{
		why: "This is a fault of the provider. What it had made is undone or remembered.",
		do:  "Run again, and report it with the message below.",
	}
}

func malformedShopURL(form string) message {
	return message{
		title: "Malformed shop URL",
		why:   fmt.Sprintf("The shop's address has to be %s.", form),
		do:    "Write something like https://butikk.example.",
	}
}

func orderInProduction() message {
	return message{
		title: "A test order in production",
		why:   "The provider works in Kustom's production environment, where a test order counts among the store's real ones.",
		do:    "Make it in the playground (the provider's environment), or set allow_production = true.",
	}
}

func nothingToVerify() message {
	return message{
		title: "Nothing to verify",
		why:   "The action has neither a shop nor a pair.",
		do:    "Set shop, or kustom_id and kustom_secret, or all three.",
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
		why:   "What the provider has kept in private state can't be read: " + problem + ". Someone edited it, or a newer version of the provider wrote it.",
		do:    "Use the version of the provider that wrote it, or go back to an earlier version of the state.",
	}
}

func unwritablePrivateState(problem string) message {
	return message{
		title: "Unwritable private state",
		why:   "This is a bug in the provider: what it keeps in private state can't be written: " + problem + ".",
		do:    reportBug,
	}
}

// providerPanicked is what takes the place of an answer that a panic has prevented.
func providerPanicked(kind, stack string) message {
	return message{
		title: "Fault of the provider",
		why: "The provider has failed in a way that it should not (" + kind + "). Nothing that it made is forgotten: it is undone, in the state, or found by " +
			"the next run.",
		do:      "Run again, and report this with the version of the provider.",
		details: stack,
	}
}

func unexpected() message {
	return message{
		why: "This is unexpected.",
		do:  "Run again and, if it stays, report it with the message below.",
	}
}

func orderOutcomeUnknown(reason string) message {
	return message{
		general: true,
		why: "Whether Kustom has made the checkout session is not known: the answer was lost. Nobody can see such a session or complete it, so nobody is " +
			"charged.",
		do:      "Run again.",
		details: reason,
	}
}

func orderForUnknownMarket() message {
	return message{
		why: "The store is not set up for this country in this currency.",
		do:  "Set country, currency and locale to a market that the store sells in; Kustom's merchant support adds others.",
	}
}

func orderAddressRefused() message {
	return message{
		why: "Kustom does not accept the addresses of the shop's pages. They are made of shop_url.",
		do:  "Set shop_url to an https address that customers can open: not localhost, and not an IP address.",
	}
}

func orderRefused() message {
	return message{
		why: "Kustom's merchant API refuses the order; see below for its reason.",
		do:  "Set country, currency and locale to ones that the store is set up for.",
	}
}
