package rotation

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// ErrNoDescriptions says that a description is configured for a key, but the portal's pages support none.
var ErrNoDescriptions = errors.New("the pages of Kustom Portal show no descriptions of keys")

// KeyInUseError says that a key may not be deleted because it is in use: a shop takes payments with it (I1).
type KeyInUseError struct {
	Username string
	// Shops are the shops that hold the key, or may hold it because it has just been written to them.
	Shops []string
	// Unmanaged reports that this run has destroyed the shops' objects and left their credentials unchanged, so no
	// later step of it changes them.
	Unmanaged bool
}

// Error implements error.
func (e *KeyInUseError) Error() string {
	return fmt.Sprintf("%s is still held by %s", e.Username, strings.Join(e.Shops, ", "))
}

// KeyUsageUnknownError says that a key may not be deleted, because it is not known whether a shop uses it (I1).
type KeyUsageUnknownError struct {
	Username string
	// Shops are the unreadable shops that may use the key. It is empty if the provider has no shop to ask.
	Shops []string
	// Cause says why the first of them could not be read.
	Cause error
	// LastHeld reports that one of them had the key when it was last read.
	LastHeld bool
}

// Error implements error.
func (e *KeyUsageUnknownError) Error() string {
	if len(e.Shops) == 0 {
		return fmt.Sprintf("the provider can't ask any shop whether it uses %s", e.Username)
	}
	return fmt.Sprintf("find the shops that hold %s: %s: %v", e.Username, strings.Join(e.Shops, ", "), e.Cause)
}

// Unwrap returns the cause.
func (e *KeyUsageUnknownError) Unwrap() error { return e.Cause }

// KeyTooYoungError says that a key may not be deleted yet: another run may have just created it, and be about to
// install it in a shop (I1).
type KeyTooYoungError struct {
	Username string
	// Until is when the key will be older than [InstallTime].
	Until time.Time
}

// Error implements error.
func (e *KeyTooYoungError) Error() string {
	return fmt.Sprintf("another run may be about to install %s until %s", e.Username, e.Until.Format(time.RFC3339))
}

// KeyStillUsedError says that a key may not be deleted yet: the portal shows that something uses it.
type KeyStillUsedError struct {
	Username  string
	UnusedFor time.Duration
}

// Error implements error.
func (e *KeyStillUsedError) Error() string {
	return fmt.Sprintf("%s was used within the last %s", e.Username, FormatDuration(e.UnusedFor))
}

// KeyStateUnknownError says that a new key may or may not be in a shop, or could not be deleted again. A later
// run must look after it (I3).
type KeyStateUnknownError struct {
	Key kustom.Orphan
	// Cause says why the shop was not connected. Cleanup says why the key was not deleted.
	Cause, Cleanup error
}

// Error implements error.
func (e *KeyStateUnknownError) Error() string {
	return fmt.Sprintf("key %s may be orphaned: %v", e.Key.Username, e.Cause)
}

// Unwrap returns the causes.
func (e *KeyStateUnknownError) Unwrap() []error { return []error{e.Cause, e.Cleanup} }

// KeyNotDeletedError says that the portal still lists a key after its deletion.
type KeyNotDeletedError struct {
	Key   kustom.Orphan
	Cause error
}

// Error implements error.
func (e *KeyNotDeletedError) Error() string {
	text := fmt.Sprintf("Kustom Portal still lists key %s of store %s after its deletion", e.Key.CredentialID, e.Key.MerchantID)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the error of the deletion.
func (e *KeyNotDeletedError) Unwrap() error { return e.Cause }

// Outdated reports that a repetition is of no use: the deletion was tried for as long as reads may lag.
func (e *KeyNotDeletedError) Outdated() bool { return false }

// NotListedError says that the portal does not list a key that this run generated. That proves nothing,
// because lists may be stale.
type NotListedError struct{ MerchantID, CredentialID string }

// Error implements error.
func (e *NotListedError) Error() string {
	return fmt.Sprintf("Kustom Portal does not list the new key %s of store %s yet", e.CredentialID, e.MerchantID)
}

// KeyVanishedError says that somebody else deleted a new key while it was being installed in a shop.
type KeyVanishedError struct{ Shop, Username string }

// Error implements error.
func (e *KeyVanishedError) Error() string {
	return fmt.Sprintf("someone deleted the key %s while the provider installed it in shop %s", e.Username, e.Shop)
}

// StoreNotFoundError says that the portal user can't see the store.
type StoreNotFoundError struct{ MerchantID string }

// Error implements error.
func (e *StoreNotFoundError) Error() string {
	return "the portal user can't see store " + e.MerchantID
}

// WrongStoreError says that a shop would get a key of another store than its current key belongs to. Its
// payments would go to another merchant.
type WrongStoreError struct {
	Shop string
	// Present is the store of the shop's current key, and Wanted the configured one. The texts describe them
	// for the user.
	Present, Wanted string
}

// Error implements error.
func (e *WrongStoreError) Error() string {
	return fmt.Sprintf("shop %s has a key of store %s, but would get one of store %s", e.Shop, e.Present, e.Wanted)
}

// WrongImportError says that a shop was imported with the ID of another store than that of its key.
type WrongImportError struct {
	Shop string
	// Imported is the import's store, and Present that of the shop's current key.
	Imported, Present string
}

// Error implements error.
func (e *WrongImportError) Error() string {
	return fmt.Sprintf("shop %s has a key of store %s, but was imported as one of store %s", e.Shop, e.Present, e.Imported)
}

// MismatchError says that a shop shows something other than what was written to it.
type MismatchError struct{ Shop, Want, Got string }

// Error implements error.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("shop %s shows %q after the provider wrote %q", e.Shop, e.Got, e.Want)
}

// OwnedTwiceError says that two objects of a configuration own the same shop.
type OwnedTwiceError struct{ Shop, First, Second string }

// Error implements error.
func (e *OwnedTwiceError) Error() string {
	return fmt.Sprintf("shop %s is in two objects: a %s and a %s", e.Shop, e.First, e.Second)
}

// isNotInstalled reports whether err says that a shop has no Klarna Checkout V3, and so holds no key.
func isNotInstalled(err error) bool {
	var missing *mystore.NotInstalledError
	return errors.As(err, &missing)
}

func isNoKey(err error) bool {
	var none *kustom.NoKeyError
	return errors.As(err, &none)
}

func isInUse(err error) bool {
	var held *KeyInUseError
	return errors.As(err, &held)
}

func isUsageUnknown(err error) bool {
	var unknown *KeyUsageUnknownError
	return errors.As(err, &unknown)
}
