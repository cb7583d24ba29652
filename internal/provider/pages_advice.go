package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// isOfPortalPages tells whether err came up on the pages of Kustom Portal.
func isOfPortalPages(err error) bool {
	var step *browser.StepError
	var noStore *portalpages.NoStoreError
	var noAccess *portalpages.NoAccessError
	var noSession *noSessionError
	return errors.As(err, &noStore) || errors.As(err, &noAccess) ||
		errors.As(err, &step) && step.Site == portalpages.Name ||
		errors.As(err, &noSession) && noSession.site == portalpages.Name
}

// advisePages is advice for what can only be the matter where vendors are reached by their pages.
func advisePages(err error) (advice, bool) {
	for _, try := range []func(error) (advice, bool){advisePeople, adviseBrowser, adviseStep} {
		if a, ok := try(err); ok {
			return a, true
		}
	}
	return advice{}, false
}

// advisePeople is about who is signed in.
func advisePeople(err error) (advice, bool) {
	var notPrivate *browser.NotPrivateError
	if errors.As(err, &notPrivate) {
		return advice{general: true, text: fmt.Sprintf("The session in %s was not used, because it is not yours alone. Somebody else may have read it or put "+
			"it there. Sign out at the vendor, remove it with terraform-provider-kustom logout, and sign in again.", notPrivate.Path)}, true
	}
	var sealed *browser.SealError
	if errors.As(err, &sealed) {
		return advice{general: true, text: fmt.Sprintf("The session in %s can't be opened: it is sealed with a key in your system's keyring. Unlock the keyring, "+
			"or run as the user and in the session in which you have signed in. Otherwise sign in again: terraform-provider-kustom login.", sealed.Path)}, true
	}
	var noSession *noSessionError
	var otherHost *otherHostError
	var noStore *portalpages.NoStoreError
	var noAccess *portalpages.NoAccessError
	var signIn *mystorepages.SignInError
	var unexplained *portalpages.UnexplainedError
	var notConfirmed *mystore.NotConfirmedError
	var notShown *mystore.NotShownError
	switch {
	case errors.Is(err, rotation.ErrUndescribed):
		return advice{general: true, text: "The provider reaches Kustom Portal by its pages, where keys have no descriptions. Remove description, or set " +
			"portal_token to reach the portal by its API."}, true
	case errors.As(err, &noSession):
		return advice{general: true, text: fmt.Sprintf("Nobody has signed in to %s on this machine. Run %s (%s), or set the environment variable "+
			"%s to what it prints with --print. Where there is an API token, set that instead.",
			noSession.site, noSession.command, inPlayground, noSession.variable)}, true
	case errors.As(err, &otherHost):
		return advice{general: true, text: fmt.Sprintf("The session for %s is one of %s, but the provider is to use %s. Sign in there with "+
			"terraform-provider-kustom login (%s), or correct the provider's environment.", otherHost.site, otherHost.got, otherHost.want, inPlayground)}, true
	case errors.As(err, &noAccess):
		return advice{general: true, text: "Kustom Portal says that the user who is signed in may not see API keys. Only an admin of a store sees them; an " +
			"external user does not. Ask your account administrator for admin access via User management, then run again."}, true
	case errors.As(err, &unexplained):
		return advice{text: fmt.Sprintf("Store %s has new API keys that this run did not make, or can't tell apart from its own: %s. Someone else may be "+
			"making keys there now. Nothing of them was deleted. Find out who made them, delete those that nobody needs in the portal, and run again.",
			unexplained.MerchantID, strings.Join(unexplained.Usernames, ", "))}, true
	case errors.As(err, &notConfirmed):
		return advice{text: fmt.Sprintf("Shop %s was given the new pair, but its page does not show which Kustom ID it has. The old key stays until the new "+
			"one is seen to be used. Place a test order in the shop, then run again.", notConfirmed.Shop)}, true
	case errors.As(err, &notShown):
		return advice{text: fmt.Sprintf("The page of shop %s does not show which Kustom ID it has. An empty field counts as that too: the shop may have an ID "+
			"all the same. It may hold any key of its store, and none of them is deleted. It gets a new key whenever one is to be installed.", notShown.Shop)}, true
	case errors.As(err, &noStore):
		return advice{text: fmt.Sprintf("The user who is signed in to Kustom Portal can't see store %s. Check the merchant ID; if it is right, ask an "+
			"account administrator for access to the store, under User management.", noStore.MerchantID)}, true
	case errors.As(err, &signIn):
		return advice{text: fmt.Sprintf("Mystore did not accept the login for shop %s. Check the e-mail address, the password and the seed of the "+
			"one-time codes in browser.mystore_logins, or in the environment variable %s.", signIn.Shop, envMystoreLogins)}, true
	}
	return advice{}, false
}

