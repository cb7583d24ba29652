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

// Credentials are what a shop's Klarna Checkout V3 takes payments with, as far as Mystore shows
// them: it never shows the secret.
type Credentials struct {
	// KustomID is the username of a key, empty when none is set.
	KustomID string
	// Secret tells whether there is a secret.
	Secret SecretState
	// UpdatedAt is Mystore's own mark of the last change, as it writes it; empty when there was
	// none. It is compared, never computed with.
	UpdatedAt string
	// ReadBack says, of what a write returns, that the shop was read for it after the write.
	ReadBack bool
}

// SecretState is what a shop shows of its secret.
type SecretState int

// A secret is never shown itself. Mystore's API tells whether there is one; its pages may empty the field after
// saving, so an empty field there tells nothing.
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

// credentialsDocument is an answer about a shop's credentials. One that is about something else can't be read: it says
// nothing of the shop, and to take it for "holds none" would let a key be deleted (I1).
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

var errNotCredentials = errors.New("the answer is not about the credentials")

var errNoCredentials = errors.New("the shop has Klarna Checkout V3, but its credentials can't be found")

// Credentials reads a shop's credentials. The error is a [*NotInstalledError] where the shop can't
// have any.
func (c *Client) Credentials(ctx context.Context, shop string) (Credentials, error) {
	got, err := transport.Do[credentialsDocument](ctx, c.client, c.request(http.MethodGet, pathCredentials, shop))
	if err != nil {
		return Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", shop, c.diagnose(ctx, shop, err))
	}
	return credentials(got), nil
}

// Install writes a pair into a shop. After a failure that is uncertain ([transport.IsUncertain])
// it may have been written.
func (c *Client) Install(ctx context.Context, shop, kustomID, kustomSecret string) (Credentials, error) {
	got, err := c.write(ctx, shop, credentialsWrite{KustomID: &kustomID, KustomSecret: &kustomSecret})
	if err != nil {
		return Credentials{}, fmt.Errorf("writing the credentials of shop %s: %w", shop, err)
	}
	return got, nil
}

// Clear empties a shop's credentials: it takes no more payments by Klarna Checkout V3.
func (c *Client) Clear(ctx context.Context, shop string) (Credentials, error) {
	got, err := c.write(ctx, shop, credentialsWrite{})
	if err != nil {
		return Credentials{}, fmt.Errorf("clearing the credentials of shop %s: %w", shop, err)
	}
	return got, nil
}

func (c *Client) write(ctx context.Context, shop string, write credentialsWrite) (Credentials, error) {
	request := c.request(http.MethodPatch, pathCredentials, shop)
	// A write that is torn may still arrive, and nobody could tell what the shop holds.
	request.FinishOnCancel = true
	request.Body = document[credentialsWrite]{Data: resource[credentialsWrite]{
		Type: credentialsType, ID: extensionID, Attributes: write,
	}}
	if write.KustomSecret != nil {
		request.Secrets = []string{*write.KustomSecret}
	}
	got, err := transport.Do[credentialsDocument](ctx, c.client, request)
	if err != nil {
		return Credentials{}, c.diagnose(ctx, shop, err)
	}
	return credentials(got), nil
}

// diagnose asks a shop that has no credentials whether it has the extension. "Has none" lets a key
// be deleted (I1), so one 404 alone is not believed.
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
