package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
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
	var noSession *noSessionError
	var otherHost *otherHostError
	var noStore *portalpages.NoStoreError
	var noAccess *portalpages.NoAccessError
	var otherShop *mystorepages.OtherShopError
	var signIn *mystorepages.SignInError
	switch {
	case errors.As(err, &noSession):
		return advice{general: true, text: fmt.Sprintf("Nobody has signed in to %s on this machine. Run %s (%s), or set the environment variable "+
			"%s to what it prints with -print. Where there is an API token, set that instead.",
			noSession.site, noSession.command, inPlayground, noSession.variable)}, true
	case errors.As(err, &otherHost):
		return advice{general: true, text: fmt.Sprintf("The session for %s is one of %s, but the provider is to use %s. Sign in there with "+
			"terraform-provider-kustom login (%s), or correct the provider's environment.", otherHost.site, otherHost.got, otherHost.want, inPlayground)}, true
	case errors.As(err, &noAccess):
		return advice{general: true, text: fmt.Sprintf("The user who is signed in to Kustom Portal can't see Integrations of store %s. Contact your account "+
			"administrator and request access via User Manager, then run again.", noAccess.MerchantID)}, true
	case errors.As(err, &noStore):
		return advice{text: fmt.Sprintf("The user who is signed in to Kustom Portal can't see store %s. Check the merchant ID; if it is right, ask an "+
			"account administrator for access to the store via User Manager.", noStore.MerchantID)}, true
	case errors.As(err, &otherShop):
		return advice{text: fmt.Sprintf("The session that was found for shop %s is another shop's. Sign in to the right one with "+
			"terraform-provider-kustom login -mystore %s.", otherShop.Shop, otherShop.Shop)}, true
	case errors.As(err, &signIn):
		return advice{text: fmt.Sprintf("Mystore did not accept the login for shop %s. Check the e-mail address, the password and the seed of the "+
			"one-time codes in browser.mystore_logins, or in the environment variable %s.", signIn.Shop, envMystoreLogins)}, true
	}
	return advice{}, false
}

// inPlayground says how to sign in there.
const inPlayground = "for the playground, with -environment playground"

// adviseBrowser is about the browser itself.
func adviseBrowser(err error) (advice, bool) {
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
	case browser.SignedOut, browser.Elsewhere:
		return advice{general: true, text: fmt.Sprintf("%s asks to sign in: the session has expired. Run terraform-provider-kustom login again (for a "+
			"shop, with -mystore and its name; %s) and, in CI, replace the secret by what it prints with -print. Then run again.", step.Site, inPlayground)}, true
	case browser.Refused:
		return advice{text: where + ", because the page refuses it; see below for its reason."}, true
	case browser.Died:
		return advice{general: true, text: where + ", because the browser ended." + mayHaveWorked(step) + " Run again. If it ends again, the machine " +
			"may have too little memory for so many tabs: lower browser.max_tabs."}, true
	case browser.NoPage:
		return advice{general: true, text: where + ", because the page could not be loaded." + mayHaveWorked(step) + " Check the network, and run again " +
			"in a few minutes."}, true
	case browser.NotFound, browser.Unclickable:
	}
	return advice{text: where + ", because something on the page was not found, or could not be used." + mayHaveWorked(step) + " The page may have been " +
		"slow, or the vendor may have changed it. Run again; if it stays, raise browser.timeout, or look at the page. " +
		pictured(step) + lookedFor(step)}, true
}

// mayHaveWorked says what is known of a step that has failed.
func mayHaveWorked(step *browser.StepError) string {
	if step.Uncertain {
		return " What was clicked may have worked all the same; the next run finds out."
	}
	return " Nothing was changed by this step."
}

// pictured says where a picture of the page is, or how to get one.
func pictured(step *browser.StepError) string {
	if step.Picture == "" {
		return "With browser.debug_dir, the provider takes a picture of it."
	}
	return "A picture of it is in " + step.Picture + "."
}

// lookedFor says which words were looked for, and how to give others.
func lookedFor(step *browser.StepError) string {
	site := portalSite
	if step.Site == mystorepages.Name {
		site = mystoreSite
	}
	var lines, labels []string
	for _, want := range step.Wanted {
		line := "  - " + want.String()
		if want.Label != "" {
			label := site + "." + want.Label
			labels = append(labels, label)
			line += " (label " + label + ")"
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return ""
	}
	text := "\n\nIt looked for:\n\n" + strings.Join(lines, "\n")
	if len(labels) > 0 {
		text += fmt.Sprintf("\n\nWhere one of these has another name now, give it in the provider's configuration, such as "+
			"browser { labels = { %q = \"…\" } }.", labels[0])
	}
	return text
}
