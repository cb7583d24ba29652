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
	// tries is how many keys are made, one after the deletion of the other, to get at one whose
	// secret arrives.
	tries = 3
	// pollInterval is the shortest wait between two looks at a key that is being made.
	pollInterval = 2 * time.Second
	// cleanupTimeout bounds the work that goes on after a cancellation, to leave no key behind.
	cleanupTimeout = 20 * time.Second
)

// Request asks for a new key of a store.
type Request struct {
	MerchantID, Description string
	// IdempotencyKey identifies the request: the portal makes one key for it, however often it is sent. It is
	// empty where nobody will send the request again; then it gets a random one.
	IdempotencyKey string
	// Announce, where it is set, is called with the idempotency key of each request before that is sent.
	Announce func(idempotencyKey string)
}

// ReplayedError says that an earlier request with the same idempotency key made the key. Its secret is lost.
// The key may be in use: whoever deletes it has to make sure first that it is not.
type ReplayedError struct{ Orphan }

// Error implements error.
func (e *ReplayedError) Error() string {
	return fmt.Sprintf("an earlier request made key %s of store %s", e.CredentialID, e.MerchantID)
}

// OrphanError says that a key was, or may have been, made that nobody holds the secret of, and that
// it could not be deleted again (I3). [Portal.Discard] takes it from there.
type OrphanError struct {
	Orphan
	// Cause is why there is no usable key; Cleanup why it could not be deleted.
	Cause, Cleanup error
}

// Orphan is a key to be got rid of.
type Orphan struct {
	MerchantID string
	// CredentialID and Username are empty where they are not known: the request that makes a key
	// was sent, and no answer came.
	CredentialID, Username string
	// Description and IdempotencyKey are what that request was sent with. To send it again shows
	// which key it has made.
	Description, IdempotencyKey string
	// Before has the IDs of the keys that the store had, where the key was asked for in a way that has
	// no idempotency keys: what is there besides shows which key was made. Each ID is between two
	// [Bar]s, and a store that had none is one bar. The time at which nobody waited for the key any more
	// follows (RFC 3339). It is empty where there was an idempotency key.
	Before string
	// Attempted is when the key was last being installed in a shop, without an answer that tells whether it
	// got there; zero where it was not.
	Attempted time.Time
}

// Bar stands around each ID in [Orphan.Before].
const Bar = "|"

// Error implements error.
func (e *OrphanError) Error() string {
	return fmt.Sprintf("an API key of store %s may be left behind: %v", e.MerchantID, e.Cause)
}

// Unwrap returns the causes.
func (e *OrphanError) Unwrap() []error { return []error{e.Cause, e.Cleanup} }

// errNoSecret says that a key became active without its secret having been seen: the one answer
// that held it was lost.
var errNoSecret = errors.New("the key was made, but the answer with its secret was lost")

// errUnnamed says that the answer to a request for a key does not tell which key of the store it made.
var errUnnamed = errors.New("the answer is not about a new key of the store")

// Generate makes a key and returns it with its secret, which nobody can ever read again. Unless it
// does, no key is left behind: what was made is deleted, or the error is an [*OrphanError]. Where the
// request has an idempotency key, and an earlier one made a key with it, the error is a [*ReplayedError].
//
// A cancellation of ctx does not tear the call that makes the key: it is answered first, and then
// either returned or undone.
func (p *Portal) Generate(ctx context.Context, r Request) (NewKey, error) {
	var err error
	for range tries {
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
	return NewKey{}, fmt.Errorf("generating an API key for store %s: %w", r.MerchantID, err)
}

// mayTryAgain tells whether the key that err is about is gone, so that another may take its place.
func mayTryAgain(err error) bool {
	var orphan *OrphanError
	return errors.Is(err, errNoSecret) && !errors.As(err, &orphan)
}

// generateOnce makes one key. After errNoSecret, the key is gone and another may be made.
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
		// The first answer, and the secret with it, was lost on the way.
		return NewKey{}, p.abandon(ctx, intended, errNoSecret)
	}
	if IsLimitReached(err) {
		// The portal compares idempotency keys first: this one has made none.
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
	p.made.Store(key.CredentialID, true)
	intended.CredentialID, intended.Username = key.CredentialID, key.Username
	active, err := p.awaitSecret(ctx, key)
	if err != nil {
		return NewKey{}, p.abandon(ctx, intended, err)
	}
	return active, nil
}

// keyAnswer is the portal's answer about a key that is being made: the key, its secret once it is shown, and
// how long the portal asks to wait for it.
type keyAnswer struct {
	Key
	Secret string `json:"secret"`
	wait   time.Duration
}

