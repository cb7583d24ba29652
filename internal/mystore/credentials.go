package mystore

import (
	"context"
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

var errNotCredentials = errors.New("the answer is not about the credentials")

var errNoCredentials = errors.New("the shop has Klarna Checkout V3, but its credentials can't be found")

// Credentials reads a shop's credentials. The error is a [*NotInstalledError] where the shop can't
// have any.
func (c *Client) Credentials(ctx context.Context, shop string) (Credentials, error) {
	got, err := transport.Do[document[credentialsAttributes]](ctx, c.client,
		c.request(http.MethodGet, pathCredentials, shop))
	if err != nil {
		return Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", shop, c.diagnose(ctx, shop, err))
	}
	holds, err := credentials(got)
	if err != nil {
		return Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
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
	got, err := transport.Do[document[credentialsAttributes]](ctx, c.client, request)
	if err != nil {
		return Credentials{}, c.diagnose(ctx, shop, err)
	}
	return credentials(got)
}

// diagnose asks a shop that has no credentials whether it has the extension. "Has none" lets a key
// be deleted (I1), so one 404 alone is not believed.
func (c *Client) diagnose(ctx context.Context, shop string, err error) error {
	if !transport.IsStatus(err, http.StatusNotFound) {
		return err
	}
	if _, missing := c.Extension(ctx, shop); missing != nil {
		return missing
	}
	return errors.Join(errNoCredentials, err)
}

// credentials reads an answer. An answer that is about something else says nothing of the shop: to
// take it for "holds none" would let a key be deleted (I1).
func credentials(d document[credentialsAttributes]) (Credentials, error) {
	if d.Data.Type != credentialsType || d.Data.ID != extensionID {
		return Credentials{}, errNotCredentials
	}
	a := d.Data.Attributes
	secret := SecretMissing
	if a.SecretSet {
		secret = SecretSet
	}
	return Credentials{KustomID: value(a.KustomID), Secret: secret, UpdatedAt: value(a.UpdatedAt)}, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
