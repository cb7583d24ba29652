package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// advise returns an error's cause and remedy. It checks the most specific errors before those that they wrap.
func advise(err error) message {
	for _, try := range []func(error) (message, bool){
		adviseGuard, adviseSettings, adviseKey, adviseOrder, adviseProof, adviseShop, adviseInterruption, adviseAnswer, advisePages,
	} {
		if m, ok := try(err); ok {
			return m
		}
	}
	return unexpected()
}

// adviseSettings advises on a setting that is missing or not known yet.
func adviseSettings(err error) (message, bool) {
	var missing *missingError
	if errors.As(err, &missing) {
		return settingMissing(missing.attribute, missing.variable, missing.what), true
	}
	var noToken *noShopTokenError
	if errors.As(err, &noToken) {
		return shopTokenMissing(noToken.shop, noToken.source, noToken.near, noToken.pages), true
	}
	var unknown *unknownError
	if errors.As(err, &unknown) {
		return settingUnknown(unknown.attribute), true
	}
	return message{}, false
}

// adviseGuard advises on a deletion that the guard refused.
func adviseGuard(err error) (message, bool) {
	var held *rotation.KeyInUseError
	if errors.As(err, &held) {
		why := stillHolds
		if held.Unmanaged {
			why = wasLeftWithIt
		}
		return keyInUse(held.Username, strings.Join(held.Shops, ", "), why), true
	}
	var unknown *rotation.KeyUsageUnknownError
	if errors.As(err, &unknown) {
		return adviseUsageUnknown(unknown), true
	}
	var used *rotation.KeyStillUsedError
	var young *rotation.KeyTooYoungError
	if errors.As(err, &used) {
		return keyUsedLately(used.Username, rotation.FormatDuration(used.UnusedFor)), true
	}
	if errors.As(err, &young) {
		return keyTooYoung(young.Username, young.Until.UTC().Format("15:04 UTC")), true
	}
	var still *rotation.KeyNotDeletedError
	if errors.As(err, &still) {
		return keyStillListed(cmp.Or(still.Key.Username, still.Key.CredentialID), still.Key.MerchantID), true
	}
	return message{}, false
}

// adviseUsageUnknown says why it is unknown whether a shop uses a key.
func adviseUsageUnknown(unknown *rotation.KeyUsageUnknownError) message {
	shops := enumerate(unknown.Shops)
	switch {
	case shops == "" && unknown.Cause == nil:
		return keyWithoutShopToAsk(unknown.Username, waysToDelete)
	case shops == "":
		return keyOfUnknownShops(unknown.Username, advise(unknown.Cause).advice())
	case mystore.IsNotShown(unknown.Cause):
		return keyOfShopThatHidesID(unknown.Username, shops)
	case unknown.Cause == nil:
		return keyOfUnreadShop(unknown.Username, shops, "")
	}
	return keyOfUnreadShop(unknown.Username, shops, advise(unknown.Cause).advice())
}

// adviseKey advises on the state of a key.
func adviseKey(err error) (message, bool) {
	var unknown *rotation.KeyStateUnknownError
	if errors.As(err, &unknown) {
		return keyStateUnknown(unknown.Key.Username, fmt.Sprint(unknown.Cleanup), advise(unknown.Cause).detail()), true
	}
	var orphan *kustom.OrphanError
	if errors.As(err, &orphan) {
		return adviseOrphan(orphan), true
	}
	var full *rotation.LimitReachedError
	if errors.As(err, &full) {
		return adviseLimit(full), true
	}
	var none *kustom.NoKeyError
	if errors.As(err, &none) {
		return keyNotFound(none.MerchantID, none.CredentialID), true
	}
	var vanished *rotation.KeyVanishedError
	if errors.As(err, &vanished) {
		return keyVanished(vanished.Username, vanished.Shop), true
	}
	return adviseStore(err)
}

