package kustom

import (
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
	// pollInterval is the wait between two looks at a key that is being made.
	pollInterval = 2 * time.Second
	// cleanupTimeout bounds the work that goes on after a cancellation, to leave no key behind.
	cleanupTimeout = 20 * time.Second
)

// OrphanError says that a key was, or may have been, made that nobody holds the secret of, and that
// it could not be deleted again (I3).
type OrphanError struct {
	MerchantID string
	// CredentialID and Username are empty where they are not known: the request that makes a key
	// was sent, and no answer came.
	CredentialID, Username string
	// Cause is why there is no usable key; Cleanup why it could not be deleted.
	Cause, Cleanup error
}

// Error implements error.
func (e *OrphanError) Error() string {
	return fmt.Sprintf("an API key of store %s may be left behind: %v", e.MerchantID, e.Cause)
}

// Unwrap returns the causes.
func (e *OrphanError) Unwrap() []error { return []error{e.Cause, e.Cleanup} }

// errNoSecret says that a key became active without its secret having been seen: the one answer
// that held it was lost.
var errNoSecret = errors.New("the key was made, but the answer with its secret was lost")

func isNoKey(err error) bool {
	var none *NoKeyError
	return errors.As(err, &none)
}

// Generate makes a key and returns it with its secret, which nobody can ever read again. Unless it
// does, no key is left behind: what was made is deleted, or the error is an [*OrphanError].
//
// A cancellation of ctx does not tear the call that makes the key: it is answered first, and then
// either returned or undone.
func (p *Portal) Generate(ctx context.Context, merchantID, description string) (Key, error) {
	var err error
	for range tries {
		if ctx.Err() != nil {
			return Key{}, ctx.Err()
		}
		var key Key
		key, err = p.generateOnce(ctx, merchantID, description)
		if err == nil {
			return key, nil
		}
		if !mayTryAgain(err) {
			break
		}
	}
	return Key{}, fmt.Errorf("generating an API key for store %s: %w", merchantID, err)
}

// mayTryAgain tells whether the key that err is about is gone, so that another may take its place.
func mayTryAgain(err error) bool {
	var orphan *OrphanError
	return errors.Is(err, errNoSecret) && !errors.As(err, &orphan)
}

// generateOnce makes one key. After errNoSecret, the key is gone and another may be made.
func (p *Portal) generateOnce(ctx context.Context, merchantID, description string) (Key, error) {
	create := p.creation(merchantID, description)
	key, err := transport.Do[Key](ctx, p.client, create)
	if id, replayed := replayedKey(err); replayed {
		// The first answer, and the secret with it, was lost on the way.
		return Key{}, p.discard(ctx, Key{MerchantID: merchantID, CredentialID: id}, errNoSecret)
	}
	if transport.IsUncertain(err) {
		return Key{}, p.settle(ctx, create, err)
	}
	if err != nil {
		return Key{}, err
	}
	if key.Secret != "" {
		return key, nil
	}
	return p.awaitSecret(ctx, key)
}

// creation is the request that makes a key. One key is intended by it however often it is sent, so
// it has one idempotency key. Its answer is waited for: one with a secret that nobody reads would be
// a key that nobody can use.
func (p *Portal) creation(merchantID, description string) transport.Request {
	request := p.request(http.MethodPost, pathStoreKeys, merchantID)
	request.Body = map[string]string{"description": description}
	request.IdempotencyKey = uuid.NewString()
	request.Whole = true
	return request
}

// replayedKey returns the ID of the key that an earlier sending of the same creation has made.
func replayedKey(err error) (id string, replayed bool) {
	var failure *transport.Error
	if !transport.IsCode(err, http.StatusConflict, codeReplay) || !errors.As(err, &failure) {
		return "", false
	}
	return failure.Subject, failure.Subject != ""
}

// settle finds out what became of a creation that got no usable answer, and undoes it.
func (p *Portal) settle(ctx context.Context, create transport.Request, cause error) error {
	orphan := &OrphanError{MerchantID: create.Elements[0], Cause: cause}
	detached, cancel := clock.Detach(ctx, p.client.Clock, cleanupTimeout)
	defer cancel()
	key, err := transport.Do[Key](detached, p.client, create)
	if id, replayed := replayedKey(err); replayed {
		return p.discard(ctx, Key{MerchantID: orphan.MerchantID, CredentialID: id}, errNoSecret)
	}
	if err != nil {
		orphan.Cleanup = err
		return orphan
	}
	// The first sending did not arrive. This one did, and nobody waits for its key any more.
	return p.discard(ctx, key, cause)
}

// awaitSecret waits for a key that is being made. The first answer that shows it active is the only
// one with its secret.
func (p *Portal) awaitSecret(ctx context.Context, key Key) (Key, error) {
	for key.Status == statusPending {
		if err := p.client.Clock.Sleep(ctx, pollInterval); err != nil {
			return Key{}, p.discard(ctx, key, fmt.Errorf("waiting for the key to be made: %w", err))
		}
		polled, err := p.poll(ctx, key)
		if err != nil {
			return Key{}, p.discard(ctx, key, fmt.Errorf("waiting for the key to be made: %w", err))
		}
		key = polled
	}
	if key.Secret == "" {
		return Key{}, p.discard(ctx, key, errNoSecret)
	}
	return key, nil
}

// poll reads a key that is being made. Its answer, too, may be the one with the secret.
func (p *Portal) poll(ctx context.Context, key Key) (Key, error) {
	request := p.request(http.MethodGet, pathKey, key.MerchantID, key.CredentialID)
	request.Whole = true
	return transport.Do[Key](ctx, p.client, request)
}

// discard deletes a key that can't be used and returns cause, or an [*OrphanError] when the key
// could not be deleted.
func (p *Portal) discard(ctx context.Context, key Key, cause error) error {
	ctx, cancel := clock.Detach(ctx, p.client.Clock, cleanupTimeout)
	defer cancel()
	err := p.Delete(ctx, key.MerchantID, key.CredentialID)
	if err == nil {
		return cause
	}
	return &OrphanError{
		MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username,
		Cause: cause, Cleanup: err,
	}
}
