package provider

import (
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// pageMessages are about the vendors' pages, the browser, and who is signed in.
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
		pairNotConfirmed("…"),
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

// withoutSandbox says what it means that a browser runs as root.
const withoutSandbox = "The provider runs as root, so the browser that it starts has no sandbox of its own: a page that breaks out of the " +
	"browser has all of the machine."

func browserWithoutSandbox() message {
	return message{
		title: "Browser without its sandbox", warning: true,
		why: withoutSandbox,
		do:  "Run Terraform as another user: Chromium then has its sandbox, and nothing else changes. In a container, make one and switch to it.",
	}
}

func browserNotStarted(executable string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The provider is to reach a vendor by its pages, and could not start the browser %s.", executable),
		do:      "Start it by hand with --headless --version to see what it lacks, or set browser.executable to another one.",
	}
}

func browserMissing() message {
	return message{
		general: true,
		why:     "The provider is to reach a vendor by its pages, and finds no browser.",
		do:      "Install Chromium or Chrome (on Debian: apt-get install chromium), or set browser.executable to where it is.",
	}
}

func sessionNotPrivate(file string) message {
	return message{
		general: true,
		why: fmt.Sprintf("The session in %s was not used, because other users can read or write the file or its folder. Someone else may have read it or put "+
			"it there.", file),
		do: "Sign out at the vendor, remove it with terraform-provider-kustom logout, and sign in again.",
	}
}

func sessionSealed(file string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The session in %s can't be opened: it is sealed with a key in your system's keyring.", file),
		do: "Unlock the keyring, or run as the user and in the session in which you have signed in. Otherwise sign in again: terraform-provider-kustom " +
			"login.",
	}
}

// inPlayground says how to sign in there.
const inPlayground = "for the playground, with --environment playground"

func sessionMissing(site, command, variable string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("Nobody has signed in to %s on this machine.", site),
		do: fmt.Sprintf("Run %s (%s), or set the environment variable %s to what it prints with --print. Where there is an API token, set that instead.",
			command, inPlayground, variable),
	}
}

func sessionOfAnotherHost(site, got, want string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The session for %s is one of %s, but the provider is to use %s.", site, got, want),
		do:      fmt.Sprintf("Sign in there with terraform-provider-kustom login (%s), or correct the provider's environment.", inPlayground),
	}
}

func descriptionOnPages() message {
	return message{
		general: true,
		why:     "The provider reaches Kustom Portal by its pages, where keys have no descriptions.",
		do:      "Remove description, or set portal_token to reach the portal by its API.",
	}
}

func noAccessToKeys() message {
	return message{
		general: true,
		why: "Kustom Portal says that the user who is signed in may not see API keys. Only an admin of a store sees them; an external user does " +
			"not.",
		do: "Ask your account administrator for admin access via User management, then run again.",
	}
}

func unexplainedKeys(merchantID, keys string) message {
	return message{
		why: fmt.Sprintf("Store %s has new API keys that this run did not make, or can't tell apart from its own: %s. Someone else may be making keys there "+
			"now. Nothing of them was deleted.", merchantID, keys),
		do: "Find out who made them, delete those that nobody needs in the portal, and run again.",
	}
}

func pairNotConfirmed(shop string) message {
	return message{
		why: fmt.Sprintf("Shop %s was given the new pair, but its page does not show which Kustom ID it has. The old key stays until the new one is seen to "+
			"be used.", shop),
		do: "Place a test order in the shop, then run again.",
	}
}

func idNotShown(shop string) message {
	return message{
		why: fmt.Sprintf("The page of shop %s does not show which Kustom ID it has. An empty field counts as that too: the shop may have an ID all the same. It "+
			"may hold any key of its store, and none of them is deleted.", shop),
		do: "It gets a new key all the same. If it has no key at all, type one in there, or use Mystore's API.",
	}
}

