package mystore

import (
	"errors"
	"strings"
)

// NotConfirmedError says that a pair was written to a shop, but the write could not be verified: the shop's
// page accepted the click and shows no Kustom ID afterwards. Keep the old key until something other than the
// provider's own proof has used the new one.
type NotConfirmedError struct{ Shop string }

// Error implements error.
func (e *NotConfirmedError) Error() string {
	return "shop " + e.Shop + " got the pair, but its page does not show which Kustom ID it has"
}

// MayHaveWorked reports that the write may have happened.
func (e *NotConfirmedError) MayHaveWorked() bool { return true }

// NotShownError says that a shop has credentials, but its page does not show which: the shop may hold any key
// of its store.
type NotShownError struct {
	Shop string
	// Masked is what the shop shows in place of its Kustom ID; empty if it shows nothing.
	Masked string
}

// Error implements error.
func (e *NotShownError) Error() string {
	return "the page of shop " + e.Shop + " does not show which Kustom ID it has"
}

// IsNotShown reports whether err is a [*NotShownError]. A new key may still be installed in such a shop.
func IsNotShown(err error) bool {
	var hidden *NotShownError
	return errors.As(err, &hidden)
}

// IsMasked reports whether a shop shows something in place of a Kustom ID, or of the end of one: which ID the shop has
// is then not known. Read as another ID, it would let the provider delete a key that is in use (I1).
func IsMasked(kustomID string) bool {
	if strings.ContainsAny(kustomID, "*•●∙·…×█") || strings.HasSuffix(kustomID, "..") {
		return true
	}
	const fewest = 3
	end := kustomID[strings.LastIndexAny(kustomID, "-_")+1:]
	return len(end) >= fewest && strings.Trim(end, "xX.") == ""
}

// IsNotConfirmed reports whether err is a [*NotConfirmedError].
func IsNotConfirmed(err error) bool {
	var unconfirmed *NotConfirmedError
	return errors.As(err, &unconfirmed)
}