// adviseStore advises on a store, and on who owns a shop.
func adviseStore(err error) (message, bool) {
	var wrong *rotation.WrongStoreError
	if errors.As(err, &wrong) {
		return wrongStore(wrong.Shop, wrong.Present, wrong.Wanted), true
	}
	var imported *rotation.WrongImportError
	if errors.As(err, &imported) {
		return wrongImport(imported.Shop, imported.Imported, imported.Present), true
	}
	var twice *rotation.OwnedTwiceError
	if errors.As(err, &twice) {
		return ownedTwice(twice.Shop, twice.First, twice.Second), true
	}
	var none *rotation.StoreNotFoundError
	if errors.As(err, &none) {
		return storeNotSeen(none.MerchantID), true
	}
	var unlisted *rotation.NotListedError
	if errors.As(err, &unlisted) {
		return keyNotListedYet(unlisted.CredentialID, unlisted.MerchantID), true
	}
	var panicked *rotation.PanicError
	if errors.As(err, &panicked) {
		return bug(), true
	}
	return message{}, false
}

// adviseLimit lists the unused keys of a store that has its maximum number of keys.
func adviseLimit(full *rotation.LimitReachedError) message {
	if len(full.Unused) == 0 {
		return storeFullOfUsedKeys(full.MerchantID)
	}
	lines := make([]string, 0, len(full.Unused))
	for _, key := range full.Unused {
		generated := "generated " + key.CreatedAt.Format(time.DateOnly)
		if key.Host != "" {
			generated = key.Host + ", " + generated
		}
		lines = append(lines, fmt.Sprintf("  - %s (%s)", key.Username, generated))
	}
	return storeFull(full.MerchantID, strings.Join(lines, "\n"))
}

// adviseOrphan advises on an orphaned key: it was generated, or may have been, and nobody can use it.
func adviseOrphan(orphan *kustom.OrphanError) message {
	cause, cleanup := "", fmt.Sprint(orphan.Cleanup)
	if m, ok := advisePages(orphan.Cause); ok {
		cause = m.detail()
	}
	if orphan.CredentialID == "" {
		return orphanedUnknownKey(cleanup, orphan.MerchantID, cause)
	}
	return orphanedKey(cmp.Or(orphan.Username, orphan.CredentialID), cleanup, orphan.MerchantID, cause)
}

// adviseProof advises on a pair that could not be proven.
func adviseProof(err error) (message, bool) {
	var proof *kustom.ProofError
	if !errors.As(err, &proof) {
		return message{}, false
	}
	if errors.Is(err, context.Canceled) && (proof.Verdict == kustom.VerdictUnknown || isAction(err)) {
		return message{}, false
	}
	untouched := " Nothing was written to the shop."
	if isAction(err) {
		untouched = ""
	}
	switch proof.Verdict {
	case kustom.VerdictRefused:
		return credentialsRejected(proof.Username, untouched), true
	case kustom.VerdictNoProduct:
		return credentialsWithoutProduct(proof.Username, kustomsMessage(proof), untouched), true
	case kustom.VerdictImpostor:
		return impostor(fmt.Sprint(proof.Cause), untouched), true
	case kustom.VerdictFirewall:
		return firewallBeforeProof(untouched), true
	case kustom.VerdictUnknown:
		return proofInconclusive(untouched), true
	}
	return message{}, false
}

// kustomsMessage returns a sentence with Kustom's message about a refusal; empty if there is none.
func kustomsMessage(proof *kustom.ProofError) string {
	var failure *transport.Error
	if !errors.As(proof.Cause, &failure) || len(failure.Messages) == 0 {
		return ""
	}
	return " Kustom says: " + strings.TrimSuffix(strings.Join(failure.Messages, "; "), ".") + "."
}

// adviseOrder advises on a test order that may or may not have been created.
func adviseOrder(err error) (message, bool) {
	var unclear *unclearOrderError
	if !errors.As(err, &unclear) {
		return message{}, false
	}
	return orderOutcomeUnknown(advise(unclear.cause).detail()), true
}

// adviseShop advises on what a shop shows.
func adviseShop(err error) (message, bool) {
	var missing *mystore.NotInstalledError
	if errors.As(err, &missing) {
		if missing.Other != "" {
			return otherCheckoutInstalled(missing.Shop, missing.Other), true
		}
		return checkoutNotInstalled(missing.Shop), true
	}
	var mismatch *rotation.MismatchError
	if errors.As(err, &mismatch) {
		return changeNotShown(mismatch.Shop), true
	}
	return message{}, false
}

