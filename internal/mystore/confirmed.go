package mystore

import "errors"

// NotConfirmedError says that a shop was given a pair, and that nothing shows whether it has it: the shop's
// page accepted the click, and shows no Kustom ID afterwards. The old key must stay until the new one is seen
// to be used by something else than the provider's own proof.
type NotConfirmedError struct{ Shop string }

// Error implements error.
func (e *NotConfirmedError) Error() string {
	return "shop " + e.Shop + " was given the pair, but its page does not show which Kustom ID it has"
}

// MayHaveWorked tells that the write may have happened.
func (e *NotConfirmedError) MayHaveWorked() bool { return true }

// NotShownError says that a shop has credentials, and that its page does not show whose: it may hold any key
// of its store.
type NotShownError struct{ Shop string }

// Error implements error.
func (e *NotShownError) Error() string {
	return "the page of shop " + e.Shop + " does not show which Kustom ID it has"
}

// IsNotShown tells whether err is a [*NotShownError]. It keeps no shop from getting another key.
func IsNotShown(err error) bool {
	var hidden *NotShownError
	return errors.As(err, &hidden)
}

// IsNotConfirmed tells whether err is a [*NotConfirmedError].
func IsNotConfirmed(err error) bool {
	var unconfirmed *NotConfirmedError
	return errors.As(err, &unconfirmed)
}
