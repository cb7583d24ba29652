package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// advice is what a person is told of an error: what is the matter, and what to do next (I8).
type advice struct {
	text string
	// general says that the error is not about the attribute at which it came up.
	general bool
}

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

func original(err error) string {
	text := "Cause: " + err.Error()
	var failure *transport.Error
	if errors.As(err, &failure) && failure.CorrelationID != "" {
		text += "\nCorrelation ID: " + failure.CorrelationID
	}
	return text
}

// advise tries the errors that know most before those that they wrap.
func advise(err error) advice {
	for _, try := range []func(error) (advice, bool){
		adviseSettings, adviseGuard, adviseKey, adviseOrder, adviseProof, adviseShop, adviseInterruption, adviseAnswer, advisePages,
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
		text := fmt.Sprintf("The provider has no Mystore token for shop %s. Make one for this shop at auth.mystore.no "+
			"and add it to mystore_tokens, or to the environment variable %s.", noToken.shop, envMystoreTokens)
		if noToken.pages {
			text += fmt.Sprintf(" Or sign in to the shop's admin with terraform-provider-kustom login -mystore %s.", noToken.shop)
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

func adviseGuard(err error) (advice, bool) {
	var held *rotation.HeldError
	if errors.As(err, &held) {
		return adviseHeld(held), true
	}
	var unseen *rotation.UnseenError
	if errors.As(err, &unseen) {
		return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because not every shop that the provider has access "+
			"to could be asked whether it uses it. %s\n\nThen run again.", unseen.Username, advise(unseen.Cause).text)}, true
	}
	return advice{}, false
}

func adviseHeld(held *rotation.HeldError) advice {
	shops := strings.Join(held.Shops, ", ")
	cause := "and it did not get another key in time"
	if held.Left {
		cause = "and its credentials were left in place when its resource was destroyed (deletion_policy = \"retain\")"
	}
	return advice{general: true, text: fmt.Sprintf("The key %s was not deleted, because shop %s takes payments with it, %s. Nothing was "+
		"deleted.\n\nIf this run has just given the shop another key, run again. Otherwise give it one: under Extensions → Your "+
		"extensions → Klarna Checkout V3 → Credentials, or by applying the resource that installs it.", held.Username, shops, cause)}
}

func adviseKey(err error) (advice, bool) {
	var unsettled *rotation.UnsettledError
	if errors.As(err, &unsettled) {
		return advice{text: fmt.Sprintf("The new key, %s, could not be installed in the shop for certain, nor be deleted again for certain (%v). "+
			"It is remembered: the next apply finds out which key the shop uses, and deletes what is left over.\n\n%s",
			unsettled.Key.Username, unsettled.Cleanup, advise(unsettled.Cause).text)}, true
	}
	var orphan *kustom.OrphanError
	if errors.As(err, &orphan) {
		text := fmt.Sprintf("%s It is kept in the state: the next apply deletes it and makes another.\n\n"+
			"If there will be no next apply, look in Kustom Portal, store %s, under Integrations, and delete it there (three dots → "+
			"Delete API key).", describeOrphan(orphan), orphan.MerchantID)
		if cause, ok := advisePages(orphan.Cause); ok {
			text += "\n\n" + cause.text
		}
		return advice{text: text}, true
	}
	var full *limitReachedError
	if errors.As(err, &full) {
		return advice{text: full.advice()}, true
	}
	var none *kustom.NoKeyError
	if errors.As(err, &none) {
		return advice{text: fmt.Sprintf("Store %s has no API key with the ID %s; perhaps it was deleted. The data source "+
			"kustom_legacy_integrations lists the keys that can be imported from Klarna's host.", none.MerchantID, none.CredentialID)}, true
	}
	return advice{}, false
}

func describeOrphan(orphan *kustom.OrphanError) string {
	if orphan.CredentialID == "" {
		return fmt.Sprintf("Kustom Portal was asked for an API key and gave no answer that tells, so one may have been made whose "+
			"secret nobody knows (%v).", orphan.Cleanup)
	}
	return fmt.Sprintf("The API key %s was made and can't be used, and it could not be deleted again (%v).",
		cmp.Or(orphan.Username, orphan.CredentialID), orphan.Cleanup)
}

// lostSecret is the guide's advice for a pair that does not work.
const lostSecret = "If the secret is lost, generate a new key: a secret is shown only once."

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
	switch {
	case errors.Is(err, context.Canceled):
		return advice{general: true, text: "The run was interrupted. Run again; it goes on from where it was."}, true
	case errors.Is(err, context.DeadlineExceeded):
		limit := "the resource's timeouts"
		if isAction(err) {
			limit = "the action's timeout"
		}
		return advice{general: true, text: "There was not enough time. Run again; if it stays, raise " + limit + "."}, true
	}
	return advice{}, false
}

func adviseAnswer(err error) (advice, bool) {
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
		return advice{general: true, text: failure.Host + " asks for fewer requests, and went on to after waiting. Run again in a few minutes."}
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
