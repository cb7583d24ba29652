package rotation

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// This file validates the portal's answers. A portal, or a proxy in front of it, can ignore a filter, mix up stores
// or return a secret in another field.

var usernamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// SecretAsID stands for a username that has the form of a secret: people enter one in the field of the other. The
// secret itself is dropped (I2).
const SecretAsID = "(a secret)"

// redactSecret returns text, or [SecretAsID] if text has the form of a secret.
func redactSecret(text string) string {
	if kustom.MayHoldSecret(text) {
		return SecretAsID
	}
	return text
}

// redactKey removes secrets from the free-text fields of a key.
func redactKey(key kustom.Key) kustom.Key {
	key.Host = redactSecret(key.Host)
	key.CreatedBy = redactSecret(key.CreatedBy)
	if key.Description != nil {
		description := redactSecret(*key.Description)
		key.Description = &description
	}
	return key
}

// checkKey returns why a listed key does not belong to the store, or nil. An empty merchantID accepts every store.
func checkKey(key kustom.Key, merchantID string) error {
	switch {
	case key.MerchantID == "" || key.CredentialID == "" || key.Username == "":
		return errors.New("it has no merchant ID, ID or username")
	case kustom.MayHoldSecret(key.MerchantID + " " + key.CredentialID + " " + key.Username):
		return errors.New("its ID or username has the form of a secret")
	case !usernamePattern.MatchString(key.Username):
		return errors.New("its username is malformed")
	case strings.ContainsAny(key.CredentialID, "/ \t\r\n"):
		return errors.New("its ID is malformed")
	case merchantID != "" && key.MerchantID != merchantID:
		return fmt.Errorf("it belongs to store %s, but the request was for store %s", redactSecret(key.MerchantID), merchantID)
	}
	if store, ok := kustom.StoreOf(key.Username); ok && store != key.MerchantID {
		return fmt.Errorf("it is listed for store %s, but its username %s belongs to store %s", key.MerchantID, key.Username, store)
	}
	return nil
}

// checkNewKey returns why an answer does not fit the request for a key, or nil.
func checkNewKey(key kustom.NewKey, r kustom.Request) error {
	if err := checkKey(key.Key, r.MerchantID); err != nil {
		return fmt.Errorf("the answer does not fit the request: %w", err)
	}
	switch {
	case kustom.IsLegacyHost(key.Host):
		return errors.New("the answer does not fit the request: the new key belongs to Klarna's host")
	case kustom.MayHoldSecret(key.Host) || key.Description != nil && kustom.MayHoldSecret(*key.Description):
		return errors.New("the answer does not fit the request: it has a secret in the field of a host or description")
	case key.Description != nil && r.Description != "" && *key.Description != r.Description:
		return errors.New("the answer does not fit the request: it shows a key with another description")
	case kustom.KindOf(key.Secret.Reveal()) != kustom.SecretKustom:
		return errors.New("the answer does not fit the request: its secret is malformed")
	}
	return nil
}
