package provider

import (
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// vendorMessages are about the answers of Kustom and Mystore, and about the network.
func vendorMessages() []message {
	return []message{
		portalRefusesToken(),
		portalUserSeesNoIntegrations(),
		portalUserSeesNoStore(),
		portalRefuses(),
		portalAnswerIgnored(),
		shopChanged(),
		stepNotRecorded(),
		mystoreRefusesToken(""),
		mystoreTokenNotAllowed(),
		mystoreRefuses(),
		rateLimitTooLong("…", "…"),
		rateLimitedAfterRetries("…", "…", "…"),
		rateLimitedWithoutRetry("…"),
		serverError("…", "…"),
		firewallBeforeToken("…"),
		untrustedConnection("…", "…"),
		unreachable("…", "…"),
		unreadableAnswer("…", "…"),
		endlessList("…", "…"),
		interrupted(),
		timedOut("the resource's timeouts (a data source has 10 minutes)"),
		credentialsRejected("…", ""),
		credentialsWithoutProduct("…", "", ""),
		impostor("…", ""),
		firewallBeforeProof(""),
		proofInconclusive(""),
	}
}

func portalRefusesToken() message {
	return message{
		general: true,
		why:     "Kustom Portal rejects the token. It is wrong or has expired.",
		do:      fmt.Sprintf("Get a new token. Set it as portal_token or in the environment variable %s.", envPortalToken),
	}
}

func portalUserSeesNoIntegrations() message {
	return message{
		general: true,
		why:     "The portal user of this token can't see Integrations.",
		do:      "Ask your account administrator for access via User Manager. Then run again.",
	}
}

func portalUserSeesNoStore() message {
	return message{
		why:  "The portal user of this token can't see such a store.",
		do:   "Check the merchant ID. If it is right, ask an account administrator for access to the store via User Manager.",
		note: "The data source kustom_stores lists the stores that the user can see.",
	}
}

// seeReason says what to do about a rejection for a reason that only the vendor knows.
const seeReason = "Correct what the vendor names. If the reason makes no sense, the provider may assume something wrong about the vendor's API: report it."

func portalRefuses() message {
	return message{why: "Kustom Portal rejects the request. Its reason is below.", do: seeReason}
}

func mystoreRefuses() message {
	return message{why: "Mystore rejects the request. Its reason is below.", do: seeReason}
}

func portalAnswerIgnored() message {
	return message{
		title: rotation.AnswerIgnored, warning: true,
		note: "Kustom Portal listed a key in a form that the provider does not know. The provider neither shows nor deletes it.",
		do:   "Report this message. Check the key in Kustom Portal.",
	}
}

func shopChanged() message {
	return message{
		title: rotation.ShopChanged, warning: true,
		note: "Someone gave the shop another key after the plan. The run continues, and does not delete the key that the message names.",
		do:   "If nothing else uses that key, delete it in Kustom Portal.",
	}
}

func stepNotRecorded() message {
	return message{
		title: rotation.StepNotRecorded, warning: true,
		note: "The run continues. The file in progress_file lacks one step, and may lack later ones.",
		do:   "Free space on the disk, or correct the file's permissions.",
	}
}

// mystoreRefusesToken is about a token that comes from source.
func mystoreRefusesToken(source string) message {
	return message{
		why: "Mystore rejects the shop's token. It is wrong or has expired.",
		do:  fmt.Sprintf("Create a new token at auth.mystore.no and add it to %s.", tokenPlace(source)),
	}
}

func mystoreTokenNotAllowed() message {
	return message{
		why: "The shop's token does not allow this. It belongs to another shop, or lacks the permission for extensions.",
		do:  "Create a token for this shop at auth.mystore.no, with the permission for extensions.",
	}
}

func rateLimitTooLong(host, wait string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("%s rate-limited the provider (429) and asks it to wait %s. That is longer than the provider waits.", host, wait),
		do:      "Run again after that time.",
	}
}

