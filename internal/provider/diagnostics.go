package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// report adds an error to diags: what failed, why, what to do next, and what the vendor said. It
// goes to the attribute at, unless that is empty or the cause lies elsewhere.
func report(diags *diag.Diagnostics, at path.Path, summary string, err error) {
	reportWithHint(diags, at, summary, err, "")
}

// reportWithHint is report, with what else can be done at this place.
func reportWithHint(diags *diag.Diagnostics, at path.Path, summary string, err error, hint string) {
	a := advise(err)
	detail := a.text
	if hint != "" {
		detail += " " + hint
	}
	detail += "\n\n" + original(err)
	if a.general || at.Equal(path.Empty()) {
		diags.AddError(summary, detail)
		return
	}
	diags.AddAttributeError(at, summary, detail)
}

// reportOfShop is report, with the shop's name in the summary. What is about all shops is said without one.
func reportOfShop(diags *diag.Diagnostics, at path.Path, summary, shop string, err error) {
	if advise(err).general {
		report(diags, at, summary, err)
		return
	}
	report(diags, at, summary+": "+shop, err)
}

// warnOfShop is warn, with the shop's name in the summary, so that Terraform shows the warning of each shop.
func warnOfShop(diags *diag.Diagnostics, at path.Path, summary, shop string, err error) {
	if advise(err).general {
		warn(diags, at, summary, err)
		return
	}
	warn(diags, at, summary+": "+shop, err)
}

// mayHaveChanged is the summary of an error after which the shop may not have the key that it had.
const mayHaveChanged = "Shop may have another key"

// reportShop reports why a shop did not get the key that was planned, and whether it has the one that it had.
func reportShop(diags *diag.Diagnostics, at path.Path, err error) {
	if leavesShopUnknown(err) {
		report(diags, at, mayHaveChanged, err)
		return
	}
	report(diags, at, "Shop keeps the key that it has", err)
}

// leavesShopUnknown tells whether a shop may hold another key than before it was to get one.
func leavesShopUnknown(err error) bool {
	var unknown *rotation.KeyStateUnknownError
	var vanished *rotation.KeyVanishedError
	return errors.As(err, &vanished) || errors.As(err, &unknown) && !unknown.Key.Attempted.IsZero()
}

// isUnknown tells whether err is about a setting that is not known while planning. Those who only
// check ahead pass over it.
func isUnknown(err error) bool {
	var unknown *unknownError
	return errors.As(err, &unknown)
}

// unlessUnknown returns err, and nil where it is about such a setting.
func unlessUnknown(err error) error {
	if isUnknown(err) {
		return nil
	}
	return err
}

// unreadBlocks says what else a shop that can't be read has consequences for.
const unreadBlocks = "As long as the shop can't be read, no key that it may use is deleted, unless it is in the provider's ignored_shops: add it there if " +
	"it is gone."

// warn adds what report would report as a warning.
func warn(diags *diag.Diagnostics, at path.Path, summary string, err error) {
	hint := ""
	if isShopsOwn(err) && !mystore.IsNotShown(err) {
		hint = unreadBlocks
	}
	var reported diag.Diagnostics
	reportWithHint(&reported, at, summary, err, hint)
	diags.Append(asWarnings(reported)...)
}

// asWarnings returns errors as warnings.
func asWarnings(errs diag.Diagnostics) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, d := range errs {
		if at, ok := d.(diag.DiagnosticWithPath); ok {
			diags.AddAttributeWarning(at.Path(), d.Summary(), d.Detail())
		} else {
			diags.AddWarning(d.Summary(), d.Detail())
		}
	}
	return diags
}

