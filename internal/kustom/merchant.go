package kustom

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Merchant is the client of the merchant API. It is safe for concurrent use.
type Merchant struct {
	client *transport.Client
	// turn is held by the call that checks whether the server is the merchant API.
	turn *semaphore.Weighted
	// genuine says that the server has rejected invented credentials. Only the holder of turn may use it.
	genuine bool
}

// NewMerchant returns a client of the merchant API.
func NewMerchant(client *transport.Client) *Merchant {
	return &Merchant{client: client, turn: semaphore.NewWeighted(1)}
}

// ProofError says why the provider could not prove that a username and secret work.
type ProofError struct {
	Username string
	Verdict  Verdict
	Cause    error
}

// Verdict is the outcome of a proof.
type Verdict string

// The verdicts.
const (
	// VerdictRefused: the merchant API rejected the pair.
	VerdictRefused Verdict = "refused"
	// VerdictNoProduct: the pair works, but the store's contract lacks Kustom Checkout. The cause has Kustom's
	// explanation.
	VerdictNoProduct Verdict = "no contract for Kustom Checkout"
	// VerdictFirewall: a firewall in front of the API blocked this machine's region before the API saw the
	// pair.
	VerdictFirewall Verdict = "region firewall"
	// VerdictImpostor: the server does not reject invented credentials, so its answers prove nothing. The cause is an
	// [*ImpostorError].
	VerdictImpostor Verdict = "not the merchant API"
	// VerdictUnknown: the answer was inconclusive, or there was none.
	VerdictUnknown Verdict = "unknown"
)

// verdictAccepted is the verdict on a pair that works. No [ProofError] has it.
const verdictAccepted Verdict = "accepted"

// Error implements error.
func (e *ProofError) Error() string {
	return fmt.Sprintf("prove %s at the merchant API: %s: %v", e.Username, e.Verdict, e.Cause)
}

// Unwrap returns the cause.
func (e *ProofError) Unwrap() error { return e.Cause }

// ImpostorError says that the server at the merchant API's address did not reject invented credentials.
type ImpostorError struct {
	// Host is the merchant API's expected host.
	Host string
	// Status is the HTTP status of the answer; 0 if it was a success.
	Status int
	// Body says what the answer's body was, and MediaType its media type; empty if it had none.
	Body      transport.BodyKind
	MediaType string
}

// Error implements error.
func (e *ImpostorError) Error() string {
	if e.Status == 0 {
		return e.Host + " answered an invented username and secret with a success, and not with 401"
	}
	text := fmt.Sprintf("%s answered an invented username and secret with %d %s, and not with 401", e.Host, e.Status, http.StatusText(e.Status))
	switch {
	case e.MediaType != "":
		text += " (" + e.MediaType + ")"
	case e.Body != "":
		text += " (body: " + string(e.Body) + ")"
	}
	return text
}

var errUnexpectedOrder = errors.New("the merchant API returned an order that does not exist")

// Prove asks the merchant API once for an order that does not exist. Only a working pair gets a 404 with an
// empty body (observed at Kustom in August 2026) or with Kustom's error body. If the checkout API's answer is
// inconclusive, Prove asks order management the same. Prove touches no order. It is not known whether it counts
// as traffic in the portal's endpoint switch status; at most it counts as traffic of the checkout.
//
// Before its first pair, the client checks that the server rejects invented credentials. Otherwise another server would
// get the secret, and its answer would count. Any error is a [*ProofError].
func (m *Merchant) Prove(ctx context.Context, username, secret string) error {
	if err := m.rejectsInvented(ctx, secret); err != nil {
		return &ProofError{Username: username, Verdict: verdictOfCheck(err), Cause: err}
	}
	auth := transport.Basic{Username: username, Password: secret}
	err := m.getUnknownOrder(ctx, pathOrder, auth)
	verdict := verdictOf(err)
	if verdict == VerdictUnknown && isClientError(err) && m.hasNoSuchOrder(ctx, auth) {
		verdict = verdictAccepted
	}
	if verdict == verdictAccepted {
		return nil
	}
	return &ProofError{Username: username, Verdict: verdict, Cause: err}
}

// getUnknownOrder asks for an order that does not exist. It always returns an error: a [*transport.Error], or
// errUnexpectedOrder after a success.
func (m *Merchant) getUnknownOrder(ctx context.Context, template string, auth transport.Basic) error {
	_, err := transport.Do[transport.None](ctx, m.client, transport.Request{
		Method: http.MethodGet, Template: template, Elements: []string{uuid.NewString()},
		MediaType: transport.JSON, Auth: auth,
	})
	if err == nil {
		return errUnexpectedOrder
	}
	return err
}