func rateLimitedAfterRetries(host, attempts, waited string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("%s rate-limited the provider (429), and still did after every retry. The provider sent the request %s times and waited %s in total.", host, attempts, waited),
		do:      "Run again in a few minutes.",
		note:    "The provider keeps within Mystore's limit. Usually, another run uses the same token at the same time.",
	}
}

func rateLimitedWithoutRetry(host string) message {
	return message{
		general: true,
		why:     host + " rate-limited the provider (429). The provider did not retry.",
		do:      "Run again in a few minutes, or raise max_retries or the resource's timeouts.",
	}
}

func serverError(host, status string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("%s returned a server error (%s).", host, status),
		do:      "Run again in a few minutes. If the error comes again, send the lines below to the vendor's support.",
	}
}

func firewallBeforeToken(host string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("A firewall in front of %s blocked this machine. Nobody checked the token.", host),
		do:      "Run from a machine in a supported region, such as Europe. Or ask the people who run your network.",
	}
}

func untrustedConnection(host, setting string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The provider could not open a secure connection to %s.", host),
		do: fmt.Sprintf("Check %s. Check also for a proxy between this machine and the network that opens TLS connections.",
			setting),
	}
}

func unreachable(host, setting string) message {
	return message{
		general: true,
		why:     host + " is unreachable, or did not answer in time.",
		do:      fmt.Sprintf("Check the network and %s. Then run again.", setting),
	}
}

func unreadableAnswer(host, setting string) message {
	return message{
		general: true,
		why:     host + " sent an answer that the provider can't read.",
		do:      fmt.Sprintf("Check the network and %s. Then run again.", setting),
	}
}

func endlessList(what, host string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The list of %s from %s does not end. The provider stopped reading it.", what, host),
		do:      "Run again. If the error comes again, check the provider's URLs, and send the message below to the vendor.",
	}
}

func interrupted() message {
	return message{
		general: true,
		why:     "The run was interrupted.",
		do:      "Run again. The next run continues from there.",
	}
}

func timedOut(limit string) message {
	return message{
		general: true,
		why:     "The time limit is over.",
		do:      "Run again. If the error comes again, raise " + limit + ".",
		note:    "Usually, the vendor is slow or asked for a long wait.",
	}
}

// The messages about the proof of credentials end with untouched, which says what was not changed.

func credentialsRejected(id, untouched string) message {
	return message{
		why: fmt.Sprintf("Kustom's merchant API rejects this Kustom ID (%s) with this Kustom Secret.%s", id, untouched),
		do:  "Check that ID and secret belong to the same key, and that nobody deleted the key in Kustom Portal. " + lostSecret,
	}
}

func credentialsWithoutProduct(id, said, untouched string) message {
	return message{
		why: fmt.Sprintf("Kustom's merchant API accepts this Kustom ID (%s) with this Kustom Secret, but the store's contract does not include "+
			"Kustom Checkout.%s%s", id, said, untouched),
		do: "Ask Kustom's merchant support to add Kustom Checkout to the store's contract. Then run again.",
	}
}

func impostor(problem, untouched string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The server at api_url is not Kustom's merchant API: %s.%s", problem, untouched),
		do: fmt.Sprintf("Correct api_url (%s), or leave it out to use Kustom's own address. If it is right, a proxy or gateway in your network answers instead "+
			"of the API. Ask the people who run the network.", envAPIURL),
		note: "The provider sent credentials that do not exist, and the server did not reject them. The provider did not send yours.",
	}
}

func firewallBeforeProof(untouched string) message {
	return message{
		general: true,
		why: "The firewall in front of Kustom's merchant API blocked this machine, because it accepts no requests from this region. Nobody checked the " +
			"credentials." + untouched,
		do: "Run from a machine in a supported region, such as Europe.",
	}
}

func proofInconclusive(untouched string) message {
	return message{
		general: true,
		why:     "The credentials could not be verified. The answer of Kustom's merchant API was inconclusive." + untouched,
		do:      "Run again. If the error comes again, check the network and api_url.",
		note:    "If you know that the credentials work, set verify = false in a mystore_klarna_checkout_credentials to skip the proof.",
	}
}
