package provider

import (
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// pageMessages are about the vendors' pages, the browser, and sessions.
func pageMessages() []message {
	on := step{site: "…", page: "…", doing: "…"}
	return []message{
		browserWithoutSandbox(),
		browserNotStarted("…"),
		browserMissing(),
		sessionNotPrivate("…"),
		sessionSealed("…"),
		sessionMissing("…", "…", "…"),
		sessionOfAnotherHost("…", "…", "…"),
		descriptionOnPages(),
		noAccessToKeys(),
		unexplainedKeys("…", "…"),
		credentialsNotShown("…"),
		idNotShown("…"),
		storeNotOffered("…"),
		loginRefused("…"),
		signedOut("…", ""),
		ledElsewhere(on, "…"),
		nobodyAsked(on),
		stoppedByPerson(on),
		answersTooSlow(on),
		browserEnded(on),
		pageNotLoaded(on),
		pageUnsettled(on, "…", noPicture),
		elementUnclickable(on, "…", noPicture),
		pageDiffers(on, noPicture, ""),
	}
}

// withoutSandbox says what happens if a browser runs as root.
const withoutSandbox = "The provider runs as root, so its browser runs without a sandbox. A page that breaks out of the browser can control " +
	"the whole machine."

func browserWithoutSandbox() message {
	return message{
		title: "Browser without its sandbox", warning: true,
		why: withoutSandbox,
		do:  "Run Terraform as another user. Chromium then has its sandbox, and nothing else changes. In a container, create a user and switch to it.",
	}
}

func browserNotStarted(executable string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The provider needs a browser for a vendor's pages, and could not start %s.", executable),
		do:      "Start it by hand with --headless --version to see what is missing. Or set browser.executable to another browser.",
	}
}

func browserMissing() message {
	return message{
		general: true,
		why:     "The provider needs a browser for a vendor's pages, and finds none.",
		do:      "Install Chromium or Chrome (on Debian: apt-get install chromium). Or set browser.executable to the path of one.",
	}
}

func sessionNotPrivate(file string) message {
	return message{
		general: true,
		why: fmt.Sprintf("The provider did not use the session in %s, because other users can read or write the file or its folder. Someone may have copied or "+
			"replaced the session.", file),
		do: "Sign out at the vendor. Remove the session with terraform-provider-kustom logout, and sign in again.",
	}
}

func sessionSealed(file string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The provider can't open the session in %s. It is encrypted with a key in your system's keyring.", file),
		do: "Unlock the keyring. Or run as the same user, and in the same desktop session, as when you signed in. Otherwise, sign in again with " +
			"terraform-provider-kustom login.",
	}
}

// inPlayground says how to sign in to the playground.
const inPlayground = "for the playground, with --environment playground"

func sessionMissing(site, command, variable string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("Nobody has signed in to %s on this machine.", site),
		do: fmt.Sprintf("Run %s (%s), or set the environment variable %s to what it prints with --print. If you have an API token, set that instead.",
			command, inPlayground, variable),
	}
}

func sessionOfAnotherHost(site, got, want string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The session for %s belongs to %s, but the provider uses %s.", site, got, want),
		do:      fmt.Sprintf("Sign in again with terraform-provider-kustom login (%s), or correct the provider's environment argument.", inPlayground),
	}
}

func descriptionOnPages() message {
	return message{
		general: true,
		why:     "The provider uses Kustom Portal's pages, where keys have no descriptions.",
		do:      "Remove description, or set portal_token to use the portal's API.",
	}
}

func noAccessToKeys() message {
	return message{
		general: true,
		why: "Kustom Portal does not show API keys to the signed-in user. Only an admin of a store can see them. An external user " +
			"can't.",
		do: "Ask your account administrator for admin access via User management. Then run again.",
	}
}

func unexplainedKeys(merchantID, keys string) message {
	return message{
		why: fmt.Sprintf("Store %s has new API keys that this run did not generate, or can't tell apart from its own: %s. Someone else may be generating keys "+
			"in this store. The provider deleted none of them.", merchantID, keys),
		do: "Find out who generated them. Delete those that nobody needs in the portal, and run again.",
	}
}

func credentialsNotShown(shop string) message {
	return message{
		why: fmt.Sprintf("The provider installed the new credentials in shop %s, but the shop's page does not show its Kustom ID. The old key stays until the "+
			"portal shows a use of the new one.", shop),
		do: "Place a test order in the shop. Then run again.",
	}
}