// hasNoSuchOrder asks order management for an order that does not exist. Any answer but Kustom's own "no such
// order" is inconclusive too, because a contract may not include order management.
func (m *Merchant) hasNoSuchOrder(ctx context.Context, auth transport.Basic) bool {
	var failure *transport.Error
	if !errors.As(m.getUnknownOrder(ctx, pathManagedOrder, auth), &failure) {
		return false
	}
	return failure.Status == http.StatusNotFound && hasKustomsForm(failure) &&
		(strings.Contains(failure.Code, "ORDER") || failure.Code == "NOT_FOUND")
}

// CheckRejectsInvented checks that the API rejects invented credentials of the environment. The error is an
// [*ImpostorError] if the server is not the merchant API.
func (m *Merchant) CheckRejectsInvented(ctx context.Context, e Environment) error {
	return m.rejectsInvented(ctx, e.SecretPrefix(SecretKustom)+"0")
}

// rejectsInvented returns nil if the API rejects invented credentials. It remembers that, and repeats a check that failed.
func (m *Merchant) rejectsInvented(ctx context.Context, like string) error {
	if err := m.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer m.turn.Release(1)
	if m.genuine {
		return nil
	}
	err := m.getUnknownOrder(ctx, pathOrder, inventedPair(like))
	switch verdict := verdictOf(err); {
	case verdict == VerdictRefused:
		m.genuine = true
		return nil
	case verdict == VerdictFirewall || !isAnswer(err):
		return fmt.Errorf("ask with an invented username and secret: %w", err)
	}
	return m.impostor(err)
}

// impostor describes the server that gave an answer other than 401 to invented credentials.
func (m *Merchant) impostor(answer error) *ImpostorError {
	e := &ImpostorError{Host: m.client.BaseURL.Host}
	var failure *transport.Error
	if errors.As(answer, &failure) {
		e.Status, e.Body, e.MediaType = failure.Status, failure.Body, failure.MediaType
	}
	return e
}

// inventedPair returns a pair of the documented form that belongs to nobody, for the environment of the secret.
func inventedPair(like string) transport.Basic {
	username, e := "M00000000-", Production
	if of, _ := SecretEnvironment(like); of == Playground {
		username, e = "PM00000000-", Playground
	}
	return transport.Basic{Username: username + rand.Text()[:5], Password: e.SecretPrefix(SecretKustom) + (rand.Text() + rand.Text())[:32]}
}

// verdictOfCheck returns the verdict for a failed check of the API itself.
func verdictOfCheck(failure error) Verdict {
	var impostor *ImpostorError
	if errors.As(failure, &impostor) {
		return VerdictImpostor
	}
	if verdict := verdictOf(failure); verdict == VerdictFirewall {
		return verdict
	}
	return VerdictUnknown
}

// verdictOf returns the verdict for the error that a request with a pair returned.
func verdictOf(err error) Verdict {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return VerdictUnknown
	}
	switch failure.Status {
	case http.StatusNotFound:
		// A 404 with HTML, or with JSON of another form, comes from a gateway that does not know the path.
		if failure.Body == transport.BodyNone || hasKustomsForm(failure) {
			return verdictAccepted
		}
	case http.StatusUnauthorized:
		return VerdictRefused
	case http.StatusForbidden:
		if hasKustomsForm(failure) {
			return VerdictNoProduct
		}
		if failure.Body == transport.BodyHTML {
			return VerdictFirewall
		}
	}
	return VerdictUnknown
}

// hasKustomsForm reports whether a refusal has Kustom's error body, which no gateway sends: an error code with
// messages or a correlation ID.
func hasKustomsForm(failure *transport.Error) bool {
	return failure.Body == transport.BodyJSON && failure.Code != "" && (len(failure.Messages) > 0 || failure.CorrelationID != "")
}

// isClientError reports whether err is an answer that rejects a request and would reject it again. A success or
// a redirect is not the merchant API's answer to such a request.
func isClientError(err error) bool {
	var failure *transport.Error
	return isAnswer(err) && errors.As(err, &failure) && failure.Status >= http.StatusBadRequest
}

// isAnswer reports whether err is an answer that would stay the same on a retry, and not a missing answer.
func isAnswer(err error) bool {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return errors.Is(err, errUnexpectedOrder)
	}
	switch {
	case failure.Kind != transport.Refused && failure.Kind != transport.Unreadable:
		return false
	case failure.Status == http.StatusRequestTimeout, failure.Status == http.StatusTooManyRequests:
		return false
	}
	return failure.Status < http.StatusInternalServerError
}