// adviseInterruption advises on a cancellation or a timeout of the whole operation.
func adviseInterruption(err error) (message, bool) {
	var failure *transport.Error
	if errors.As(err, &failure) && failure.Kind == transport.NoAnswer && !errors.Is(err, context.Canceled) {
		// The request timed out, not the operation.
		return message{}, false
	}
	var step *browser.StepError
	if errors.As(err, &step) && step.Kind == browser.Died {
		// A browser that ends cancels the work in it.
		return message{}, false
	}
	switch {
	case errors.Is(err, context.Canceled):
		return interrupted(), true
	case errors.Is(err, context.DeadlineExceeded) && isAction(err):
		return timedOut("the action's timeout"), true
	case errors.Is(err, context.DeadlineExceeded):
		return timedOut("the resource's timeouts (a data source has 10 minutes)"), true
	}
	return message{}, false
}

// adviseAnswer advises on a vendor's answer, or on a missing one.
func adviseAnswer(err error) (message, bool) {
	var endless *transport.EndlessListError
	if errors.As(err, &endless) {
		return endlessList(endless.What, endless.Host), true
	}
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return message{}, false
	}
	switch failure.Kind {
	case transport.Refused:
		return adviseRefusal(failure), true
	case transport.Untrusted:
		return untrustedConnection(failure.Host, urlAttribute(failure.API)), true
	case transport.Unreadable:
		return unreadableAnswer(failure.Host, urlAttribute(failure.API)), true
	case transport.NotSent, transport.NoAnswer:
	}
	return unreachable(failure.Host, urlAttribute(failure.API)), true
}

// urlAttribute returns the provider's argument with the address of an API.
func urlAttribute(api string) string {
	return map[string]string{"portal": "portal_url", "merchant": "api_url", "mystore": "mystore_url"}[api]
}

// adviseRefusal advises on an answer that is not a success.
func adviseRefusal(failure *transport.Error) message {
	switch {
	case failure.Status == http.StatusTooManyRequests:
		return adviseRateLimit(failure)
	case failure.Status >= http.StatusInternalServerError:
		return serverError(failure.Host, strconv.Itoa(failure.Status))
	case failure.Status == http.StatusForbidden && failure.Body == transport.BodyHTML:
		return firewallBeforeToken(failure.Host)
	case failure.API == "portal":
		return advisePortalRefusal(failure)
	case failure.API == "mystore":
		return adviseMystoreRefusal(failure)
	}
	return adviseOrderRefusal(failure)
}

// adviseRateLimit says how long the provider waited, and which wait it refused.
func adviseRateLimit(failure *transport.Error) message {
	switch {
	case failure.RetryAfter > transport.MaxRetryAfter:
		return rateLimitTooLong(failure.Host, transport.FormatWait(failure.RetryAfter))
	case failure.Attempts > 1:
		return rateLimitedAfterRetries(failure.Host, strconv.Itoa(failure.Attempts), transport.FormatWait(failure.Waited))
	}
	return rateLimitedWithoutRetry(failure.Host)
}

// adviseOrderRefusal knows the two refusals of a test order that public sources show.
func adviseOrderRefusal(failure *transport.Error) message {
	said := strings.ToLower(strings.Join(failure.Messages, " "))
	switch {
	case strings.Contains(said, "no configured currencies"):
		return orderForUnknownMarket()
	case strings.Contains(said, "bad value: confirmation"), strings.Contains(said, "bad value: checkout"):
		return orderAddressRefused()
	}
	return orderRefused()
}

// advisePortalRefusal advises on a refusal of Kustom Portal's API.
func advisePortalRefusal(failure *transport.Error) message {
	switch failure.Status {
	case http.StatusUnauthorized:
		return portalRefusesToken()
	case http.StatusForbidden:
		return portalUserSeesNoIntegrations()
	case http.StatusNotFound:
		return portalUserSeesNoStore()
	}
	return portalRefuses()
}

// adviseMystoreRefusal advises on a refusal of Mystore's API.
func adviseMystoreRefusal(failure *transport.Error) message {
	switch failure.Status {
	case http.StatusUnauthorized:
		return mystoreRefusesToken(failure.TokenSource)
	case http.StatusForbidden:
		return mystoreTokenNotAllowed()
	}
	return mystoreRefuses()
}
