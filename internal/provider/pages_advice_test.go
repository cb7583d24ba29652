package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// generating returns a step that has failed while a key was generated.
func generating(kind browser.Kind) *browser.StepError {
	return &browser.StepError{
		Site: portalpages.Name, Host: "portal.kustom.co", Page: "Integrations of store M1", Step: "generate a key", Kind: kind,
	}
}

// uncertain returns the same step after a click that may have worked.
func uncertain(step *browser.StepError) *browser.StepError {
	step.Changing, step.Uncertain = true, true
	return step
}

// ofMystore returns the same step on Mystore's pages.
func ofMystore(step *browser.StepError) *browser.StepError {
	step.Site = mystorepages.Name
	return step
}

// stopped returns a step that changes something, before which the person said Stop.
func stopped() *browser.StepError {
	step := generating(browser.Stopped)
	step.Changing, step.Err = true, browser.ErrStopped
	return step
}

// TestAdvisePages_SaysWhatToDo holds the wording of what goes wrong on pages, and where it is put.
func TestAdvisePages_SaysWhatToDo(t *testing.T) {
	const portalLogin, shopLogin = "terraform-provider-kustom login", "terraform-provider-kustom login --mystore butikk"
	onShop := generating(browser.SignedOut)
	onShop.Site = mystorepages.Name
	tests := []struct {
		name string
		err  error
		says string
		// general says that it is not put at an attribute.
		general bool
	}{
		{"no session of the portal", &noSessionError{portalpages.Name, portalLogin, envPortalSession}, "Nobody has signed in to Kustom Portal on this machine. Run terraform-provider-kustom login (for the playground, with --environment playground), or set the environment variable KUSTOM_PORTAL_SESSION to what it prints with --print.", true},
		{"no session of a shop", &noSessionError{"shop butikk", shopLogin, envMystoreSessions}, "Nobody has signed in to shop butikk on this machine. Run terraform-provider-kustom login --mystore butikk (", true},
		{"session of another host", &otherHostError{portalpages.Name, "portal.kustom.co", "portal.playground.kustom.co"}, "The session for Kustom Portal belongs to portal.playground.kustom.co, but the provider uses portal.kustom.co.", true},
		{"no token, where a session would do", &noShopTokenError{shop: "butikk", pages: true}, "MYSTORE_TOKENS. Or sign in to the shop's control panel with terraform-provider-kustom login --mystore butikk.", false},
		{"no access to keys", &portalpages.NoAccessError{}, "does not show API keys to the signed-in user. Only an admin of a store can see them", true},
		{"keys of somebody else", &portalpages.UnexplainedError{MerchantID: "M1", Usernames: []string{"M1-a", "M1-b"}}, "Store M1 has new API keys that this run did not generate, or can't tell apart from its own: M1-a, M1-b.", false},
		{"write that is not confirmed", &mystore.NotConfirmedError{Shop: "butikk"}, "but the shop's page does not show its Kustom ID. The old key stays", false},
		{"credentials that are not shown", &mystore.NotShownError{Shop: "butikk"}, "The shop may use any key of its store", false},
		{"no such store", &portalpages.NoStoreError{MerchantID: "M1"}, "can't see store M1. Check the merchant ID", false},
		{"login not accepted", &mystorepages.SignInError{Shop: "butikk", Message: "Wrong password."}, "Mystore rejected the login for shop butikk. Check the e-mail address, the password and the seed of the one-time codes. They are in browser.mystore_logins, or in the environment variable MYSTORE_LOGINS.", false},
		{"no browser", &browser.MissingError{}, "and finds none. Install Chromium or Chrome (on Debian: apt-get install chromium). Or set browser.executable to the path of one.", true},
		{"signed out of the portal", generating(browser.SignedOut), "Kustom Portal asks to sign in: the session has expired. Run terraform-provider-kustom login again", true},
		{"signed out after a click", uncertain(generating(browser.SignedOut)), "Then run again. The click may still have " +
			"worked. The next run checks that.", true},
		{"signed out of a shop", onShop, "Mystore asks to sign in: the session has expired. Run terraform-provider-kustom login again (for a shop, with --mystore and its name; for the playground, with --environment playground)", true},
		{"led elsewhere", generating(browser.Elsewhere), "Nothing was changed. The portal does that when the session has expired. Run terraform-provider-kustom login again", true},
		{"led elsewhere after a click", uncertain(generating(browser.Elsewhere)), "The click may still have worked. The " +
			"next run checks that. The portal does that", true},
		{"led elsewhere by a shop", ofMystore(generating(browser.Elsewhere)), "The session has expired, or the control panel has moved", true},
		{"stopped by the person", stopped(), "because you said Stop. This step changed nothing. The provider did not " +
			"do the later steps either.", true},
		{"never answered", generating(browser.Stopped), "because nobody answered whether to click", true},
		{"answered too late", generating(browser.Outdated), "because each answer came so late", true},
		{"never at rest", generating(browser.Unsettled), "raise browser.timeout", false},
		{"browser ended", generating(browser.Died), "because the browser stopped. Nothing was changed. Run again.", true},
		{"browser ended after a click", uncertain(generating(browser.Died)), "because the browser stopped. The click may " +
			"still have worked. The next run checks that. Run again.", true},
		{"browser ended, which cancels its context", &browser.StepError{Kind: browser.Died, Err: context.Canceled}, "because the browser stopped.", true},
		{"no page", generating(browser.NoPage), "because the page could not be loaded. Nothing was changed. Check the network", true},
		{"not found", generating(browser.NotFound), "because the page differs from the expected one. Nothing was changed.", false},
		{"not found after a click", uncertain(generating(browser.NotFound)), "The click may still have worked. The next " +
			"run checks that.", false},
		{"covered", generating(browser.Unclickable), "because the element could not be clicked or filled in", false},
		{"interrupted", &browser.StepError{Kind: browser.NotFound, Err: context.Canceled}, "The run was interrupted.", true},
		{"key that may come yet", &kustom.OrphanError{Orphan: kustom.Orphan{MerchantID: "M1"}, Cause: uncertain(generating(browser.Died)), Cleanup: errors.New("no way")}, "The state keeps its ID. The next apply deletes it and generates another key.", false},
		{"guard", &rotation.KeyUsageUnknownError{Username: "M1-a", Shops: []string{"butikk"}, Cause: onShop}, "Shop butikk may use it, but the provider can't read that shop. Mystore asks to sign in", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var diags diag.Diagnostics
			report(&diags, path.Root("shop"), message{title: "Summary"}, fmt.Errorf("doing it: %w", test.err))
			if detail := diags[0].Detail(); !strings.Contains(detail, test.says) || !strings.Contains(detail, "doing it: ") {
				t.Errorf("want %q and the original error in\n%s", test.says, detail)
			}
			if _, located := diags[0].(diag.DiagnosticWithPath); located == test.general {
				t.Errorf("at an attribute: %v, want %v", located, !test.general)
			}
		})
	}
}