// firstError returns the first error of diags, nil where there is none.
func firstError(diags diag.Diagnostics) error {
	for _, d := range diags.Errors() {
		return fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	return nil
}

// warnOfAnswers warns of what the engine did not take over of the portal's answers, and of steps that it could not
// record.
func warnOfAnswers(engine *rotation.Engine, diags *diag.Diagnostics) {
	for _, w := range engine.Keys.Warnings() {
		diags.AddWarning(w.Summary, w.Detail)
	}
}

// warnOfUnread warns of shops that can't be read: each may use any key.
func warnOfUnread(diags *diag.Diagnostics, failures []rotation.ShopFailure) {
	for _, failure := range failures {
		warn(diags, path.Empty(), "Shop not read: "+failure.Shop, failure.Err)
	}
}

// warnOfClearing says in a plan that a shop will be without credentials.
func warnOfClearing(diags *diag.Diagnostics, shop types.String, becomes string) {
	diags.AddWarning("Shop will take no payments",
		fmt.Sprintf("The deletion_policy is clear: the credentials of shop %s will be %s, unless another resource gives the shop a key in the same run.",
			shop.ValueString(), becomes))
}

// warnOfLeftAlone says that a shop was not cleared, because it holds something else by now.
func warnOfLeftAlone(diags *diag.Diagnostics, shop, username, present string) {
	text := fmt.Sprintf("Shop %s was not emptied. It holds the key %s, and this resource has installed %s: somebody else, or another resource of "+
		"this run, has given the shop that key since.", shop, present, username)
	if present == username {
		text = fmt.Sprintf("Shop %s was not emptied. Somebody else, or another resource of this run, has given it the key %s anew since this resource "+
			"installed it. The key stays in the portal as long as the shop holds it.", shop, username)
	}
	diags.AddWarning("Shop not cleared", text)
}

// describeLeft returns what a person is told of a shop whose object was destroyed and left it as it is. Another object
// may take the shop over later in the same run, so it promises nothing of that.
func describeLeft(shop string, record rotation.Record, left rotation.Left) string {
	text := fmt.Sprintf("Shop %s and its key %s were left as they are, because deletion_policy is retain. The shop takes payments with that key "+
		"until something gives it another one.", shop, record.Username)
	if left.Given != "" {
		text = fmt.Sprintf("Shop %s holds %s, which another resource of this run has given it. The destroyed resource leaves its own key, %s, in the "+
			"portal: %s.", shop, left.Given, record.Username, whoDeletesReplaced)
	}
	return text + describeStanding(record.MerchantID, left.Others)
}

// whoDeletesReplaced says what becomes of a key that another object has replaced.
const whoDeletesReplaced = "a kustom_mystore_connection or kustom_mystore_fleet that has replaced it deletes it by its replaced_key_policy, a " +
	"mystore_klarna_checkout_credentials does not"

// describeStanding names the other keys of a store that nothing has deleted; empty where there are none.
func describeStanding(merchantID string, usernames []string) string {
	if len(usernames) == 0 {
		return ""
	}
	return fmt.Sprintf(" Other keys of store %s, which this resource leaves too: %s.", merchantID, enumerate(usernames))
}

// claim notes that an object owns a shop, and refuses a shop that two objects have. Before the provider is
// configured, and while the shop is not known, it does nothing.
func claim(engine *rotation.Engine, at path.Path, shop types.String, kind string, diags *diag.Diagnostics) {
	if engine == nil || !known(shop) {
		return
	}
	if err := engine.Claim(shop.ValueString(), kind); err != nil {
		report(diags, at, "Shop is in two objects", err)
	}
}

// inUseBy returns the shops that keep a key from being deleted, nil where something else does.
func inUseBy(err error) []string {
	var held *rotation.KeyInUseError
	if errors.As(err, &held) {
		return held.Shops
	}
	return nil
}

func isWrongStore(err error) bool {
	var wrong *rotation.WrongStoreError
	return errors.As(err, &wrong)
}

// isShopsOwn tells whether err is the trouble of one shop that can't be read. It must not keep the others from being
// planned and switched.
func isShopsOwn(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var failure *transport.Error
	var step *browser.StepError
	var signIn *mystorepages.SignInError
	return mystore.IsNotShown(err) || errors.As(err, &failure) && failure.API == "mystore" ||
		errors.As(err, &step) && step.Site == mystorepages.Name ||
		errors.As(err, &signIn)
}

func original(err error) string {
	text := "Cause: " + err.Error()
	var failure *transport.Error
	if errors.As(err, &failure) && failure.CorrelationID != "" {
		text += "\nCorrelation ID: " + failure.CorrelationID
	}
	if isOfPages(err) {
		text += "\n\n" + runCheck
	}
	return text
}

// runCheck is the last line of each error that came up on a page.
const runCheck = "Run terraform-provider-kustom check to see what the provider finds on the pages. It changes nothing."

// isOfPages tells whether err can only come up where a vendor is reached by its pages.
func isOfPages(err error) bool {
	var noToken *noShopTokenError
	if errors.As(err, &noToken) && noToken.pages {
		return true
	}
	_, ok := advisePages(err)
	return ok && !errors.Is(err, rotation.ErrUndescribed)
}

// advise tries the errors that know most before those that they wrap.
func advise(err error) advice {
	for _, try := range []func(error) (advice, bool){
		adviseGuard, adviseSettings, adviseKey, adviseOrder, adviseProof, adviseShop, adviseInterruption, adviseAnswer, advisePages,
	} {
		if a, ok := try(err); ok {
			return a
		}
	}
	return advice{text: "This is unexpected. Run again and, if it stays, report it with the message below."}
}

func adviseSettings(err error) (advice, bool) {
	var missing *missingError
	if errors.As(err, &missing) {
		return advice{general: true, text: fmt.Sprintf("The provider's %s is not set. Set it, or the environment variable %s, to %s.",
			missing.attribute, missing.variable, missing.what)}, true
	}
	var noToken *noShopTokenError
	if errors.As(err, &noToken) {
		text := fmt.Sprintf("The provider has no Mystore token for shop %s. ", noToken.shop)
		if noToken.near != "" {
			text += fmt.Sprintf("There is one for shop %s: did you mean %s? If not: ", noToken.near, noToken.near)
		}
		text += "Make one for this shop at auth.mystore.no and add it to mystore_tokens, or to the environment variable " + envMystoreTokens + "."
		if noToken.pages {
			text += fmt.Sprintf(" Or sign in to the shop's admin with terraform-provider-kustom login --mystore %s.", noToken.shop)
		}
		return advice{text: text}, true
	}
	var unknown *unknownError
	if errors.As(err, &unknown) {
		return advice{general: true, text: fmt.Sprintf("The provider's %s depends on something that has not been applied yet, and is "+
			"needed already. Apply what it depends on first (-target), or give it a value that is known while planning.", unknown.attribute)}, true
	}
	return advice{}, false
}

// waysToDelete are the ways on where nobody can be asked whether a key is in use.
const waysToDelete = "Add the tokens of the shops that may use it to mystore_tokens of the same provider configuration. If the portal shows that " +
	"nothing uses it, set unused_for. To keep the key, set deletion_policy = \"retain\"."

// waysToAsk are the ways on where nobody can be asked whether a key that a shop had is in use elsewhere.
const waysToAsk = "Add the tokens of the shops that may use it to mystore_tokens of the same provider configuration, and take those shops out of " +
	"ignored_shops. If the portal shows that nothing uses it, set unused_for."

func adviseGuard(err error) (advice, bool) {
	var held *rotation.KeyInUseError
	if errors.As(err, &held) {
		return adviseHeld(held), true
	}
	var unknown *rotation.KeyUsageUnknownError
	if errors.As(err, &unknown) {
		return adviseUsageUnknown(unknown), true
	}
	var used *rotation.KeyStillUsedError
	if errors.As(err, &used) {
		return advice{text: fmt.Sprintf("The key %s was not deleted, because the portal shows that something has used it within the last %s. Find "+
			"out what uses it, an accounting system for example, and give that another key. The next apply tries again.",
			used.Username, rotation.FormatDuration(used.UnusedFor))}, true
	}
	var still *rotation.KeyNotDeletedError
	if errors.As(err, &still) {
		return advice{text: fmt.Sprintf("Kustom Portal was asked to delete the key %s of store %s, and still lists it. Run again; if it stays, delete it "+
			"on the portal's page API (under Integrations or Developers; three dots → Delete API key).", cmp.Or(still.Key.Username, still.Key.CredentialID), still.Key.MerchantID)}, true
	}
	return advice{}, false
}

func adviseUsageUnknown(unknown *rotation.KeyUsageUnknownError) advice {
	if len(unknown.Shops) == 0 && unknown.Cause == nil {
		return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because the provider has no shop to ask whether it uses the key. "+
			"That nobody was asked does not mean that nobody uses it.\n\n%s", unknown.Username, waysToDelete)}
	}
	if len(unknown.Shops) == 0 {
		return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because the provider does not know which shops it can ask. %s",
			unknown.Username, advise(unknown.Cause).text)}
	}
	reason := ""
	if unknown.Cause != nil {
		reason = " " + advise(unknown.Cause).text
	}
	shops := enumerate(unknown.Shops)
	if mystore.IsNotShown(unknown.Cause) {
		return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because shop %s may use it and does not show which Kustom ID it has. "+
			"An empty field counts as that too: the shop may have an ID all the same.\n\nIf shop %s uses no key of Kustom's, add it to the provider's "+
			"ignored_shops, and run again. Otherwise place a test order in the shop, and run again on this machine: the key is deleted when Kustom Portal "+
			"shows a later Last used of the new key than of %s. A run on another machine does not know which key is the new one: delete %s in "+
			"Kustom Portal then. Where unused_for is set, the key is deleted when the portal has shown no use of it for that long.",
			unknown.Username, shops, shops, unknown.Username, unknown.Username)}
	}
	return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because shop %s may use it and can't be read.%s\n\nThen run again. If "+
		"the shop is gone, remove it from mystore_tokens or add it to the provider's ignored_shops.",
		unknown.Username, shops, reason)}
}

