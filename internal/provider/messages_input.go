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

// durationForm is what a duration must be.
const durationForm = "a positive duration with a unit, such as 30s or 5m"

// libraryMessages explain the errors of the framework's validators. The libraries write these errors.
func libraryMessages() []message {
	return []message{
		{
			title: "Duplicate List Value",
			note:  "A list, such as merchant_ids, has the same value twice. The message shows it.",
			do:    "Remove one of them. For a computed list, use distinct(…).",
		},
		{
			title: "Invalid Attribute Value",
			note:  "A number is out of range, or a list, set or map that must have a value is empty. The message says what is valid.",
			do:    "Set a valid value. The argument's page lists them. To use the default, leave the argument out.",
		},
		{
			title: "Invalid Attribute Value Length",
			note:  "A text that must have a value is empty, such as a shop's name. Often, it comes from a variable that is not set.",
			do:    "Set the value, or leave the argument out.",
		},
		{
			title: "Invalid Attribute Value Match",
			note:  "The argument does not allow this text. The message lists the allowed values, such as retain and clear for deletion_policy, or describes the form.",
			do:    "Use one of the values in the message. Upper and lower case differ.",
		},
		{
			title: "Invalid Attribute Value Time Duration",
			note:  "An argument in a timeouts block is not a duration.",
			do:    "Write a number and a unit without a space: 30s, 5m, 1h30m.",
		},
		{
			title: "Null Map Value",
			note:  "A shop of a kustom_mystore_fleet is null. It must be an object.",
			do:    "Set an object for the shop, or filter the map: { for name, shop in var.shops : name => shop if shop != null }.",
		},
		{
			title: "Null Set Value",
			note:  "credential_ids of a kustom_api_keys_exclusive contains null, such as the credential_id of an object without a key.",
			do:    "Set the key's ID, or leave it out: compact(…) removes null.",
		},
		{
			title: "Timeout Cannot Be Parsed",
			note:  "An argument in a timeouts block comes from another resource and is not a duration.",
			do:    "Change that resource's value to a number and a unit without a space: 30s, 5m, 1h30m.",
		},
	}
}

// malformedMerchantID is about a value that the caller has quoted, or hidden if it may be a secret (I2).
func malformedMerchantID(quoted string) message {
	return message{
		title: "Malformed merchant ID",
		why: quoted + " is not a merchant ID. A merchant ID is M and digits, such as M00123456. A store that came from Klarna has K or N and digits, such " +
			"as K123456. In the playground, the ID begins with P, such as PM00123456.",
		do: "Copy the ID from Kustom Portal. The portal shows it beside the store's name.",
	}
}

func malformedKeyID() message {
	return message{
		title: "Malformed key ID",
		why:   "This is not the ID of an API key. It is not shown here, because it may be a secret.",
		do: "Use the credential_id of a kustom_api_key or a kustom_mystore_connection, without the merchant ID. It looks like " +
			"7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11. If the provider uses the portal's pages, it looks like M00123456-aB3dE.",
	}
}

func malformedDescription(form string) message {
	return message{
		title: "Malformed description",
		why:   "Kustom Portal accepts " + form + " in the description of a key.",
		do:    `Change description. If it comes from a name, use replace(var.name, "/[^A-Za-z0-9 :;.,_-]/", "-").`,
	}
}

func unknownHost(hosts, host string) message {
	return message{
		title: "Unknown host",
		why:   fmt.Sprintf("Keys belong to %s. The host %s is not one of these.", hosts, host),
		do:    "Remove host, or set it to one of these.",
	}
}

func malformedTime(value string) message {
	return message{
		title: "Malformed time",
		why:   value + " does not look like 2026-03-31T00:00:00Z (RFC 3339).",
		do:    "Write the date, the time and the time zone in that form.",
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
		do: "For a key, use merchant_id/credential_id. For a connection, use shop/merchant_id. For a fleet, use several of these, separated by " +
			"commas, and name each shop once.",
	}
}

func hostOfAnotherEnvironment(host, environment, own string) message {
	return message{
		title: "Host of another environment",
		why:   fmt.Sprintf("%s does not belong to the provider's environment, %s, whose host is %s.", host, environment, own),
		do:    "Remove host, or set the provider's environment argument.",
	}
}

