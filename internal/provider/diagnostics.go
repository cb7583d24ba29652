package provider

import (
	"context"
	"errors"
	"fmt"
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

// report adds an error to diags: what failed, why, what to do next, and the vendor's message. It is about the
// attribute at, unless that is empty or the cause lies elsewhere.
func report(diags *diag.Diagnostics, at path.Path, failed message, err error) {
	reportWithHint(diags, at, failed, err, "")
}

// reportWithHint is like report, and adds a hint for this place.
func reportWithHint(diags *diag.Diagnostics, at path.Path, failed message, err error, hint string) {
	m, at := explain(at, failed, err, hint)
	m.asError().addTo(diags, at)
}

// explain returns an error's message for the user, and its attribute.
func explain(at path.Path, failed message, err error, hint string) (message, path.Path) {
	m := failed.because(advise(err))
	m.do = join(m.do, hint)
	m.details = paragraphs(m.details, describeCause(err))
	if m.general {
		at = path.Empty()
	}
	return m, at
}

// ofShop adds the shop's name to the title, so that Terraform shows each shop's message. It adds no name for a
// cause that concerns all shops.
func ofShop(failed message, shop string, err error) message {
	if advise(err).general {
		return failed
	}
	return failed.of(shop)
}

// reportShop reports why a shop did not get the planned key, and whether it still has its old one.
func reportShop(diags *diag.Diagnostics, at path.Path, shop string, err error) {
	if leavesShopUnknown(err) {
		reportWithHint(diags, at, shopMayHaveAnotherKey(), err, afterFailure(shop, err))
		return
	}
	reportWithHint(diags, at, shopKeepsKey(), err, afterFailure(shop, err))
}

// afterFailure names the shop of an error that may be about a token or the portal, and says what state the
// apply has left.
func afterFailure(shop string, err error) string {
	if leavesShopUnknown(err) {
		return fmt.Sprintf("Shop %s may hold another key than before.", shop)
	}
	return fmt.Sprintf("Shop %s is unchanged.", shop)
}

// leavesShopUnknown reports whether the shop's key may have changed before the failure.
func leavesShopUnknown(err error) bool {
	var unknown *rotation.KeyStateUnknownError
	var vanished *rotation.KeyVanishedError
	return errors.As(err, &vanished) || errors.As(err, &unknown) && !unknown.Key.Attempted.IsZero()
}

// isUnknown reports whether err is about a setting that is not known at plan. Callers that only check ahead
// ignore it.
func isUnknown(err error) bool {
	var unknown *unknownError
	return errors.As(err, &unknown)
}

// ignoreUnknown returns err, or nil if it is about such a setting.
func ignoreUnknown(err error) error {
	if isUnknown(err) {
		return nil
	}
	return err
}

// unreadBlocks says what else an unreadable shop blocks.
const unreadBlocks = "While the provider can't read the shop, it deletes no key that the shop may use. If the shop is " +
	"closed, add it to the provider's ignored_shops."

// warn is like report, but adds a warning.
func warn(diags *diag.Diagnostics, at path.Path, failed message, err error) {
	hint := ""
	if isShopError(err) && !mystore.IsNotShown(err) {
		hint = unreadBlocks
	}
	m, at := explain(at, failed, err, hint)
	m.asWarning().addTo(diags, at)
}

// firstError returns the first error of diags, or nil.
func firstError(diags diag.Diagnostics) error {
	for _, d := range diags.Errors() {
		return fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	return nil
}

// addEngineWarnings adds the warnings of the engine: about these shops, about answers of the portal that it ignored, and
// about steps that it could not record.
func addEngineWarnings(engine *rotation.Engine, diags *diag.Diagnostics, shops ...string) {
	for _, w := range engine.Keys.Warnings(shops...) {
		engineWarning(w).addTo(diags, path.Empty())
	}
}

// engineWarning returns the message about a warning of the engine.
func engineWarning(w rotation.Warning) message {
	m := stepNotRecorded()
	switch w.Summary {
	case rotation.ShopChanged:
		m = shopChanged()
	case rotation.AnswerIgnored:
		m = portalAnswerIgnored()
	}
	m.why = w.Detail
	return m
}

// warnOfUnread warns about unreadable shops: each may use any key.
func warnOfUnread(diags *diag.Diagnostics, failures []rotation.ShopFailure) {
	for _, failure := range failures {
		warn(diags, path.Empty(), shopOfKeysNotRead(failure.Shop), failure.Err)
	}
}

// describeLeft describes a shop whose object was destroyed without changing the shop. Another object may take
// the shop over later in the run, so the text promises nothing about that.
func describeLeft(shop string, record rotation.Record, left rotation.Remaining) string {
	text := fmt.Sprintf("The provider left shop %s and its key %s as they are, because deletion_policy is retain. The "+
		"shop takes payments with that key until it gets another one.", shop, record.Username)
	if left.InstalledKey != "" {
		text = fmt.Sprintf("Shop %s holds %s, which another resource of this run has installed. The destroyed resource "+
			"leaves its own key, %s, in the portal. %s", shop, left.InstalledKey, record.Username, replacedKeyDeletion)
	}
	return text + describeOtherKeys(record.MerchantID, left.OtherKeys)
}

// replacedKeyDeletion says what happens to a key that another object has replaced.
const replacedKeyDeletion = "A kustom_mystore_connection or kustom_mystore_fleet that replaced a key deletes it according " +
	"to its replaced_key_policy. A mystore_klarna_checkout_credentials does not delete it."

// describeOtherKeys names the store's other keys that were not deleted; empty if there are none.
func describeOtherKeys(merchantID string, usernames []string) string {
	if len(usernames) == 0 {
		return ""
	}
	return fmt.Sprintf(" This resource also leaves these keys of store %s: %s.", merchantID, enumerate(usernames))
}

// claim records that an object owns a shop, and rejects a shop that two objects have. It does nothing before
// the provider is configured, and while the shop is unknown.
func claim(engine *rotation.Engine, at path.Path, shop types.String, kind string, diags *diag.Diagnostics) {
	if engine == nil || !known(shop) {
		return
	}
	if err := engine.Claim(shop.ValueString(), kind); err != nil {
		report(diags, at, shopInTwoObjects(), err)
	}
}

// inUseBy returns the shops that prevent a key's deletion; nil if the reason is another one.
func inUseBy(err error) []string {
	var held *rotation.KeyInUseError
	if errors.As(err, &held) {
		return held.Shops
	}
	return nil
}

// hasNoExtension reports whether a shop has no Klarna Checkout V3.
func hasNoExtension(err error) bool {
	var missing *mystore.NotInstalledError
	return errors.As(err, &missing)
}

// isWrongStore reports whether a shop would get a key of another store, or was imported as one of another store.
func isWrongStore(err error) bool {
	var wrong *rotation.WrongStoreError
	var imported *rotation.WrongImportError
	return errors.As(err, &wrong) || errors.As(err, &imported)
}

// isShopError reports whether err is about one unreadable shop. Such an error must not block the plan and the switch of
// the others. It is no error of one shop that the provider can reach none: a run that reads nothing must fail.
func isShopError(err error) bool {
	var noToken *noShopTokenError
	if errors.Is(err, context.Canceled) || errors.As(err, &noToken) && noToken.none {
		return false
	}
	var failure *transport.Error
	var step *browser.StepError
	var signIn *mystorepages.SignInError
	return mystore.IsNotShown(err) || errors.As(err, &failure) && failure.API == "mystore" ||
		errors.As(err, &step) && step.Site == mystorepages.Name ||
		errors.As(err, &signIn)
}

// describeCause returns the text of an error for the last paragraph of a message, with the vendor's correlation ID.
func describeCause(err error) string {
	text := "Cause: " + err.Error()
	var failure *transport.Error
	if errors.As(err, &failure) && failure.CorrelationID != "" {
		text += "\nCorrelation ID: " + failure.CorrelationID
	}
	if isPagesError(err) {
		text += "\n\n" + runCheck
	}
	return text
}

// runCheck is the last line of each error that comes from a page.
const runCheck = "Run terraform-provider-kustom check to see what the provider finds on the pages. It changes nothing."

// isPagesError reports whether err can occur only with a vendor's pages.
func isPagesError(err error) bool {
	var noToken *noShopTokenError
	if errors.As(err, &noToken) && noToken.pages {
		return true
	}
	_, ok := advisePages(err)
	return ok && !errors.Is(err, rotation.ErrNoDescriptions)
}

// warnOfPossibleOrphans names keys of a store that a killed run may have left behind. Hint says what else is known about
// them.
func warnOfPossibleOrphans(engine *rotation.Engine, diags *diag.Diagnostics, at path.Path, merchantID string, orphans []kustom.Key, hint string) {
	if len(orphans) == 0 {
		return
	}
	if !engine.Shops.CanAsk(rotation.KeyRef{MerchantID: merchantID}) {
		hint += " The provider can't ask any shop whether it holds one of them."
	}
	which := "keys with this description"
	if !engine.Keys.SupportsDescriptions() {
		which = "keys"
	}
	names := make([]string, 0, len(orphans))
	for _, key := range orphans {
		names = append(names, describeUnused(key))
	}
	unusedKeys(merchantID, which, enumerate(names), hint).addTo(diags, at)
}

// gone names a shop and its deleted key for [shopsTakeNoPayments].
func gone(shop string, plan rotation.Plan) string { return fmt.Sprintf("%s (%s)", shop, plan.Gone) }

// describeUnused describes a key for [unusedKeys], with the latest time of its only use.
func describeUnused(key kustom.Key) string {
	used := ""
	if key.LastUsedAt != nil {
		used = ", last used within " + rotation.FormatDuration(key.LatestUse().Sub(key.CreatedAt))
	}
	return fmt.Sprintf("%s (generated %s%s)", key.Username, key.CreatedAt.Format(time.DateOnly), used)
}