func adviseHeld(held *rotation.KeyInUseError) advice {
	shops := strings.Join(held.Shops, ", ")
	cause := "and it has not got another key"
	if held.Left {
		cause = "and its credentials were left in place when its resource was destroyed (deletion_policy = \"retain\")"
	}
	return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because shop %s takes payments with it, %s. Nothing was "+
		"deleted.\n\nIf the key is being replaced, the shop must get the new key first: set create_before_destroy = true in the key's lifecycle "+
		"block, and run again without -target. To let go of the key, set deletion_policy = \"retain\". Otherwise give the shop another key: under Extensions → Your "+
		"extensions → Klarna Checkout V3 → Credentials, or by applying the resource that installs it.", held.Username, shops, cause)}
}

func adviseKey(err error) (advice, bool) {
	var unknown *rotation.KeyStateUnknownError
	if errors.As(err, &unknown) {
		return advice{text: fmt.Sprintf("The new key, %s, could not be installed in the shop for certain, nor be deleted again for certain (%v). "+
			"It is remembered: the next apply finds out which key the shop uses, and deletes what is left over.\n\n%s",
			unknown.Key.Username, unknown.Cleanup, advise(unknown.Cause).text)}, true
	}
	var orphan *kustom.OrphanError
	if errors.As(err, &orphan) {
		text := fmt.Sprintf("%s It is kept in the state: the next apply deletes it and makes another.\n\n"+
			"If there will be no next apply, look in Kustom Portal, store %s, on the page API (under Integrations or Developers), and delete it there (three dots → "+
			"Delete API key).", describeOrphan(orphan), orphan.MerchantID)
		if cause, ok := advisePages(orphan.Cause); ok {
			text += "\n\n" + cause.text
		}
		return advice{text: text}, true
	}
	var full *rotation.LimitReachedError
	if errors.As(err, &full) {
		return adviseLimit(full), true
	}
	var none *kustom.NoKeyError
	if errors.As(err, &none) {
		return advice{text: fmt.Sprintf("Store %s has no API key with the ID %s; perhaps it was deleted. The data source "+
			"kustom_legacy_integrations lists the keys that can be imported from Klarna's host.", none.MerchantID, none.CredentialID)}, true
	}
	var vanished *rotation.KeyVanishedError
	if errors.As(err, &vanished) {
		return advice{text: fmt.Sprintf("Somebody deleted the new key %s while shop %s got it, several times in a row. **The shop holds a key that does "+
			"not exist.** Find out who deletes keys of this store, another run of Terraform for example, and run again at once.",
			vanished.Username, vanished.Shop)}, true
	}
	return adviseStore(err)
}

