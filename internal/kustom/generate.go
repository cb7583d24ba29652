package kustom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	// maxAttempts is how many keys Generate generates, each after the deletion of the one before, to get a key whose secret
	// arrives.
	maxAttempts = 3
	// pollInterval is the shortest wait between two reads of a pending key.
	pollInterval = 2 * time.Second
	// cleanupTimeout bounds the cleanup after a cancellation, which deletes the unfinished key.
	cleanupTimeout = 20 * time.Second
)

// Request asks for a new key of a store.
type Request struct {
	MerchantID, Description string
	// IdempotencyKey identifies the request: the portal generates one key for it, however often it is sent. Leave
	// it empty if no later run can send the request again; the request then gets a random one.
	IdempotencyKey string
	// Announce, if set, is called with the idempotency key before each request is sent.
	Announce func(idempotencyKey string)
}

// ReplayedError says that an earlier request with the same idempotency key generated the key. Its secret is lost.
// The key may be in use: check that before you delete it.
type ReplayedError struct{ Orphan }

// Error implements error.
func (e *ReplayedError) Error() string {
	return fmt.Sprintf("an earlier request generated key %s of store %s", e.CredentialID, e.MerchantID)
}

// OrphanError says that an orphaned key exists or may exist: nobody has its secret, and deleting it failed
// (I3). Pass its Orphan to [Portal.DeleteOrphan] to try again.
type OrphanError struct {
	Orphan
	// Cause says why there is no usable key. Cleanup says why it could not be deleted.
	Cause, Cleanup error
}

// Orphan is a key, or a possible key, whose secret is lost.
type Orphan struct {
	MerchantID string
	// CredentialID and Username are empty if they are unknown: the request for the key was sent, and no answer
	// came.
	CredentialID, Username string
	// Description and IdempotencyKey are those of the request. Sending it again shows which key it generated.
	Description, IdempotencyKey string
	// Before has the IDs of the store's keys before the request, if the request had no idempotency key.
	// Comparing them with the keys of today shows which key was generated. Each ID stands between two [Bar]s; a
	// store without keys is one bar. The time at which the provider stopped waiting for the key follows (RFC
	// 3339). Before is empty if there was an idempotency key.
	Before string
	// Attempted is the time of the last installation in a shop whose outcome is unknown; zero if there was
	// none.
	Attempted time.Time
}

// Bar stands around each ID in [Orphan.Before].
const Bar = "|"

// Error implements error.
func (e *OrphanError) Error() string {
	return fmt.Sprintf("an API key of store %s may be orphaned: %v", e.MerchantID, e.Cause)
}

// Unwrap returns the causes.
func (e *OrphanError) Unwrap() []error { return []error{e.Cause, e.Cleanup} }

// errNoSecret says that a key became active, but the one answer with its secret was lost.
var errNoSecret = errors.New("the portal generated the key, but the answer with its secret was lost")

// errUnnamed says that the answer does not identify the key that the request generated.
var errUnnamed = errors.New("the answer shows no new key of the store")

// Generate generates a key and returns it with its secret. The portal never shows the secret again. If Generate
// fails, it deletes the key that it generated, or returns an [*OrphanError]. If the request has an idempotency key
// and an earlier request generated a key with it, the error is a [*ReplayedError].
//
// Cancelling ctx does not interrupt the request that generates the key. Generate waits for its answer, and then
// returns the key or deletes it.
func (p *Portal) Generate(ctx context.Context, r Request) (NewKey, error) {
	var err error
	for range maxAttempts {
		if ctx.Err() != nil {
			return NewKey{}, ctx.Err()
		}
		var key NewKey
		key, err = p.generateOnce(ctx, r)
		if err == nil {
			return key, nil
		}
		if r.IdempotencyKey != "" || !mayTryAgain(err) {
			break
		}
	}
	return NewKey{}, fmt.Errorf("generate an API key for store %s: %w", r.MerchantID, err)
}

// mayTryAgain reports whether the key of the failed attempt is deleted, so that another may be generated.
func mayTryAgain(err error) bool {
	var orphan *OrphanError
	return errors.Is(err, errNoSecret) && !errors.As(err, &orphan)
}

// generateOnce generates one key. If the error is errNoSecret, the key is deleted and another may be generated.
func (p *Portal) generateOnce(ctx context.Context, r Request) (NewKey, error) {
	intended := Orphan{MerchantID: r.MerchantID, Description: r.Description, IdempotencyKey: cmp.Or(r.IdempotencyKey, uuid.NewString())}
	if r.Announce != nil {
		r.Announce(intended.IdempotencyKey)
	}
	key, err := p.create(ctx, intended)
	if id, replayed := replayedKey(err); replayed {
		intended.CredentialID = id
		if r.IdempotencyKey != "" {
			return NewKey{}, &ReplayedError{Orphan: intended}
		}
		// The first answer was lost, and the secret with it.
		return NewKey{}, p.abandon(ctx, intended, errNoSecret)
	}
	if IsLimitReached(err) {
		// The portal compares idempotency keys before it counts keys, so this request generated no key.
		return NewKey{}, err
	}
	if transport.IsUncertain(err) {
		return NewKey{}, p.abandon(ctx, intended, err)
	}
	if err != nil {
		return NewKey{}, err
	}
	if key.MerchantID != r.MerchantID || key.CredentialID == "" || key.Username == "" {
		return NewKey{}, p.abandon(ctx, intended, errUnnamed)
	}
	p.generated.Store(key.CredentialID, true)
	intended.CredentialID, intended.Username = key.CredentialID, key.Username
	active, err := p.awaitSecret(ctx, key)
	if err != nil {
		return NewKey{}, p.abandon(ctx, intended, err)
	}
	return active, nil
}

