package provider

import (
	"fmt"
	"strings"
)

// inputMessages are about the arguments of resources, actions and data sources, and about import IDs.
func inputMessages() []message {
	return []message{
		malformedMerchantID("…"),
		malformedKeyID(),
		malformedDescription("1 to 100 letters, digits, spaces and -:;.,_"),
		unknownHost("…", "…"),
		malformedTime("…"),
		malformedDuration("…", durationForm),
		malformedImportID("…"),
		hostOfAnotherEnvironment("…", "…", "…"),
		idOfAnotherEnvironment("…", "…", "…", "…"),
		secretOfAnotherEnvironment("…", "…"),
		swappedPair("…"),
		paddedValue("…"),
		malformedKustomID(),
		klarnasSecret(),
		malformedSecret(),
		secretMissing("…"),
		kustomIDMissing(),
		twoSecrets(),
		secretVersionMissing(),
		versionWithoutSecret(),
		newKeyOnKlarnasHost("…"),
		noSuchKeys("…", "…"),
	}
}

// durationForm is what a duration has to be.
const durationForm = "a positive duration with a unit, such as 30s or 5m"

// libraryMessages are what the framework's validators say of a value. Their diagnostics are the libraries' own.
func libraryMessages() []message {
	return []message{
		{
			title: "Duplicate List Value",
			note:  "A list, such as merchant_ids, has the same value twice. The message shows it.",
			do:    "Remove one of them. For a computed list, use distinct(…).",
		},
		{
			title: "Invalid Attribute Value",
			note:  "A number is out of range, or a list, set or map is empty that must have a value. The message says what is valid.",
			do:    "Set a valid value: the argument's page lists them. To have the default, leave the argument out.",
		},
		{
			title: "Invalid Attribute Value Length",
			note:  "A text is empty that must have a value, such as a shop's name. Often it comes from a variable that is not set.",
			do:    "Set the value, or leave the argument out.",
		},
		{
			title: "Invalid Attribute Value Match",
			note:  "The argument does not allow the text. The message lists the values, such as retain and clear for deletion_policy, or describes the form.",
			do:    "Use one of the values in the message. Capital letters count.",
		},
		{
			title: "Invalid Attribute Value Time Duration",
			note:  "An argument in a timeouts block is not a duration.",
			do:    "Write a number and a unit without a space: 30s, 5m, 1h30m.",
		},
		{
			title: "Null Map Value",
			note:  "A shop of a kustom_mystore_fleet is null and not an object.",
			do:    "Set the shop's object, or filter the map: { for name, shop in var.shops : name => shop if shop != null }.",
		},
		{
			title: "Null Set Value",
			note:  "credential_ids of a kustom_api_keys_exclusive contains null, such as the credential_id of an object without a key.",
			do:    "Set the key's ID, or leave it out: compact(…) removes null.",
		},
		{
			title: "Timeout Cannot Be Parsed",
			note:  "An argument in a timeouts block comes from another resource and is not a duration.",
			do:    "Let that resource return a number and a unit without a space: 30s, 5m, 1h30m.",
		},
	}
}

// malformedMerchantID is about a value that is quoted already, unless it may be a secret (I2).
func malformedMerchantID(quoted string) message {
	return message{
		title: "Malformed merchant ID",
		why: quoted + " is not a merchant ID. That is M and digits, such as M00123456, or K or N and digits for a store that came from Klarna, such " +
			"as K123456. In the playground it begins with P, such as PM00123456.",
		do: "Copy it from Kustom Portal, which shows it beside the store's name.",
	}
}

func malformedKeyID() message {
	return message{
		title: "Malformed key ID",
		why:   "This is not the ID of an API key. It is not shown here, because it may be a secret.",
		do: "It is what kustom_api_key and kustom_mystore_connection call credential_id, without the merchant ID. It looks like " +
			"7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11, or by the portal's pages like M00123456-aB3dE.",
	}
}

func malformedDescription(form string) message {
	return message{
		title: "Malformed description",
		why:   "Kustom Portal takes " + form + " as the description of a key.",
		do:    `Change description. If it comes from a name, use replace(var.name, "/[^A-Za-z0-9 :;.,_-]/", "-").`,
	}
}

func unknownHost(hosts, host string) message {
	return message{
		title: "Unknown host",
		why:   fmt.Sprintf("Keys belong to %s; %s is none of these.", hosts, host),
		do:    "Remove host, or set it to one of these.",
	}
}

func malformedTime(value string) message {
	return message{
		title: "Malformed point in time",
		why:   value + " does not have the form of 2026-03-31T00:00:00Z (RFC 3339).",
		do:    "Write it in that form, with the time and the time zone.",
	}
}

func malformedDuration(value, form string) message {
	return message{
		title: "Malformed duration",
		why:   fmt.Sprintf("%s is not %s.", value, form),
		do:    "Write a number and a unit without a space, such as 30s or 1m30s.",
	}
}

