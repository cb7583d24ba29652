package kustom

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Key is an API key of a store. The portal's API calls it a credential.
//
// Kustom Portal shows a key's username, and when it was created, last used, and expires. Other fields are
// optional: they are empty or nil if the API or page that the key was read from does not show them.
type Key struct {
	// CredentialID is the key's ID in the portal's API. Optional.
	CredentialID string `json:"credential_id"`
	MerchantID   string `json:"merchant_id"`
	Username     string `json:"username"`
	// Description is the user's text for the key. Optional.
	Description *string `json:"description"`
	// Environment is "live" or "test". Optional.
	Environment string `json:"environment"`
	// Host is the API host that the key belongs to. Optional; see [Key.Origin].
	Host string `json:"host"`
	// Status is [StatusPending] or [StatusActive]. Optional: a key listed without a status is active.
	Status     string     `json:"status"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// ExpiresAt is when the key expires; nil if it never does, or if that is unknown.
	ExpiresAt *time.Time `json:"expires_at"`
	// Precision is how much later than CreatedAt and LastUsedAt the true times may be: a page shows minutes, or
	// only the day.
	Precision time.Duration `json:"-"`
}

// LatestCreation returns the latest time at which the key can have been created; zero if that is unknown.
func (k Key) LatestCreation() time.Time {
	if k.CreatedAt.IsZero() {
		return time.Time{}
	}
	return k.CreatedAt.Add(k.Precision)
}

// LatestUse returns the latest time at which the key can last have been used. For an unused key, that is the
// latest time of its creation. It is zero if the portal shows neither.
func (k Key) LatestUse() time.Time {
	if k.LastUsedAt != nil && k.LastUsedAt.After(k.CreatedAt) {
		return k.LastUsedAt.Add(k.Precision)
	}
	return k.LatestCreation()
}

// NewKey is a newly generated key with its secret. The portal shows the secret once, so a key that is listed or
// read has none.
type NewKey struct {
	Key
	Secret Secret
}

// The statuses of a key.
const (
	StatusPending = "PENDING"
	StatusActive  = "ACTIVE"
)

type keyPage struct {
	Keys       transport.Items[Key] `json:"credentials"`
	NextCursor string               `json:"next_cursor"`
}

func (p keyPage) Content() (items transport.Items[Key], next string) { return p.Keys, p.NextCursor }

// Keys yields the keys of one store, page by page. If merchantID is empty, it yields the keys of all stores
// that the user can see. Iteration ends at the first error.
func (p *Portal) Keys(ctx context.Context, merchantID string) iter.Seq2[Key, error] {
	query := url.Values{}
	if merchantID != "" {
		query.Set("merchant_id", merchantID)
	}
	return list[keyPage](ctx, p, "API keys", pathKeys, query)
}

// NoKeyError says that a store that the user can see has no such key.
type NoKeyError struct{ MerchantID, CredentialID string }

// Error implements error.
func (e *NoKeyError) Error() string {
	return fmt.Sprintf("store %s has no API key %s", e.MerchantID, e.CredentialID)
}

// Key returns a key, or a [*NoKeyError] if there is none.
func (p *Portal) Key(ctx context.Context, merchantID, credentialID string) (Key, error) {
	key, err := transport.Do[Key](ctx, p.client, p.request(http.MethodGet, pathKey, merchantID, credentialID))
	if transport.IsStatus(err, http.StatusNotFound) {
		return p.listed(ctx, merchantID, credentialID)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read API key %s of store %s: %w", credentialID, merchantID, err)
	}
	if key.MerchantID != merchantID || key.CredentialID != credentialID {
		return Key{}, fmt.Errorf("read API key %s of store %s: the answer is about another key", credentialID, merchantID)
	}
	return key, nil
}

// listed looks for a key in its store's list. A 404 alone does not prove that the key is deleted: a user who
// has lost access to the store gets one too. The provider replaces a deleted key, so it must be sure.
func (p *Portal) listed(ctx context.Context, merchantID, credentialID string) (Key, error) {
	for key, err := range p.Keys(ctx, merchantID) {
		if err != nil {
			return Key{}, fmt.Errorf("look for API key %s of store %s: %w", credentialID, merchantID, err)
		}
		if key.CredentialID == credentialID {
			return key, nil
		}
	}
	return Key{}, &NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
}

// Delete deletes a key. Deleting a key that is already gone is no error. [transport.IsOutdated] holds for the error if the
// request had to wait for so long that somebody may use the key by now.
func (p *Portal) Delete(ctx context.Context, merchantID, credentialID string) error {
	request := p.request(http.MethodDelete, pathKey, merchantID, credentialID)
	// The caller has just looked whether the key is in use.
	request.SendWithin = transport.FreshFor
	_, err := transport.Do[transport.None](ctx, p.client, request)
	// A key that p has generated can't be gone before its first deletion: the server that answered may not have it yet.
	if transport.IsStatus(err, http.StatusNotFound) && (transport.IsUncertain(err) || !p.Generated(credentialID)) {
		err = p.confirmGone(ctx, request)
	}
	if err != nil {
		return fmt.Errorf("delete API key %s of store %s: %w", credentialID, merchantID, err)
	}
	return nil
}

// confirmGone checks that a key is gone after its deletion was answered 404. The provider must not forget a
// live key (I3).
func (p *Portal) confirmGone(ctx context.Context, deletion transport.Request) error {
	_, err := p.listed(ctx, deletion.Elements[0], deletion.Elements[1])
	if isNoKey(err) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = transport.Do[transport.None](ctx, p.client, deletion)
	return err
}

func isNoKey(err error) bool {
	var none *NoKeyError
	return errors.As(err, &none)
}