func adviseStore(err error) (advice, bool) {
	var wrong *rotation.WrongStoreError
	if errors.As(err, &wrong) {
		return advice{text: fmt.Sprintf("Shop %s takes payments for store %s, and would get a key of store %s. Its payments would go to another "+
			"merchant.\n\nCheck the merchant ID: two rows of a list may be swapped. If the shop does move to the other store, set "+
			"allow_store_change = true.", wrong.Shop, wrong.Present, wrong.Wanted)}, true
	}
	var twice *rotation.OwnedTwiceError
	if errors.As(err, &twice) {
		return advice{text: fmt.Sprintf("Shop %s is in two objects of this configuration, a %s and a %s. Each would undo what the other has done, at "+
			"every apply. Remove it from one of them.", twice.Shop, twice.First, twice.Second)}, true
	}
	var none *rotation.StoreNotFoundError
	if errors.As(err, &none) {
		return advice{text: fmt.Sprintf("The portal user sees no store %s. Check the merchant ID; if it is right, ask an account administrator for "+
			"access to the store via User Manager.", none.MerchantID)}, true
	}
	var unlisted *rotation.NotListedError
	if errors.As(err, &unlisted) {
		return advice{text: fmt.Sprintf("Kustom Portal does not list the key %s of store %s, which this run has made. Its lists may lag. Run again in a "+
			"minute.", unlisted.CredentialID, unlisted.MerchantID)}, true
	}
	var panicked *rotation.PanicError
	if errors.As(err, &panicked) {
		return advice{text: "This is a fault of the provider. What it had made is undone or remembered. Run again, and please report it with the " +
			"message below."}, true
	}
	return advice{}, false
}