// inPlayground says how to sign in there.
const inPlayground = "for the playground, with --environment playground"

// adviseBrowser is about the browser itself.
func adviseBrowser(err error) (advice, bool) {
	var failed *browser.StartError
	if errors.As(err, &failed) && !errors.Is(err, context.Canceled) {
		return advice{general: true, text: fmt.Sprintf("The provider is to reach a vendor by its pages, and could not start the browser %s. Start it by "+
			"hand with --headless --version to see what it lacks, or set browser.executable to another one.", failed.Executable)}, true
	}
	var missing *browser.MissingError
	if !errors.As(err, &missing) {
		return advice{}, false
	}
	return advice{general: true, text: "The provider is to reach a vendor by its pages, and finds no browser. Install Chromium or Chrome (on Debian: " +
		"apt-get install chromium), or set browser.executable to where it is."}, true
}

// adviseStep is about a step on a page.
func adviseStep(err error) (advice, bool) {
	var step *browser.StepError
	if !errors.As(err, &step) {
		return advice{}, false
	}
	where := fmt.Sprintf("On %s (%s), the provider could not %s", step.Site, step.Page, step.Step)
	switch step.Kind {
	case browser.SignedOut:
		text := fmt.Sprintf("%s asks to sign in: the session has expired. Run terraform-provider-kustom login again (for a "+
			"shop, with --mystore and its name; %s) and, in CI, replace the secret by what it prints with --print. Then run again.", step.Site, inPlayground)
		if step.Uncertain {
			text += mayHaveWorked(step)
		}
		return advice{general: true, text: text}, true
	case browser.Elsewhere:
		return advice{general: true, text: where + ", because it leads to another address: " + step.Message + "." + mayHaveWorked(step) + " " + elsewhere(step.Site)}, true
	case browser.Stopped:
		if !errors.Is(err, browser.ErrStopped) {
			return advice{general: true, text: where + ", because nobody could be asked whether to click." + mayHaveWorked(step) + " Run again, and raise the " +
				"resource's timeouts if they were over."}, true
		}
		return advice{general: true, text: where + ", because you said Stop." + mayHaveWorked(step) + " What was to follow was not done either. Run again to be asked again."}, true
	case browser.Outdated:
		return advice{general: true, text: where + ", because each answer took so long that the page had to be looked at again." + mayHaveWorked(step) + " Run again."}, true
	case browser.Died:
		return advice{general: true, text: where + ", because the browser ended." + mayHaveWorked(step) + " Run again. If it ends again, the machine " +
			"may have too little memory for so many tabs: lower browser.max_tabs."}, true
	case browser.NoPage:
		return advice{general: true, text: where + ", because the page could not be loaded." + mayHaveWorked(step) + " Check the network, and run again " +
			"in a few minutes."}, true
	case browser.Unsettled:
		return advice{text: where + ", because " + step.What + "." + mayHaveWorked(step) + " Run again; if it stays, raise browser.timeout. " + pictured(step)}, true
	case browser.Unclickable:
		return advice{text: where + ", because it could not be clicked or filled in: " + reason(step) + "." + mayHaveWorked(step) + " " + pictured(step)}, true
	case browser.NotFound:
	}
	return advice{text: where + ", because the page differs from what is known." + mayHaveWorked(step) + " The page may have been slow, or the vendor may " +
		"have changed it. Run again; if it stays, look at the page. " + pictured(step) + lookedFor(step)}, true
}

