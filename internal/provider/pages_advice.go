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

// isPortalPagesError reports whether err comes from Kustom Portal's pages.
func isPortalPagesError(err error) bool {
	var step *browser.StepError
	var noStore *portalpages.NoStoreError
	var noAccess *portalpages.NoAccessError
	var noSession *noSessionError
	return errors.As(err, &noStore) || errors.As(err, &noAccess) ||
		errors.As(err, &step) && step.Site == portalpages.Name ||
		errors.As(err, &noSession) && noSession.site == portalpages.Name
}

// advisePages advises on errors that only the vendors' pages can cause.
func advisePages(err error) (message, bool) {
	for _, try := range []func(error) (message, bool){adviseSession, adviseAccess, adviseBrowser, adviseStep} {
		if m, ok := try(err); ok {
			return m, true
		}
	}
	return message{}, false
}

// adviseSession advises on a missing or expired session of the browser.
func adviseSession(err error) (message, bool) {
	var notPrivate *browser.NotPrivateError
	if errors.As(err, &notPrivate) {
		return sessionNotPrivate(notPrivate.Path), true
	}
	var sealed *browser.SealError
	if errors.As(err, &sealed) {
		return sessionSealed(sealed.Path), true
	}
	var noSession *noSessionError
	if errors.As(err, &noSession) {
		return sessionMissing(noSession.site, noSession.command, noSession.variable), true
	}
	var otherHost *otherHostError
	if errors.As(err, &otherHost) {
		return sessionOfAnotherHost(otherHost.site, otherHost.got, otherHost.want), true
	}
	var signIn *mystorepages.SignInError
	if errors.As(err, &signIn) {
		return loginRefused(signIn.Shop), true
	}
	return message{}, false
}

// adviseAccess advises on the signed-in user's rights.
func adviseAccess(err error) (message, bool) {
	var noStore *portalpages.NoStoreError
	var noAccess *portalpages.NoAccessError
	var unexplained *portalpages.UnexplainedError
	var notConfirmed *mystore.NotConfirmedError
	var notShown *mystore.NotShownError
	switch {
	case errors.Is(err, rotation.ErrNoDescriptions):
		return descriptionOnPages(), true
	case errors.As(err, &noAccess):
		return noAccessToKeys(), true
	case errors.As(err, &unexplained):
		return unexplainedKeys(unexplained.MerchantID, strings.Join(unexplained.Usernames, ", ")), true
	case errors.As(err, &notConfirmed):
		return credentialsNotShown(notConfirmed.Shop), true
	case errors.As(err, &notShown):
		return idNotShown(notShown.Shop), true
	case errors.As(err, &noStore):
		return storeNotOffered(noStore.MerchantID), true
	}
	return message{}, false
}

// adviseBrowser advises on the browser itself.
func adviseBrowser(err error) (message, bool) {
	var failed *browser.StartError
	if errors.As(err, &failed) && !errors.Is(err, context.Canceled) {
		return browserNotStarted(failed.Executable), true
	}
	var missing *browser.MissingError
	if errors.As(err, &missing) {
		return browserMissing(), true
	}
	return message{}, false
}

// adviseStep advises on a failed step on a page.
func adviseStep(err error) (message, bool) {
	var failed *browser.StepError
	if !errors.As(err, &failed) {
		return message{}, false
	}
	s := step{site: failed.Site, page: failed.Page, doing: failed.Step, fate: outcomeText(failed)}
	switch failed.Kind {
	case browser.SignedOut:
		if !failed.Uncertain {
			s.fate = ""
		}
		return signedOut(s.site, s.fate), true
	case browser.Elsewhere:
		return ledElsewhere(s, failed.Message), true
	case browser.Stopped:
		if !errors.Is(err, browser.ErrStopped) {
			return nobodyAsked(s), true
		}
		return stoppedByPerson(s), true
	case browser.Outdated:
		return answersTooSlow(s), true
	case browser.Died:
		return browserEnded(s), true
	case browser.NoPage:
		return pageNotLoaded(s), true
	case browser.Unsettled:
		return pageUnsettled(s, failed.What, pictureText(failed)), true
	case browser.Unclickable:
		return elementUnclickable(s, clickFailure(failed), pictureText(failed)), true
	case browser.NotFound:
	}
	return pageDiffers(s, pictureText(failed), lookedFor(failed)), true
}

// clickFailure says why an element could not be clicked.
func clickFailure(step *browser.StepError) string {
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

// outcomeText says whether a failed step may have happened.
func outcomeText(step *browser.StepError) string {
	switch {
	case step.Uncertain:
		return " The click may still have worked. The next run checks that."
	case step.Changing:
		return " This step changed nothing."
	}
	return " Nothing was changed."
}

// pictureText names the page's picture, or says how to get one.
func pictureText(step *browser.StepError) string {
	if step.Picture == "" {
		return noPicture
	}
	return "A picture of it is in " + step.Picture + "."
}

// howToTeach says how to show the provider where an element is.
const howToTeach = "run terraform-provider-kustom check --teach, and use the file that it writes as browser.profile."

// labelsOf returns the labels of elements in the form of the configuration.
func labelsOf(site string, targets []browser.Target) []string {
	var labels []string
	for _, target := range targets {
		labels = append(labels, site+"."+target.Label)
	}
	return labels
}

// lookedFor names the missing elements and similar ones, and says whether other words can help.
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
	text := "What is missing or different:\n\n" + strings.Join(lines, "\n")
	if len(step.Nearest) > 0 {
		text += fmt.Sprintf("\n\nThe nearest names on the page: %q.", step.Nearest)
	}
	if len(step.Unfit) > 0 {
		text += fmt.Sprintf("\n\n"+
			"The profile %s describes %s, but nothing on the page matches the description any more. To describe it "+
			"again, %s",
			step.Profile, strings.Join(labelsOf(site, step.Unfit), ", "), howToTeach)
	}
	if step.Structure || len(labels) == 0 {
		return text + "\n\n" +
			"The page is built differently than the provider expects, so another word in browser.labels does not help. " +
			"To show where it is, " + howToTeach + " Report it, too."
	}
	return text + fmt.Sprintf("\n\nIf the page has it under another name, set that name in the provider's configuration, such as browser { labels = { %q = \"…\" } }. "+
		"If that does not help, %s", labels[0], howToTeach)
}
