package kustom

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Key is an API key of a store. The portal's API calls it a credential.
//
// Kustom Portal shows of a key its username, when it was made, when it was last used, and when it
// expires. What it does not show is optional: it is empty or nil where the way by which the key was read
// does not tell it.
type Key struct {
	// CredentialID is the ID by which the portal's API knows the key. Optional.
	CredentialID string `json:"credential_id"`
	MerchantID   string `json:"merchant_id"`
	Username     string `json:"username"`
	// Description is what a person wrote beside the key. Optional.
	Description *string `json:"description"`
	// Environment is "live" or "test". Optional.
	Environment string `json:"environment"`
	// Host is the API host that the key belongs to. Optional; see [Key.Origin].
	Host string `json:"host"`
	// Status is [StatusPending] or [StatusActive]. Optional: a key that is listed without it is active.
	Status     string     `json:"status"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// ExpiresAt is when the key stops to work; nil where it never does, or where that is not known.
	ExpiresAt *time.Time `json:"expires_at"`
}

// NewKey is a key that has just been generated, with the secret that the portal shows once. A key that is
// listed or read has none.
type NewKey struct {
	Key
	Secret Secret
}

// What becomes of a key: it is being made, and then it is there.
const (
	StatusPending = "PENDING"
	StatusActive  = "ACTIVE"
)

// requestsPerMinute is the most that the provider sends to the portal: 3,000 at once, and 150 a second from then on.
// Kustom documents no limit of its own, and answers 429 where it has one. This one is for a run that goes wrong. A fleet
// of a thousand shops, from the plan to the deleted keys, sends less than 3,000, so it is not slowed.
const requestsPerMinute = 12_000

// Portal is the client of the portal's API. It is safe for concurrent use.
type Portal struct {
	client  *transport.Client
	token   transport.Bearer
	limiter *transport.Limiter
	// made holds the IDs of the keys that were made through this client.
	made sync.Map
}

// NewPortal returns a client that acts as the portal user whose token is given.
func NewPortal(client *transport.Client, token transport.Bearer) *Portal {
	return &Portal{client: client, token: token, limiter: transport.NewCap(requestsPerMinute, client.Clock)}
}

// Ready tells whether there is a token to act with.
func (p *Portal) Ready() error {
	_, err := p.token()
	return err
}

func (p *Portal) request(method, template string, elements ...string) transport.Request {
	return transport.Request{
		Method: method, Template: template, Elements: elements,
		MediaType: transport.JSON, Auth: p.token, Limiter: p.limiter,
	}
}

type keyPage struct {
	Keys       transport.Items[Key] `json:"credentials"`
	NextCursor string               `json:"next_cursor"`
}

func (p keyPage) Content() (items transport.Items[Key], next string) { return p.Keys, p.NextCursor }

// Keys yields the keys of one store or, if merchantID is empty, of all stores that the user can
// see, page by page. It ends with the first error.
func (p *Portal) Keys(ctx context.Context, merchantID string) iter.Seq2[Key, error] {
	query := url.Values{}
	if merchantID != "" {
		query.Set("merchant_id", merchantID)
	}
	return list[keyPage](ctx, p, "API keys", pathKeys, query)
}

// NoKeyError says that a store, which the user can see, has no such key.
type NoKeyError struct{ MerchantID, CredentialID string }

// Error implements error.
func (e *NoKeyError) Error() string {
	return fmt.Sprintf("store %s has no API key %s", e.MerchantID, e.CredentialID)
}

// Key returns a key, or a [*NoKeyError] when there is none.
func (p *Portal) Key(ctx context.Context, merchantID, credentialID string) (Key, error) {
	key, err := transport.Do[Key](ctx, p.client, p.request(http.MethodGet, pathKey, merchantID, credentialID))
	if transport.IsStatus(err, http.StatusNotFound) {
		return p.listed(ctx, merchantID, credentialID)
	}
	if err != nil {
		return Key{}, fmt.Errorf("reading API key %s of store %s: %w", credentialID, merchantID, err)
	}
	if key.MerchantID != merchantID || key.CredentialID != credentialID {
		return Key{}, fmt.Errorf("reading API key %s of store %s: the answer is about another one", credentialID, merchantID)
	}
	return key, nil
}

// listed looks for a key among its store's. A key that is taken for gone is made again, so a 404
// alone is not believed: it is also what a user sees who has lost access to the store.
func (p *Portal) listed(ctx context.Context, merchantID, credentialID string) (Key, error) {
	for key, err := range p.Keys(ctx, merchantID) {
		if err != nil {
			return Key{}, fmt.Errorf("looking for API key %s of store %s: %w", credentialID, merchantID, err)
		}
		if key.CredentialID == credentialID {
			return key, nil
		}
	}
	return Key{}, &NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
}

// Delete deletes a key. It is no error when the key is gone already.
func (p *Portal) Delete(ctx context.Context, merchantID, credentialID string) error {
	request := p.request(http.MethodDelete, pathKey, merchantID, credentialID)
	_, err := transport.Do[transport.None](ctx, p.client, request)
	if transport.IsStatus(err, http.StatusNotFound) {
		err = p.confirmGone(ctx, request)
	}
	if err != nil {
		return fmt.Errorf("deleting API key %s of store %s: %w", credentialID, merchantID, err)
	}
	return nil
}

// confirmGone makes sure that a deletion that was answered 404 has nothing left to delete: a live
// key must not be forgotten (I3).
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