func adviseLimit(full *rotation.LimitReachedError) advice {
	const remove = "in Kustom Portal on the page API (under Integrations or Developers; three dots → Delete API key), then run again."
	if len(full.Unused) == 0 {
		return advice{text: fmt.Sprintf("Store %s has as many API keys as it may have, and each of them has been used. Delete one that is no "+
			"longer needed %s", full.MerchantID, remove)}
	}
	lines := make([]string, 0, len(full.Unused))
	for _, key := range full.Unused {
		made := "made " + key.CreatedAt.Format(time.DateOnly)
		if key.Host != "" {
			made = key.Host + ", " + made
		}
		lines = append(lines, fmt.Sprintf("  - %s (%s)", key.Username, made))
	}
	return advice{text: fmt.Sprintf("Store %s has as many API keys as it may have. These have never been used:\n\n%s\n\nDelete one that is no "+
		"longer needed %s", full.MerchantID, strings.Join(lines, "\n"), remove)}
}

func describeOrphan(orphan *kustom.OrphanError) string {
	if orphan.CredentialID == "" {
		return fmt.Sprintf("Kustom Portal did not answer the request for an API key. It may have made one whose secret is lost (%v).", orphan.Cleanup)
	}
	return fmt.Sprintf("The API key %s was made and can't be used, and it could not be deleted again (%v).",
		cmp.Or(orphan.Username, orphan.CredentialID), orphan.Cleanup)
}

func adviseProof(err error) (advice, bool) {
	var proof *kustom.ProofError
	if !errors.As(err, &proof) {
		return advice{}, false
	}
	untouched := " Nothing was written to the shop."
	if isAction(err) {
		if errors.Is(err, context.Canceled) {
			return advice{}, false
		}
		untouched = ""
	}
	switch proof.Verdict {
	case kustom.VerdictRefused:
		return advice{text: fmt.Sprintf("Kustom's merchant API refuses this Kustom ID (%s) together with this Kustom Secret.%s\n\nVerify "+
			"that ID and secret belong to the same key, and that the key has not been deleted in Kustom Portal. %s",
			proof.Username, untouched, lostSecret)}, true
	case kustom.VerdictNoProduct:
		return advice{text: fmt.Sprintf("Kustom's merchant API accepts this Kustom ID (%s) together with this Kustom Secret, but the store's "+
			"contract does not include Kustom Checkout.%s%s\n\nAsk Kustom's merchant support to add Kustom Checkout to the store's contract, then "+
			"run again.", proof.Username, inKustomsWords(proof), untouched)}, true
	case kustom.VerdictImpostor:
		return advice{general: true, text: fmt.Sprintf("What answers at api_url is not Kustom's merchant API: %v.%s\n\nSet api_url (%s) to "+
			"the address of the merchant API, or leave it out for Kustom's own. If it is right, ask who runs the network: a proxy or gateway "+
			"answers in the API's place.", proof.Cause, untouched, envAPIURL)}, true
	case kustom.VerdictFirewall:
		return advice{general: true, text: "The firewall in front of Kustom's merchant API refused this machine before the credentials were " +
			"looked at: it does not accept requests from this region." + untouched + "\n\nRun from a machine in a supported " +
			"region, such as in Europe."}, true
	case kustom.VerdictUnknown:
		return advice{general: true, text: "Whether these credentials work could not be found out: Kustom's merchant API gave no answer that " +
			"tells." + untouched + " Run again; if it stays, check the network and api_url."}, true
	}
	return advice{}, false
}

// inKustomsWords returns a sentence with what Kustom said of a refusal; empty where it said nothing.
func inKustomsWords(proof *kustom.ProofError) string {
	var failure *transport.Error
	if !errors.As(proof.Cause, &failure) || len(failure.Messages) == 0 {
		return ""
	}
	return " Kustom says: " + strings.TrimSuffix(strings.Join(failure.Messages, "; "), ".") + "."
}