// SetRetryAfter implements [transport.Waiter].
func (k *keyAnswer) SetRetryAfter(d time.Duration) { k.wait = d }

// create sends the request that makes a key. One key is intended by it however often it is sent, so
// it has one idempotency key. Its answer is waited for: one with a secret that nobody reads would
// be a key that nobody can use.
func (p *Portal) create(ctx context.Context, intended Orphan) (keyAnswer, error) {
	request := p.request(http.MethodPost, pathStoreKeys, intended.MerchantID)
	request.Body = map[string]string{"description": intended.Description}
	request.IdempotencyKey = intended.IdempotencyKey
	request.FinishOnCancel = true
	return transport.Do[keyAnswer](ctx, p.client, request)
}

// DescribesKeys tells whether a key can be given a description: by the API, it can.
func (p *Portal) DescribesKeys() bool { return true }

// Made tells whether p has made the key itself. Such a key may be on its way into a shop that does
// not hold it yet.
func (p *Portal) Made(credentialID string) bool {
	_, made := p.made.Load(credentialID)
	return made
}

// replayedKey returns the ID of the key that an earlier sending of the same request has made.
func replayedKey(err error) (id string, replayed bool) {
	var failure *transport.Error
	if !transport.IsCode(err, http.StatusConflict, codeReplay) || !errors.As(err, &failure) {
		return "", false
	}
	return failure.Subject, failure.Subject != ""
}

// awaitSecret waits for a key that is being made. The first answer that shows it active is the only
// one with its secret, so its answer, too, is waited for.
func (p *Portal) awaitSecret(ctx context.Context, key keyAnswer) (NewKey, error) {
	for key.Status == StatusPending {
		if key.wait > transport.MaxRetryAfter {
			return NewKey{}, fmt.Errorf("the key is not made yet, and the portal asks to wait %s: not waited for", transport.FormatWait(key.wait))
		}
		if err := p.client.Clock.Sleep(ctx, max(pollInterval, key.wait)); err != nil {
			return NewKey{}, fmt.Errorf("the key is not made yet: %w", err)
		}
		request := p.request(http.MethodGet, pathKey, key.MerchantID, key.CredentialID)
		request.FinishOnCancel = true
		polled, err := transport.Do[keyAnswer](ctx, p.client, request)
		if err != nil {
			return NewKey{}, fmt.Errorf("looking whether the key is made: %w", err)
		}
		if polled.MerchantID != key.MerchantID || polled.CredentialID != key.CredentialID || polled.Username == "" {
			return NewKey{}, fmt.Errorf("looking whether the key is made: %w", errUnnamed)
		}
		key = polled
	}
	if key.Secret == "" {
		return NewKey{}, errNoSecret
	}
	p.client.Redactor.Learn(key.Secret)
	return NewKey{Key: key.Key, Secret: NewSecret(key.Secret)}, nil
}

// abandon discards a key that can't be used, although ctx may be done, and returns cause, or an
// [*OrphanError] when that fails.
func (p *Portal) abandon(ctx context.Context, orphan Orphan, cause error) error {
	ctx, cancel := clock.Detach(ctx, p.client.Clock, cleanupTimeout)
	defer cancel()
	if err := p.Discard(ctx, orphan); err != nil {
		return &OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
	}
	return cause
}

// Discard deletes a key that nobody holds the secret of. Where its ID is not known, [Portal.Identify] finds it
// out first.
func (p *Portal) Discard(ctx context.Context, orphan Orphan) error {
	id := orphan.CredentialID
	if id == "" {
		var err error
		if id, err = p.Identify(ctx, orphan); err != nil {
			return err
		}
	}
	return p.Delete(ctx, orphan.MerchantID, id)
}

// Identify returns the ID of the key that an orphan's request made. It sends the request again: the answer
// tells the ID of the key that it made, then or now.
func (p *Portal) Identify(ctx context.Context, orphan Orphan) (string, error) {
	if orphan.IdempotencyKey == "" {
		return "", fmt.Errorf("deleting an API key of store %s: neither its ID nor how it was asked for is known", orphan.MerchantID)
	}
	key, err := p.create(ctx, orphan)
	replayed, ok := replayedKey(err)
	if err != nil && !ok {
		return "", err
	}
	id := cmp.Or(replayed, key.CredentialID)
	if id == "" {
		return "", fmt.Errorf("deleting an API key of store %s: %w", orphan.MerchantID, errUnnamed)
	}
	return id, nil
}