// keyAnswer is the portal's answer about a pending key: the key, its secret once the portal shows it, and the
// requested wait.
type keyAnswer struct {
	Key
	Secret string `json:"secret"`
	wait   time.Duration
}

// SetRetryAfter implements [transport.Waiter].
func (k *keyAnswer) SetRetryAfter(d time.Duration) { k.wait = d }

// create sends the request that generates a key. It uses the same idempotency key each time, so only one key is
// generated. It waits for the answer even if ctx is cancelled: the answer may hold the secret, which is shown once.
func (p *Portal) create(ctx context.Context, intended Orphan) (keyAnswer, error) {
	request := p.request(http.MethodPost, pathStoreKeys, intended.MerchantID)
	request.Body = map[string]string{"description": intended.Description}
	request.IdempotencyKey = intended.IdempotencyKey
	request.FinishOnCancel = true
	return transport.Do[keyAnswer](ctx, p.client, request)
}

// SupportsDescriptions reports whether a key can have a description. The API supports it.
func (p *Portal) SupportsDescriptions() bool { return true }

// Generated reports whether p generated the key. Such a key may be about to be installed in a shop.
func (p *Portal) Generated(credentialID string) bool {
	_, ok := p.generated.Load(credentialID)
	return ok
}

// replayedKey returns the ID of the key that an earlier copy of the same request generated.
func replayedKey(err error) (id string, replayed bool) {
	var failure *transport.Error
	if !transport.IsCode(err, http.StatusConflict, codeReplay) || !errors.As(err, &failure) {
		return "", false
	}
	return failure.Subject, failure.Subject != ""
}

// awaitSecret waits for a pending key. Only the first answer that shows the key active has its secret, so
// awaitSecret waits for each answer even if ctx is cancelled.
func (p *Portal) awaitSecret(ctx context.Context, key keyAnswer) (NewKey, error) {
	for key.Status == StatusPending {
		if key.wait > transport.MaxRetryAfter {
			return NewKey{}, fmt.Errorf("the portal has not generated the key yet and asked to wait %s, but the provider "+
				"did not wait", transport.FormatWait(key.wait))
		}
		if err := p.client.Clock.Sleep(ctx, max(pollInterval, key.wait)); err != nil {
			return NewKey{}, fmt.Errorf("the portal has not generated the key yet: %w", err)
		}
		request := p.request(http.MethodGet, pathKey, key.MerchantID, key.CredentialID)
		request.FinishOnCancel = true
		polled, err := transport.Do[keyAnswer](ctx, p.client, request)
		if err != nil {
			return NewKey{}, fmt.Errorf("check whether the key is generated: %w", err)
		}
		if polled.MerchantID != key.MerchantID || polled.CredentialID != key.CredentialID || polled.Username == "" {
			return NewKey{}, fmt.Errorf("check whether the key is generated: %w", errUnnamed)
		}
		key = polled
	}
	if key.Secret == "" {
		return NewKey{}, errNoSecret
	}
	p.client.Redactor.AddSecrets(key.Secret)
	return NewKey{Key: key.Key, Secret: NewSecret(key.Secret)}, nil
}

// abandon discards an unusable key, even if ctx is done. It returns cause, or an [*OrphanError] if the deletion
// fails.
func (p *Portal) abandon(ctx context.Context, orphan Orphan, cause error) error {
	ctx, cancel := clock.Detach(ctx, p.client.Clock, cleanupTimeout)
	defer cancel()
	if err := p.DeleteOrphan(ctx, orphan); err != nil {
		return &OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
	}
	return cause
}

// DeleteOrphan deletes an orphaned key. If its ID is unknown, [Portal.Identify] finds it first.
func (p *Portal) DeleteOrphan(ctx context.Context, orphan Orphan) error {
	id := orphan.CredentialID
	if id == "" {
		var err error
		if id, err = p.Identify(ctx, orphan); err != nil {
			return err
		}
	}
	return p.Delete(ctx, orphan.MerchantID, id)
}

// Identify returns the ID of the key that an orphan's request generated. It sends the request again. The answer has
// the ID of the key that was generated, then or now.
func (p *Portal) Identify(ctx context.Context, orphan Orphan) (string, error) {
	if orphan.IdempotencyKey == "" {
		return "", fmt.Errorf("delete an API key of store %s: neither its ID nor its idempotency key is known", orphan.MerchantID)
	}
	key, err := p.create(ctx, orphan)
	replayed, ok := replayedKey(err)
	if err != nil && !ok {
		return "", err
	}
	id := cmp.Or(replayed, key.CredentialID)
	if id == "" {
		return "", fmt.Errorf("delete an API key of store %s: %w", orphan.MerchantID, errUnnamed)
	}
	return id, nil
}