func storeNotOffered(merchantID string) message {
	return message{
		why: fmt.Sprintf("The user who is signed in to Kustom Portal can't see store %s.", merchantID),
		do:  "Check the merchant ID; if it is right, ask an account administrator for access to the store, under User management.",
	}
}

func loginRefused(shop string) message {
	return message{
		why: fmt.Sprintf("Mystore did not accept the login for shop %s.", shop),
		do: fmt.Sprintf("Check the e-mail address, the password and the seed of the one-time codes in browser.mystore_logins, or in the environment "+
			"variable %s.", envMystoreLogins),
		note: "Codes by e-mail or text message have no seed: sign in with terraform-provider-kustom login.",
	}
}

// step is a step on a page that failed.
type step struct {
	site, page, doing string
	// fate is a sentence with what is known of the step's effect, empty in the guide.
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
		do: fmt.Sprintf("Run terraform-provider-kustom login again (for a shop, with --mystore and its name; %s) and, in CI, replace the secret by what "+
			"it prints with --print. Then run again.%s", inPlayground, fate),
	}
}

// ledElsewhere is about a site that leads to another address. People sign in to the portal on another one, and to a
// control panel on its own.
func ledElsewhere(s step, reason string) message {
	m := message{
		general: true,
		why: s.because("it leads to another address: "+reason) + " Either nobody is signed in any more, or the control panel has moved: it does when the " +
			"shop gets a domain.",
		do: "Sign in again (terraform-provider-kustom login --mystore SHOP), and replace the secret in CI. If the control panel has moved, set its address " +
			"in browser.mystore_admin_urls.",
	}
	if s.site == portalpages.Name {
		m.why = s.because("it leads to another address: "+reason) + " That is what the portal does when nobody is signed in any more: people sign in to it on " +
			"another address."
		m.do = signedOut(s.site, "").do
	}
	return m
}

func nobodyAsked(s step) message {
	return message{
		general: true,
		why:     s.because("nobody could be asked whether to click"),
		do:      "Run again, and raise the resource's timeouts if they were over.",
	}
}

func stoppedByPerson(s step) message {
	return message{
		general: true,
		why:     s.because("you said Stop") + " What was to follow was not done either.",
		do:      "Run again to be asked again.",
	}
}

func answersTooSlow(s step) message {
	return message{
		general: true,
		why:     s.because("each answer took so long that the page had to be looked at again"),
		do:      "Run again, and answer sooner.",
	}
}

func browserEnded(s step) message {
	return message{
		general: true,
		why:     s.because("the browser ended"),
		do:      "Run again. If it ends again, the machine may have too little memory for so many tabs: lower browser.max_tabs.",
	}
}

func pageNotLoaded(s step) message {
	return message{
		general: true,
		why:     s.because("the page could not be loaded"),
		do:      "Check the network, and run again in a few minutes.",
	}
}

// noPicture says how to get a picture of the page.
const noPicture = "With browser.debug_dir, the provider takes a picture of it."

// pageUnsettled, elementUnclickable and pageDiffers say where a picture of the page is, or how to get one.

func pageUnsettled(s step, reason, picture string) message {
	return message{
		why: s.because("it did not come to rest: " + reason),
		do:  "Run again; if it stays, raise browser.timeout. " + picture,
	}
}

func elementUnclickable(s step, reason, picture string) message {
	return message{
		why:  s.because("it could not be clicked or filled in: " + reason),
		do:   picture,
		note: "Run again. If it stays, look at the page, and close what lies over it, such as new terms or a question of the vendor's.",
	}
}

func pageDiffers(s step, picture, details string) message {
	return message{
		why:     s.because("the page differs from what is known") + " The page may have been slow, or the vendor may have changed it.",
		do:      "Run again; if it stays, look at the page. " + picture,
		details: details,
		note: "The message lists what the provider looked for, with labels. If the page has it under another name, set that in labels. Otherwise run " +
			"terraform-provider-kustom check --teach.",
	}
}
