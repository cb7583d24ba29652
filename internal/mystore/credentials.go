package mystore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Credentials are the pair that a shop's Klarna Checkout V3 takes payments with, as far as Mystore shows it.
// Mystore never shows the secret.
type Credentials struct {
	// KustomID is the username of a key; empty if none is set.
	KustomID string
	// Secret says whether the shop has a secret.
	Secret SecretState
	// UpdatedAt is Mystore's own timestamp of the last change, as Mystore writes it; empty if there was none.
	// It is only compared.
	UpdatedAt string
	// ReadBack reports that the shop was read again after the write that returned this value.
	ReadBack bool
}

// SecretState says what a shop shows about its secret.
type SecretState int

// Mystore never shows a secret itself. Its API says whether there is one. Its pages may empty the field after
// saving, so an empty field there proves nothing.
const (
	SecretNotShown SecretState = iota
	SecretMissing
	SecretSet
)

type credentialsAttributes struct {
	KustomID  *string `json:"kustom_id"`
	SecretSet bool    `json:"secret_set"`
	UpdatedAt *string `json:"updated_at"`
}

type credentialsWrite struct {
	KustomID     *string `json:"kustom_id"`
	KustomSecret *string `json:"kustom_secret"`
}

// credentialsDocument is an answer about a shop's credentials. An answer about something else is an error. Read
// as "holds no key", it would let the provider delete a key that is in use (I1).
type credentialsDocument document[credentialsAttributes]

// UnmarshalJSON implements json.Unmarshaler.
func (d *credentialsDocument) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, (*document[credentialsAttributes])(d)); err != nil {
		return err
	}
	if d.Data.Type != credentialsType || d.Data.ID != extensionID {
		return errNotCredentials
	}
	return nil
}

var errNotCredentials = errors.New("the answer does not show the credentials")

var errNoCredentials = errors.New("the shop has Klarna Checkout V3, but its credentials can't be found")

// Credentials reads a shop's credentials. The error is a [*NotInstalledError] if the shop can't have any.
func (c *Client) Credentials(ctx context.Context, shop string) (Credentials, error) {
	got, err := transport.Do[credentialsDocument](ctx, c.client, c.request(http.MethodGet, pathCredentials, shop))
	if err != nil {
		return Credentials{}, fmt.Errorf("read the credentials of shop %s: %w", shop, c.diagnose(ctx, shop, err))
	}
	return credentials(got), nil
}

// Install writes a pair to a shop. After an uncertain failure ([transport.IsUncertain]), the pair may have been
// written.
func (c *Client) Install(ctx context.Context, shop, kustomID, kustomSecret string) (Credentials, error) {
	got, err := c.write(ctx, shop, credentialsWrite{KustomID: &kustomID, KustomSecret: &kustomSecret})
	if err != nil {
		return Credentials{}, fmt.Errorf("write the credentials of shop %s: %w", shop, err)
	}
	return got, nil
}

// Clear deletes a shop's credentials. The shop then takes no payments with Klarna Checkout V3. [transport.IsOutdated] holds
// for the error if the request had to wait for so long that the shop may have another key by now.
func (c *Client) Clear(ctx context.Context, shop string) (Credentials, error) {
	got, err := c.write(ctx, shop, credentialsWrite{})
	if err != nil {
		return Credentials{}, fmt.Errorf("clear the credentials of shop %s: %w", shop, err)
	}
	return got, nil
}

// write writes a pair, or clears it, and returns what the shop then has.
func (c *Client) write(ctx context.Context, shop string, write credentialsWrite) (Credentials, error) {
	request := c.request(http.MethodPatch, pathCredentials, shop)
	// An interrupted write may still arrive, and then the shop's state is unknown.
	request.FinishOnCancel = true
	request.Body = document[credentialsWrite]{Data: resource[credentialsWrite]{
		Type: credentialsType, ID: extensionID, Attributes: write,
	}}
	if write.KustomSecret != nil {
		request.Secrets = []string{*write.KustomSecret}
	} else {
		// The caller has just looked whether the shop still has the key that may be cleared.
		request.SendWithin = transport.FreshFor
	}
	got, err := transport.Do[credentialsDocument](ctx, c.client, request)
	if err != nil {
		return Credentials{}, c.diagnose(ctx, shop, err)
	}
	return credentials(got), nil
}

// diagnose asks a shop without credentials whether it has the extension. A shop that holds no key lets the
// provider delete one (I1), so a single 404 is not enough.
func (c *Client) diagnose(ctx context.Context, shop string, err error) error {
	if !transport.IsStatus(err, http.StatusNotFound) {
		return err
	}
	_, unlisted := c.Extension(ctx, shop)
	if missing := (*NotInstalledError)(nil); errors.As(unlisted, &missing) {
		return missing
	}
	return errors.Join(cmp.Or(unlisted, errNoCredentials), err)
}

// credentials reads an answer.
func credentials(d credentialsDocument) Credentials {
	a := d.Data.Attributes
	secret := SecretMissing
	if a.SecretSet {
		secret = SecretSet
	}
	return Credentials{KustomID: value(a.KustomID), Secret: secret, UpdatedAt: value(a.UpdatedAt)}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