// idOfAnotherEnvironment is about an ID of another environment than the provider's. What says whether it is the ID of a
// store or of a key.
func idOfAnotherEnvironment(what, id, of, environment string) message {
	return message{
		title: fmt.Sprintf("The %s belongs to the %s environment", what, of),
		why:   fmt.Sprintf("%s is the ID of a %s in Kustom's %s environment. The provider's environment is %s.", id, what, of, environment),
		do:    fmt.Sprintf("Use a %s of the %s environment, or set the provider's environment argument.", what, environment),
		note:  "IDs of the playground begin with P. For both environments in one configuration, use two provider blocks, one with an alias.",
	}
}

func secretOfAnotherEnvironment(environment, prefix string) message {
	return message{
		title: "Secret of another environment",
		why: fmt.Sprintf("The provider's environment is %s, where secrets begin with %s. This secret does not. It belongs to a key of another environment.",
			environment, prefix),
		do: "Use the secret of a key of that environment, or set the provider's environment argument.",
	}
}

// swappedPair is about credentials whose secret is in the named attribute.
func swappedPair(secret string) message {
	return message{
		title: "Kustom ID and Kustom Secret are swapped",
		why: "kustom_id has a secret, or " + secret + " has an ID. An ID begins with the merchant ID (M00123456-aB3dE). A secret begins with " +
			"kco_live_api_ or kco_test_api_.",
		do: "Swap them. If others could read the secret, generate a new key.",
	}
}

func paddedValue(attribute string) message {
	return message{
		title: "White space around the value",
		why:   "The value of " + attribute + " begins or ends with white space. Probably, the copy included it.",
		do:    "Remove the white space, or wrap the value in trimspace(…).",
	}
}

func malformedKustomID() message {
	return message{
		title: "Malformed Kustom ID",
		why:   "A Kustom ID is the username of an API key. It is the merchant ID, a hyphen and a few characters, such as M00123456-aB3dE.",
		do:    "Copy it from the page API in Kustom Portal, or use the username of a kustom_api_key.",
	}
}

func klarnasSecret() message {
	return message{
		title: "Klarna secret",
		why: "This secret belongs to a Klarna API key: it begins with klarna_. Klarna's hosts were switched off on 15 September 2026, and " +
			"Kustom does not accept Klarna keys.",
		do: "Generate a key in Kustom Portal. Use its Key ID and its Password, which begins with kco_.",
	}
}

func malformedSecret() message {
	return message{
		title: "Malformed Kustom Secret",
		why:   "A Kustom Secret begins with kco_live_api_ or, in the playground, with kco_test_api_. This value does not. It is not shown here.",
		do:    "Copy the secret again. " + lostSecret,
	}
}

// secretMissing is about a missing secret. What says which arguments lack it.
func secretMissing(what string) message {
	return message{
		title: "No secret",
		why:   what + " An imported kustom_api_key has no secret, because nobody can read the secret of an existing key.",
		do:    "Generate a new key (-replace=kustom_api_key.…), or set the secret yourself.",
	}
}

func kustomIDMissing() message {
	return message{
		title: "No Kustom ID",
		why:   "kustom_secret is set, but kustom_id has no value.",
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
		why:   "Terraform does not save kustom_secret_wo, so it can't see when the secret changes.",
		do:    "Set kustom_secret_wo_version, for example to 1. Raise it each time the secret changes.",
	}
}

func versionWithoutSecret() message {
	return message{
		title: "Version without a write-only secret",
		why:   "kustom_secret_wo_version is set, but kustom_secret_wo is not.",
		do:    "Remove the version. Terraform sees changes of kustom_secret without it.",
	}
}

func newKeyOnKlarnasHost(host string) message {
	return message{
		title: "A new key can't belong to Klarna's host",
		why:   host + " is one of Klarna's hosts. Keys for it can no longer be generated. You can set it only to keep an imported key.",
		do:    "Remove host. The key then belongs to Kustom's host.",
	}
}

func noSuchKeys(merchantID, ids string) message {
	return message{
		title: "No such API key",
		why: fmt.Sprintf("Store %s has no API key with the ID %s. Perhaps someone deleted it, or it belongs to another store. No key was deleted.",
			merchantID, ids),
		do: "Correct credential_ids, and run again. The data source kustom_api_keys lists the store's keys.",
	}
}