// elsewhere says what it means that a site leads to another address. People sign in to the portal on another one, and
// to a control panel on its own.
func elsewhere(site string) string {
	signIn := fmt.Sprintf("Run terraform-provider-kustom login again (%s) and, in CI, replace the secret by what it prints with --print. Then run again.", inPlayground)
	if site == portalpages.Name {
		return "That is what the portal does when nobody is signed in any more: people sign in to it on another address. " + signIn
	}
	return "Either nobody is signed in any more, or the control panel has moved: it does when the shop gets a domain. Look where the shop's control " +
		"panel is. If it has moved, set its address in browser.mystore_admin_urls. " + strings.Replace(signIn, "login again (", "login again (with --mystore and the shop's name; ", 1)
}

// reason says what kept an element from being clicked.
func reason(step *browser.StepError) string {
	var parts []string
	if step.Err != nil {
		parts = append(parts, step.Err.Error())
	}
	for _, text := range []string{step.What, step.Message, step.Asked} {
		if text != "" {
			parts = append(parts, fmt.Sprintf("%q", text))
		}
	}
	return strings.Join(parts, ": ")
}

// mayHaveWorked says what is known of a step that has failed.
func mayHaveWorked(step *browser.StepError) string {
	switch {
	case step.Uncertain:
		return " What was clicked may have worked all the same; the next run finds out."
	case step.Changing:
		return " Nothing was changed by this step."
	}
	return " Nothing was changed."
}

// pictured says where a picture of the page is, or how to get one.
func pictured(step *browser.StepError) string {
	if step.Picture == "" {
		return "With browser.debug_dir, the provider takes a picture of it."
	}
	return "A picture of it is in " + step.Picture + "."
}

// teach is how to show the provider where a thing is.
const teach = "run terraform-provider-kustom check --teach, and use the file that it writes as browser.profile."

// labelsOf returns the labels of things, as they are given in the configuration.
func labelsOf(site string, things []browser.Thing) []string {
	var labels []string
	for _, thing := range things {
		labels = append(labels, site+"."+thing.Label)
	}
	return labels
}

// lookedFor says what was looked for, what is there instead, and whether other words can help.
func lookedFor(step *browser.StepError) string {
	site := portalSite
	if step.Site == mystorepages.Name {
		site = mystoreSite
	}
	var lines, labels []string
	for _, thing := range step.Wanted {
		line := "  - " + thing.String()
		if thing.Label != "" {
			label := site + "." + thing.Label
			labels = append(labels, label)
			line += " (label " + label + ")"
		}
		lines = append(lines, line)
	}
	if step.What != "" {
		lines = append(lines, "  - "+step.What)
	}
	if len(lines) == 0 {
		return ""
	}
	text := "\n\nWhat is missing or different:\n\n" + strings.Join(lines, "\n")
	if len(step.Nearest) > 0 {
		text += fmt.Sprintf("\n\nThe nearest names on the page: %q.", step.Nearest)
	}
	if len(step.Unfit) > 0 {
		text += fmt.Sprintf("\n\nThe profile %s describes %s, and nothing on the page is built so any more. To describe it anew, %s",
			step.Profile, strings.Join(labelsOf(site, step.Unfit), ", "), teach)
	}
	if step.Structure || len(labels) == 0 {
		return text + "\n\nThe page is built differently, so another word in browser.labels does not help. To show where it is, " + teach + " Please report it, too."
	}
	return text + fmt.Sprintf("\n\nIf it is there under another name, give that name in the provider's configuration, such as browser { labels = { %q = \"…\" } }. "+
		"If that does not help, %s", labels[0], teach)
}