func malformedImportID(problem string) message {
	return message{
		title: "Malformed import ID",
		why:   strings.TrimSuffix(problem, ".") + ".",
		do: "Use merchant_id/credential_id for a key, shop/merchant_id for a connection, and several of those, separated by commas, for a " +
			"fleet. A fleet's must not name a shop twice.",
	}
}

func hostOfAnotherEnvironment(host, environment, own string) message {
	return message{
		title: "Host of another environment",
		why:   fmt.Sprintf("%s does not belong to the provider's environment, %s, whose host is %s.", host, environment, own),
		do:    "Remove host, or set the provider's environment.",
	}
}

// idOfAnotherEnvironment is about the ID of a store or key, which what names, of an environment in which the provider does
// not work.
func idOfAnotherEnvironment(what, id, of, environment string) message {
	return message{
		title: fmt.Sprintf("A %s of the %s environment", what, of),
		why:   fmt.Sprintf("%s belongs to a %s of Kustom's %s environment, and the provider works in %s.", id, what, of, environment),
		do:    fmt.Sprintf("Use a %s of %s, or set the provider's environment.", what, environment),
		note:  "IDs of the playground begin with P. For both environments in one configuration, use two provider blocks, one with an alias.",
	}
}

func secretOfAnotherEnvironment(environment, prefix string) message {
	return message{
		title: "A secret of another environment",
		why: fmt.Sprintf("In the provider's environment, %s, secrets begin with %s. This one does not: it belongs to a key of another environment.",
			environment, prefix),
		do: "Use the secret of a key of that environment, or set the provider's environment.",
	}
}

// swappedPair is about a pair whose secret is at the attribute.
func swappedPair(secret string) message {
	return message{
		title: "Kustom ID and Kustom Secret are swapped",
		why: "kustom_id holds a secret, or " + secret + " holds an ID. The ID begins with the merchant ID (M00123456-aB3dE), the secret with " +
			"kco_live_api_ or kco_test_api_.",
		do: "Swap them. If a secret stood where others could read it, generate a new key.",
	}
}

func paddedValue(attribute string) message {
	return message{
		title: "White space around the value",
		why:   "The value of " + attribute + " begins or ends with white space, which was probably copied along.",
		do:    "Remove it, or wrap the value in trimspace(…).",
	}
}

func malformedKustomID() message {
	return message{
		title: "Malformed Kustom ID",
		why:   "A Kustom ID is the username of an API key: the merchant ID, a hyphen and a few characters, such as M00123456-aB3dE.",
		do:    "Copy it from Kustom Portal, on the page API, or use the username of a kustom_api_key.",
	}
}

func klarnasSecret() message {
	return message{
		title: "A secret of Klarna's",
		why: "This is the secret of one of Klarna's API keys: it begins with klarna_. Klarna's hosts were switched off on 15 September 2026, and " +
			"Kustom does not accept its keys.",
		do: "Generate a key in Kustom Portal, and use its Key ID and its Password, which begins with kco_.",
	}
}

func malformedSecret() message {
	return message{
		title: "Malformed Kustom Secret",
		why:   "A Kustom Secret begins with kco_live_api_ or, in the playground, with kco_test_api_. This value is not shown.",
		do:    "Copy it again. " + lostSecret,
	}
}

// secretMissing is about arguments without a secret, which what names.
func secretMissing(what string) message {
	return message{
		title: "No secret",
		why:   what + " If it comes from a kustom_api_key that was imported: nobody can read the secret of a key that exists already.",
		do:    "Make a new key (-replace=kustom_api_key.…), or pass the secret yourself.",
	}
}

func kustomIDMissing() message {
	return message{
		title: "No Kustom ID",
		why:   "kustom_secret is set, and kustom_id has no value; they go together.",
		do:    "Set both, or neither.",
	}
}

func twoSecrets() message {
	return message{
		title: "Two secrets",
		why:   "kustom_secret and kustom_secret_wo are both set.",
		do:    "Set exactly one of them: kustom_secret_wo keeps the secret out of the state.",
	}
}

func secretVersionMissing() message {
	return message{
		title: "No version for the write-only secret",
		why:   "kustom_secret_wo is not kept anywhere, so Terraform can't see a change of it.",
		do:    "Set kustom_secret_wo_version, to 1 for example, and raise it whenever the secret changes.",
	}
}

func versionWithoutSecret() message {
	return message{
		title: "A version without a write-only secret",
		why:   "kustom_secret_wo_version goes with kustom_secret_wo only.",
		do:    "Remove the version. Terraform sees a change of kustom_secret without it.",
	}
}

func newKeyOnKlarnasHost(host string) message {
	return message{
		title: "A new key can't belong to Klarna's host",
		why:   host + " is a host that Kustom is leaving; keys can no longer be made there. It can be named only to keep a key that was imported.",
		do:    "Remove host to make a key on the new one.",
	}
}

func noSuchKeys(merchantID, ids string) message {
	return message{
		title: "No such API key",
		why: fmt.Sprintf("Store %s has no API key with the ID %s; perhaps it was deleted, or belongs to another store. No key was deleted.",
			merchantID, ids),
		do: "Correct credential_ids, and run again. The data source kustom_api_keys lists the keys that the store has.",
	}
}