// TestAdvisePages_ListsWhatIsMissing holds the whole of a message with several lines: Terraform leaves those alone that
// begin with a space, and wraps the others.
func TestAdvisePages_ListsWhatIsMissing(t *testing.T) {
	step := generating(browser.NotFound)
	words := browser.NewWords(mystorepages.Table(), map[string]string{"credentials": "Keys", "kustom_id": "ID"})
	step.Site, step.Page, step.Step = mystorepages.Name, "the credentials of shop butikk", "open Credentials"
	step.Wanted = []browser.Target{words.Action("credentials"), words.Field("kustom_id")}
	step.Nearest = []string{"Access", "Settings"}
	const want = `On Mystore (the credentials of shop butikk), the provider could not open Credentials, because the page differs from the expected one. Nothing was changed. The page may have been slow, or the vendor may have changed it. Run again. If the error comes again, open the page yourself. With browser.debug_dir, the provider takes a picture of the page.

What is missing or different:

  - a button, link or menu item called "Keys" (label mystore.credentials)
  - a field called "ID" (label mystore.kustom_id)

The nearest names on the page: ["Access" "Settings"].

If the page has it under another name, set that name in the provider's configuration, such as browser { labels = { "mystore.credentials" = "…" } }. If that does not help, run terraform-provider-kustom check --teach, and use the file that it writes as browser.profile.`
	if got := advise(step).detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	step.Wanted, step.Nearest, step.Picture = nil, nil, "/pictures/1.png"
	if got := advise(step).detail(); !strings.HasSuffix(got, "open the page yourself. A picture of it is in /pictures/1.png.") {
		t.Errorf("with a picture: %s", got)
	}
	step.What, step.Structure = "the list of stores is empty, or not open", true
	if got := advise(step).detail(); !strings.HasSuffix(got, "so another word in browser.labels does not help. To show where it is, "+howToTeach+" "+
		"Report it, too.") {
		t.Errorf("without a label: %s", got)
	}
}
