package provider

import (
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// vendorMessages are about what Kustom and Mystore answer, and about the way there.
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
		pairRefused("…", ""),
		pairWithoutProduct("…", "", ""),
		impostor("…", ""),
		firewallBeforePair(""),
		pairNotVerified(""),
	}
}

func portalRefusesToken() message {
	return message{
		general: true,
		why:     "Kustom Portal does not accept the token: it is wrong or has expired.",
		do:      fmt.Sprintf("Get a new one and set portal_token, or the environment variable %s.", envPortalToken),
	}
}

func portalUserSeesNoIntegrations() message {
	return message{
		general: true,
		why:     "The portal user whose token this is can't see Integrations.",
		do:      "Contact your account administrator and request access via User Manager, then run again.",
	}
}

func portalUserSeesNoStore() message {
	return message{
		why:  "The portal user whose token this is can't see such a store.",
		do:   "Check the merchant ID; if it is right, ask an account administrator for access to the store via User Manager.",
		note: "The data source kustom_stores lists the stores that the user can see.",
	}
}

// seeReason is what to do about a refusal for a reason that only the vendor knows.
const seeReason = "Correct what the vendor names. If that makes no sense, an assumption about the vendor's API may be wrong: report it."

func portalRefuses() message {
	return message{why: "Kustom Portal refuses the request; see below for its reason.", do: seeReason}
}

func mystoreRefuses() message {
	return message{why: "Mystore refuses the request; see below for its reason.", do: seeReason}
}

func portalAnswerIgnored() message {
	return message{
		title: rotation.AnswerIgnored, warning: true,
		note: "Kustom Portal listed a key in a form that the provider does not know. The provider neither shows nor deletes it.",
		do:   "Report it, with the message. Look at the key in Kustom Portal.",
	}
}

func shopChanged() message {
	return message{
		title: rotation.ShopChanged, warning: true,
		note: "Someone gave the shop another key after the plan was made. The run goes on and does not delete the key that the message names.",
		do:   "If nothing else uses that key, delete it in Kustom Portal.",
	}
}

func stepNotRecorded() message {
	return message{
		title: rotation.StepNotRecorded, warning: true,
		note: "The run goes on. The file in progress_file lacks a step, and maybe later ones.",
		do:   "Free space on the disk, or correct the file's permissions.",
	}
}

// mystoreRefusesToken is about a token from source.
func mystoreRefusesToken(source string) message {
	return message{
		why: "Mystore does not accept the shop's token: it is wrong or has expired.",
		do:  fmt.Sprintf("Make a new one at auth.mystore.no and add it to %s.", tokenPlace(source)),
	}
}

func mystoreTokenNotAllowed() message {
	return message{
		why: "The shop's token is not allowed to do this: it belongs to another shop, or lacks the permission for extensions.",
		do:  "Make one for this shop, with that permission, at auth.mystore.no.",
	}
}

func rateLimitTooLong(host, wait string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("%s rate-limits the provider (429) for longer than it waits. It asks to wait %s, which was not waited for.", host, wait),
		do:      "Run again then.",
	}
}

func rateLimitedAfterRetries(host, attempts, waited string) message {
	return message{
		general: true,
		why: fmt.Sprintf("%s rate-limited the provider (429), and still did after every retry. There were %s attempts, and %s of waiting between "+
			"them.", host, attempts, waited),
		do:   "Run again in a few minutes.",
		note: "The provider keeps to Mystore's limit by itself. Mostly another run uses the same token at the same time.",
	}
}

func rateLimitedWithoutRetry(host string) message {
	return message{
		general: true,
		why:     host + " rate-limited the provider (429), and the request was not repeated.",
		do:      "Run again in a few minutes, or raise max_retries or the resource's timeouts.",
	}
}

func serverError(host, status string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("%s returned a server error (%s).", host, status),
		do:      "Run again in a few minutes. If it stays, send the lines below to the vendor's support.",
	}
}

func firewallBeforeToken(host string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("A firewall in front of %s refused this machine before the token was looked at.", host),
		do:      "Run from a machine in a supported region, such as in Europe, or ask who runs the network in between.",
	}
}

func untrustedConnection(host, setting string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("No secure connection to %s could be made.", host),
		do: fmt.Sprintf("Check %s, and what stands between this machine and the network (a proxy that opens TLS connections, for example).",
			setting),
	}
}

func unreachable(host, setting string) message {
	return message{
		general: true,
		why:     host + " could not be reached, or did not answer in time.",
		do:      fmt.Sprintf("Check the network and %s, and run again.", setting),
	}
}

func unreadableAnswer(host, setting string) message {
	return message{
		general: true,
		why:     host + " sent an answer that the provider can't read.",
		do:      fmt.Sprintf("Check the network and %s, and run again.", setting),
	}
}

func endlessList(what, host string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The list of %s from %s has no end that the provider would wait for. It stopped reading.", what, host),
		do:      "Run again; if it stays, check the provider's URLs, and report it to the vendor with the message below.",
	}
}

func interrupted() message {
	return message{
		general: true,
		why:     "The run was interrupted.",
		do:      "Run again; the next run continues from there.",
	}
}

func timedOut(limit string) message {
	return message{
		general: true,
		why:     "There was not enough time.",
		do:      "Run again; if it stays, raise " + limit + ".",
		note:    "Mostly the vendor is slow, or asked for a long wait.",
	}
}

// The messages about the proof of a pair end with untouched, which says what was not changed.

func pairRefused(id, untouched string) message {
	return message{
		why: fmt.Sprintf("Kustom's merchant API refuses this Kustom ID (%s) together with this Kustom Secret.%s", id, untouched),
		do:  "Verify that ID and secret belong to the same key, and that the key has not been deleted in Kustom Portal. " + lostSecret,
	}
}

func pairWithoutProduct(id, said, untouched string) message {
	return message{
		why: fmt.Sprintf("Kustom's merchant API accepts this Kustom ID (%s) together with this Kustom Secret, but the store's contract does not include "+
			"Kustom Checkout.%s%s", id, said, untouched),
		do: "Ask Kustom's merchant support to add Kustom Checkout to the store's contract, then run again.",
	}
}

func impostor(problem, untouched string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("What answers at api_url is not Kustom's merchant API: %s.%s", problem, untouched),
		do: fmt.Sprintf("Correct api_url (%s), or leave it out for Kustom's own. If it is right, ask who runs the network: a proxy or gateway answers in "+
			"the API's place.", envAPIURL),
		note: "The provider tried a made-up pair, which the API must refuse. No pair can be proven here.",
	}
}

func firewallBeforePair(untouched string) message {
	return message{
		general: true,
		why: "The firewall in front of Kustom's merchant API refused this machine before the credentials were looked at: it does not accept requests from " +
			"this region." + untouched,
		do: "Run from a machine in a supported region, such as in Europe.",
	}
}

func pairNotVerified(untouched string) message {
	return message{
		general: true,
		why:     "The credentials could not be verified: the answer of Kustom's merchant API was inconclusive." + untouched,
		do:      "Run again; if it stays, check the network and api_url.",
		note:    "If you know that the pair works, a mystore_klarna_checkout_credentials can skip the proof: verify = false.",
	}
}
