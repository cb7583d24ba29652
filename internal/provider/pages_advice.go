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
	var noSession *noSessionError
	var otherHost *otherHostError
	var noStore *portalpages.NoStoreError
	var noAccess *portalpages.NoAccessError
	var otherShop *mystorepages.OtherShopError
	var signIn *mystorepages.SignInError
	switch {
	case errors.As(err, &noSession):
		return advice{general: true, text: fmt.Sprintf("Nobody has signed in to %s on this machine. Run %s, or set the environment variable %s to "+
			"what it prints with -print. Where there is an API token, set that instead.", noSession.site, noSession.command, noSession.variable)}, true
	case errors.As(err, &otherHost):
		return advice{general: true, text: fmt.Sprintf("The session for %s belongs to %s, and %s is what is configured. Sign in there with "+
			"terraform-provider-kustom login, or check environment.", otherHost.site, otherHost.got, otherHost.want)}, true
	case errors.As(err, &noAccess):
		return advice{general: true, text: fmt.Sprintf("The user who is signed in to Kustom Portal can't see Integrations of store %s. Contact your account "+
			"administrator and request access via User Manager, then run again.", noAccess.MerchantID)}, true
	case errors.As(err, &noStore):
		return advice{text: fmt.Sprintf("The user who is signed in to Kustom Portal can't see store %s. Check the merchant ID; if it is right, ask an "+
			"account administrator for access to the store via User Manager.", noStore.MerchantID)}, true
	case errors.As(err, &otherShop):
		return advice{text: fmt.Sprintf("The session that was found for shop %s is one of another shop. Sign in to the right one with "+
			"terraform-provider-kustom login -mystore %s.", otherShop.Shop, otherShop.Shop)}, true
	case errors.As(err, &signIn):
		return advice{text: fmt.Sprintf("Mystore did not accept the login for shop %s. Check e-mail, password and the seed of the one-time codes in "+
			"browser.mystore_logins, or in the environment variable %s.", signIn.Shop, envMystoreLogins)}, true
	}
	return advice{}, false
}

// adviseBrowser is about the browser itself.
func adviseBrowser(err error) (advice, bool) {
	var missing *browser.MissingError
	if !errors.As(err, &missing) {
		return advice{}, false
	}
	return advice{general: true, text: "The provider is to reach a vendor by its pages, and finds no browser. Install Chromium or Chrome (on Debian and " +
		"Ubuntu: apt-get install chromium), or set browser.executable to where it is."}, true
}

// adviseStep is about a step on a page.
func adviseStep(err error) (advice, bool) {
	var step *browser.StepError
	if !errors.As(err, &step) {
		return advice{}, false
	}
	where := fmt.Sprintf("On %s, %s, the provider could not %s", step.Site, step.Page, step.Step)
	switch step.Kind {
	case browser.SignedOut, browser.Elsewhere:
		return advice{general: true, text: fmt.Sprintf("%s asks to sign in: the session has expired. Run terraform-provider-kustom login again (for a shop: "+
			"login -mystore and its name), and renew what was made from it in CI; then run again.", step.Site)}, true
	case browser.Refused:
		return advice{text: where + ": the page refuses it; see below for its reason."}, true
	case browser.Died:
		return advice{general: true, text: where + ", because the browser ended. Run again; if it stays, the machine may have too little memory for " +
			"max_tabs tabs."}, true
	case browser.NoPage:
		return advice{general: true, text: where + ", because the page could not be loaded. Check the network, and run again in a few minutes."}, true
	case browser.NotFound, browser.Unclickable:
	}
	return advice{text: where + ": something on the page was not found, or not to be clicked, and so nothing was. The vendor may have changed the page." +
		lookedFor(step) + " With browser.debug_dir, a picture shows the page."}, true
}

// lookedFor says which words were looked for, and how to give others.
func lookedFor(step *browser.StepError) string {
	site := portalSite
	if step.Site == mystorepages.Name {
		site = mystoreSite
	}
	var text strings.Builder
	for _, want := range step.Wanted {
		fmt.Fprintf(&text, "\n\nIt looked for: %s.", want)
		if want.Label != "" {
			fmt.Fprintf(&text, " If it is called something else now, say so in the provider's configuration: browser { labels = { %q = \"…\" } }.", site+"."+want.Label)
		}
	}
	return text.String()
}