func adviseOrder(err error) (advice, bool) {
	var unclear *unclearOrderError
	if !errors.As(err, &unclear) {
		return advice{}, false
	}
	return advice{general: true, text: "Whether Kustom has made the checkout session is not known: it gave no answer that tells. If it has, nobody " +
		"is charged: nobody can see the session, and so nobody can complete it. Run again. " + advise(unclear.cause).text}, true
}

func adviseShop(err error) (advice, bool) {
	var missing *mystore.NotInstalledError
	if errors.As(err, &missing) {
		const install = "Only Klarna Checkout V3 can use Kustom. Install it in Mystore under Extensions, then run again."
		if missing.Other != "" {
			return advice{text: fmt.Sprintf("Shop %s has %s, but not Klarna Checkout V3. %s", missing.Shop, missing.Other, install)}, true
		}
		return advice{text: fmt.Sprintf("Shop %s has no Klarna Checkout V3. %s", missing.Shop, install)}, true
	}
	var mismatch *rotation.MismatchError
	if errors.As(err, &mismatch) {
		return advice{text: fmt.Sprintf("Mystore accepted the change, but shop %s does not show it. Somebody may have changed the shop at "+
			"the same time. Look under Extensions → Your extensions → Klarna Checkout V3 → Credentials, and run again.", mismatch.Shop)}, true
	}
	return advice{}, false
}

func adviseInterruption(err error) (advice, bool) {
	var failure *transport.Error
	if errors.As(err, &failure) && failure.Kind == transport.NoAnswer && !errors.Is(err, context.Canceled) {
		// It is the request that ran out of time, not the operation.
		return advice{}, false
	}
	var step *browser.StepError
	if errors.As(err, &step) && step.Kind == browser.Died {
		// A browser that ends cancels what is done in it.
		return advice{}, false
	}
	switch {
	case errors.Is(err, context.Canceled):
		return advice{general: true, text: "The run was interrupted. Run again; it goes on from where it was."}, true
	case errors.Is(err, context.DeadlineExceeded):
		limit := "the resource's timeouts (a data source has 10 minutes)"
		if isAction(err) {
			limit = "the action's timeout"
		}
		return advice{general: true, text: "There was not enough time. Run again; if it stays, raise " + limit + "."}, true
	}
	return advice{}, false
}

func adviseAnswer(err error) (advice, bool) {
	var endless *transport.EndlessListError
	if errors.As(err, &endless) {
		return advice{general: true, text: fmt.Sprintf("The list of %s from %s has no end that the provider would wait for. It stopped reading. Run again; "+
			"if it stays, check the provider's URLs, and report it to the vendor with the message below.", endless.What, endless.Host)}, true
	}
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return advice{}, false
	}
	switch failure.Kind {
	case transport.Refused:
		return adviseRefusal(failure), true
	case transport.Untrusted:
		return advice{general: true, text: fmt.Sprintf("No secure connection to %s could be made. Check %s, and what stands between this "+
			"machine and the network (a proxy that opens TLS connections, for example).", failure.Host, urlAttribute(failure.API))}, true
	case transport.NotSent, transport.NoAnswer, transport.Unreadable:
	}
	return advice{general: true, text: fmt.Sprintf("%s could not be reached, or gave no answer that can be understood. Check the network "+
		"and %s, and run again.", failure.Host, urlAttribute(failure.API))}, true
}

func urlAttribute(api string) string {
	return map[string]string{"portal": "portal_url", "merchant": "api_url", "mystore": "mystore_url"}[api]
}

func adviseRefusal(failure *transport.Error) advice {
	switch {
	case failure.Status == http.StatusTooManyRequests:
		return adviseRateLimit(failure)
	case failure.Status >= http.StatusInternalServerError:
		return advice{general: true, text: failure.Host + " has trouble of its own. Run again in a few minutes."}
	case failure.Status == http.StatusForbidden && failure.Body == transport.BodyHTML:
		return advice{general: true, text: fmt.Sprintf("A firewall in front of %s refused this machine before the token was looked at. Run "+
			"from a machine in a supported region, or ask who runs the network in between.", failure.Host)}
	case failure.API == "portal":
		return advisePortalRefusal(failure)
	case failure.API == "mystore":
		return adviseMystoreRefusal(failure)
	}
	return adviseOrderRefusal(failure)
}

