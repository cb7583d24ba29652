package mystore

import "errors"

// NotConfirmedError says that a pair was written to a shop, but the write could not be verified: the shop's
// page accepted the click and shows no Kustom ID afterwards. Keep the old key until something other than the
// provider's own proof has used the new one.
type NotConfirmedError struct{ Shop string }

// Error implements error.
func (e *NotConfirmedError) Error() string {
	return "shop " + e.Shop + " was given the pair, but its page does not show which Kustom ID it has"
}

// MayHaveWorked reports that the write may have happened.
func (e *NotConfirmedError) MayHaveWorked() bool { return true }

// NotShownError says that a shop has credentials, but its page does not show which: the shop may hold any key
// of its store.
type NotShownError struct{ Shop string }

// Error implements error.
func (e *NotShownError) Error() string {
	return "the page of shop " + e.Shop + " does not show which Kustom ID it has"
}

// IsNotShown reports whether err is a [*NotShownError]. A new key may still be installed in such a shop.
func IsNotShown(err error) bool {
	var hidden *NotShownError
	return errors.As(err, &hidden)
}

// IsNotConfirmed reports whether err is a [*NotConfirmedError].
func IsNotConfirmed(err error) bool {
	var unconfirmed *NotConfirmedError
	return errors.As(err, &unconfirmed)
}