func idNotShown(shop string) message {
	return message{
		why: fmt.Sprintf("The page of shop %s does not show its Kustom ID. The provider can't tell an empty field from a hidden ID. The shop may use any key "+
			"of its store, so the provider deletes none of them.", shop),
		do: "You need do nothing: the shop gets a new key anyway. If it has no key yet, enter one on that page, or use Mystore's API.",
	}
}

func storeNotOffered(merchantID string) message {
	return message{
		why: fmt.Sprintf("The signed-in user of Kustom Portal can't see store %s.", merchantID),
		do:  "Check the merchant ID. If it is right, ask an account administrator for access to the store, under User management.",
	}
}

func loginRefused(shop string) message {
	return message{
		why: fmt.Sprintf("Mystore rejected the login for shop %s.", shop),
		do: fmt.Sprintf("Check the e-mail address, the password and the seed of the one-time codes. They are in browser.mystore_logins, or in the environment "+
			"variable %s.", envMystoreLogins),
		note: "Codes by e-mail or text message have no seed. Sign in with terraform-provider-kustom login instead.",
	}
}

// step is a step on a page that failed.
type step struct {
	site, page, doing string
	// fate is a sentence that says whether the step had an effect; empty in the guide.
	fate string
}

// because says that the step failed, and why.
func (s step) because(reason string) string {
	return fmt.Sprintf("On %s (%s), the provider could not %s, because %s.%s", s.site, s.page, s.doing, reason, s.fate)
}

func signedOut(site, fate string) message {
	return message{
		general: true,
		why:     site + " asks to sign in: the session has expired.",
		do: fmt.Sprintf("Run terraform-provider-kustom login again (for a shop, with --mystore and its name; %s). In CI, replace the secret with what "+
			"it prints with --print. Then run again.%s", inPlayground, fate),
	}
}

// ledElsewhere is about a site that redirects to another address. The portal's sign-in has an address of its own. A
// control panel's sign-in has not.
func ledElsewhere(s step, reason string) message {
	m := message{
		general: true,
		why: s.because("it redirects to another address: "+reason) + " The session has expired, or the control panel has moved. It moves when the " +
			"shop gets a domain.",
		do: "Sign in again (terraform-provider-kustom login --mystore SHOP). In CI, replace the secret too. If the control panel has moved, set its " +
			"address in browser.mystore_admin_urls.",
	}
	if s.site == portalpages.Name {
		m.why = s.because("it redirects to another address: "+reason) + " The portal does that when the session has expired."
		m.do = signedOut(s.site, "").do
	}
	return m
}

func nobodyAsked(s step) message {
	return message{
		general: true,
		why:     s.because("nobody answered whether to click"),
		do:      "Run again. If the time limit was over, raise the resource's timeouts.",
	}
}

func stoppedByPerson(s step) message {
	return message{
		general: true,
		why:     s.because("you said Stop") + " The provider did not do the later steps either.",
		do:      "Run again. The provider asks again.",
	}
}

func answersTooSlow(s step) message {
	return message{
		general: true,
		why:     s.because("each answer came so late that the page had to be read again"),
		do:      "Run again, and answer faster.",
	}
}

func browserEnded(s step) message {
	return message{
		general: true,
		why:     s.because("the browser stopped"),
		do:      "Run again. If the browser stops again, the machine may have too little memory for so many tabs. Then lower browser.max_tabs.",
	}
}

func pageNotLoaded(s step) message {
	return message{
		general: true,
		why:     s.because("the page could not be loaded"),
		do:      "Check the network. Run again in a few minutes.",
	}
}

// noPicture says how to get a picture of the page.
const noPicture = "With browser.debug_dir, the provider takes a picture of the page."

// pageUnsettled, elementUnclickable and pageDiffers say where a picture of the page is, or how to get one.

func pageUnsettled(s step, reason, picture string) message {
	return message{
		why: s.because("the page kept changing: " + reason),
		do:  "Run again. If the error comes again, raise browser.timeout. " + picture,
	}
}

func elementUnclickable(s step, reason, picture string) message {
	return message{
		why:  s.because("the element could not be clicked or filled in: " + reason),
		do:   picture,
		note: "Run again. If the error comes again, open the page yourself. Close what covers it, such as new terms or a question from the vendor.",
	}
}

func pageDiffers(s step, picture, details string) message {
	return message{
		why:     s.because("the page differs from the expected one") + " The page may have been slow, or the vendor may have changed it.",
		do:      "Run again. If the error comes again, open the page yourself. " + picture,
		details: details,
		note: "The message lists what the provider looked for, with labels. If the page uses another name, set it in labels. Otherwise, run " +
			"terraform-provider-kustom check --teach.",
	}
}