// adviseRateLimit says what was waited for, and what was not.
func adviseRateLimit(failure *transport.Error) advice {
	switch {
	case failure.RetryAfter > transport.MaxRetryAfter:
		return advice{general: true, text: fmt.Sprintf("%s rate-limits the provider (429) for longer than it waits. It asks to wait %s, which was not "+
			"waited for. Run again then.", failure.Host, transport.FormatWait(failure.RetryAfter))}
	case failure.Attempts > 1:
		return advice{general: true, text: fmt.Sprintf("%s rate-limited the provider (429), and still did after every retry. There were %d attempts, and "+
			"%s of waiting between them. Run again in a few minutes.", failure.Host, failure.Attempts, transport.FormatWait(failure.Waited))}
	}
	return advice{general: true, text: failure.Host + " rate-limited the provider (429), and the request was not repeated. Run again in a few minutes."}
}

// adviseOrderRefusal knows the two refusals of a test order that were seen in public.
func adviseOrderRefusal(failure *transport.Error) advice {
	said := strings.ToLower(strings.Join(failure.Messages, " "))
	switch {
	case strings.Contains(said, "no configured currencies"):
		return advice{text: "The store is not set up for this country in this currency. Set country, currency and locale to a market that the " +
			"store sells in; Kustom's merchant support adds others."}
	case strings.Contains(said, "bad value: confirmation"), strings.Contains(said, "bad value: checkout"):
		return advice{text: "Kustom does not accept the addresses of the shop's pages. They are made of shop_url, which has to be an https address " +
			"that customers can open: not localhost, and not an IP address."}
	}
	return advice{text: "Kustom's merchant API refuses the order; see below for its reason. Country, currency and locale have to be ones that " +
		"the store is set up for."}
}

func advisePortalRefusal(failure *transport.Error) advice {
	switch failure.Status {
	case http.StatusUnauthorized:
		return advice{general: true, text: fmt.Sprintf("Kustom Portal does not accept the token: it is wrong or has expired. Get a new one and set "+
			"portal_token, or the environment variable %s.", envPortalToken)}
	case http.StatusForbidden:
		return advice{general: true, text: "The portal user whose token this is can't see Integrations. Contact your account administrator and " +
			"request access via User Manager, then run again."}
	case http.StatusNotFound:
		return advice{text: "The portal user whose token this is can't see such a store. Check the merchant ID; if it is right, ask an " +
			"account administrator for access to the store via User Manager."}
	}
	return advice{text: "Kustom Portal refuses the request; see below for its reason."}
}

func adviseMystoreRefusal(failure *transport.Error) advice {
	switch failure.Status {
	case http.StatusUnauthorized:
		return advice{text: fmt.Sprintf("Mystore does not accept the shop's token: it is wrong or has expired. Make a new one at "+
			"auth.mystore.no and put it into mystore_tokens, or the environment variable %s.", envMystoreTokens)}
	case http.StatusForbidden:
		return advice{text: "The token in mystore_tokens is not allowed to do this: it belongs to another shop, or lacks the permission for " +
			"extensions. Make one for this shop, with that permission, at auth.mystore.no."}
	}
	return advice{text: "Mystore refuses the request; see below for its reason."}
}

// warnOfStrays names keys of a store that a killed run may have left behind. Hint is what else is known of them.
func warnOfStrays(engine *rotation.Engine, diags *diag.Diagnostics, at path.Path, merchantID string, strays []kustom.Key, hint string) {
	if len(strays) == 0 {
		return
	}
	if !engine.Shops.CanAsk(rotation.KeyRef{MerchantID: merchantID}) {
		hint += " The provider has no shop to ask whether it holds one of them."
	}
	var names []string
	for _, key := range strays {
		names = append(names, fmt.Sprintf("%s (made %s)", key.Username, key.CreatedAt.Format(time.DateOnly)))
	}
	which := "keys with this description"
	if !engine.Keys.DescribesKeys() {
		which = "keys"
	}
	diags.AddAttributeWarning(at, "Keys that nothing uses",
		fmt.Sprintf("Store %s has %s that nothing has used since they were made: %s. A run that was killed may have left them "+
			"behind.%s If no state has them and no other shop uses them, delete them in Kustom Portal, or with kustom_api_keys_exclusive.",
			merchantID, which, enumerate(names), hint))
}
