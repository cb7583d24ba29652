package provider

import (
	"errors"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// TestPageErrors_NameCheck expects the errors of pages to name the check as the next command.
func TestPageErrors_NameCheck(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&browser.StepError{Site: portalpages.Name, Kind: browser.NotFound}, &browser.StepError{Kind: browser.SignedOut},
		&noSessionError{site: "shop x"}, &portalpages.NoStoreError{MerchantID: "M00412871"}, &mystore.NotShownError{Shop: "x"},
		&browser.MissingError{}, &browser.StartError{Executable: "chromium", Cause: errors.New("exit status 1")}, &noShopTokenError{shop: "x", pages: true},
		&otherHostError{}, &browser.NotPrivateError{Reason: errors.New("mode")},
		&browser.SealError{Cause: errors.New("locked")},
	} {
		if text := describeCause(err); !strings.HasSuffix(text, "\n\n"+runCheck) {
			t.Errorf("%T ends with %q", err, text)
		}
	}
	for _, err := range []error{errors.New("other"), rotation.ErrNoDescriptions, &noShopTokenError{shop: "x"}} {
		if text := describeCause(err); strings.Contains(text, runCheck) {
			t.Errorf("%v ends with %q", err, text)
		}
	}
}
