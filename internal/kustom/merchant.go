package kustom

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Merchant is the client of the merchant API. It is safe for concurrent use.
type Merchant struct {
	client *transport.Client
	// turn is held by the call that looks at, or finds out, whether the API refuses a made-up pair.
	turn chan struct{}
	// checked tells whether that is known, and impostor why it does not; nil where it does. They are the
	// turn's.
	checked  bool
	impostor *ImpostorError
}

// NewMerchant returns a client of the merchant API.
func NewMerchant(client *transport.Client) *Merchant {
	return &Merchant{client: client, turn: make(chan struct{}, 1)}
}

// ProofError says why a username and secret are not proven to work.
type ProofError struct {
	Username string
	Verdict  Verdict
	Cause    error
}

// Verdict is what an attempted proof came to.
type Verdict string

// The verdicts.
const (
	// VerdictRefused: the merchant API looked at the pair and refused it.
	VerdictRefused Verdict = "refused"
	// VerdictNoProduct: the pair works, but the store's contract lacks Kustom Checkout. What Kustom says
	// of it is in the cause.
	VerdictNoProduct Verdict = "no contract for Kustom Checkout"
	// VerdictFirewall: the firewall in front of the API refused this machine's region before it
	// looked at the pair.
	VerdictFirewall Verdict = "region firewall"
	// VerdictImpostor: what answers does not refuse a made-up pair, so it proves nothing. The cause is an
	// [*ImpostorError].
	VerdictImpostor Verdict = "not the merchant API"
	// VerdictUnknown: the answer, or the lack of one, tells nothing.
	VerdictUnknown Verdict = "unknown"
)

// verdictAccepted is the verdict on a pair that works. No [ProofError] has it.
const verdictAccepted Verdict = "accepted"

// Error implements error.
func (e *ProofError) Error() string {
	return fmt.Sprintf("proving %s at the merchant API: %s: %v", e.Username, e.Verdict, e.Cause)
}

// Unwrap returns the cause.
func (e *ProofError) Unwrap() error { return e.Cause }

// ImpostorError says that what answers as the merchant API does not refuse a username and secret that
// were made up.
type ImpostorError struct {
	// Host is where the API was expected.
	Host string
	// Status is the HTTP status of the answer; 0 where it was a success.
	Status int
	// Body tells what the answer's body was, and MediaType its media type; empty where it had none.
	Body      transport.BodyKind
	MediaType string
}

// Error implements error.
func (e *ImpostorError) Error() string {
	if e.Status == 0 {
		return e.Host + " answered a made-up username and secret with a success, and not with 401"
	}
	text := fmt.Sprintf("%s answered a made-up username and secret with %d %s, and not with 401", e.Host, e.Status, http.StatusText(e.Status))
	switch {
	case e.MediaType != "":
		text += " (" + e.MediaType + ")"
	case e.Body != "":
		text += " (body: " + string(e.Body) + ")"
	}
	return text
}

var errUnexpectedOrder = errors.New("the merchant API claims to know an order that does not exist")

// Prove asks the merchant API, once, for an order that does not exist: only a pair that works is
// told so, by a 404 with an empty body (observed at Kustom in August 2026) or with Kustom's error body.
// Where the checkout's answer tells nothing, order management is asked the same. Prove touches no order.
// Whether it counts as traffic in the portal's endpoint switch status is not known; at most it does for the checkout.
//
// An acceptance counts only where a made-up pair is refused. That is asked once in the client's life.
// Any error is a [*ProofError].
func (m *Merchant) Prove(ctx context.Context, username, secret string) error {
	auth := transport.Basic{Username: username, Password: secret}
	err := m.ask(ctx, pathOrder, auth)
	verdict := judge(err)
	if verdict == VerdictUnknown && isClientError(err) && m.hasNoSuchOrder(ctx, auth) {
		verdict = verdictAccepted
	}
	if verdict == verdictAccepted || verdict == VerdictNoProduct {
		if failure := m.refusesMadeUp(ctx, secret); failure != nil {
			return &ProofError{Username: username, Verdict: verdictOfCheck(failure), Cause: failure}
		}
	}
	if verdict == verdictAccepted {
		return nil
	}
	return &ProofError{Username: username, Verdict: verdict, Cause: err}
}

// ask asks for an order that does not exist. It always returns an error.
func (m *Merchant) ask(ctx context.Context, template string, auth transport.Basic) error {
	_, err := transport.Do[transport.None](ctx, m.client, transport.Request{
		Method: http.MethodGet, Template: template, Elements: []string{uuid.NewString()},
		MediaType: transport.JSON, Auth: auth,
	})
	if err == nil {
		return errUnexpectedOrder
	}
	return err
}

// hasNoSuchOrder asks order management for an order that does not exist. Whatever it answers besides
// Kustom's own "no such order" tells nothing either: a contract need not include it.
func (m *Merchant) hasNoSuchOrder(ctx context.Context, auth transport.Basic) bool {
	var failure *transport.Error
	if !errors.As(m.ask(ctx, pathManagedOrder, auth), &failure) {
		return false
	}
	return failure.Status == http.StatusNotFound && hasKustomsForm(failure) &&
		(strings.Contains(failure.Code, "ORDER") || failure.Code == "NOT_FOUND")
}

// Refuses makes sure that the API refuses a username and secret of the environment that were made up. The error is
// an [*ImpostorError] where something else than the merchant API answers.
func (m *Merchant) Refuses(ctx context.Context, e Environment) error {
	return m.refusesMadeUp(ctx, e.SecretPrefix(SecretKustom)+"0")
}

// refusesMadeUp makes sure that the API refuses a made-up pair. The answer is remembered, a failure to
// get one is not.
func (m *Merchant) refusesMadeUp(ctx context.Context, like string) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !m.checked {
		err := m.ask(ctx, pathOrder, madeUp(like))
		if !isAnswer(err) || judge(err) == VerdictFirewall {
			return fmt.Errorf("asking with a made-up username and secret: %w", err)
		}
		m.checked, m.impostor = true, m.impostorIn(err)
	}
	if m.impostor != nil {
		return m.impostor
	}
	return nil
}

// impostorIn returns what stands in the merchant API's place, by its answer to a made-up pair; nil where
// it refuses it.
func (m *Merchant) impostorIn(err error) *ImpostorError {
	if judge(err) == VerdictRefused {
		return nil
	}
	e := &ImpostorError{Host: m.client.BaseURL.Host}
	var failure *transport.Error
	if errors.As(err, &failure) {
		e.Status, e.Body, e.MediaType = failure.Status, failure.Body, failure.MediaType
	}
	return e
}

// madeUp returns a pair of the documented form that nobody has, for the environment of the secret.
func madeUp(like string) transport.Basic {
	username, e := "M00000000-", Production
	if of, _ := SecretEnvironment(like); of == Playground {
		username, e = "PM00000000-", Playground
	}
	return transport.Basic{Username: username + rand.Text()[:5], Password: e.SecretPrefix(SecretKustom) + (rand.Text() + rand.Text())[:32]}
}

// verdictOfCheck returns what a failed check of the API itself comes to.
func verdictOfCheck(failure error) Verdict {
	var impostor *ImpostorError
	if errors.As(failure, &impostor) {
		return VerdictImpostor
	}
	if verdict := judge(failure); verdict == VerdictFirewall {
		return verdict
	}
	return VerdictUnknown
}

// judge reads the answer to a request with a pair, which is an error.
func judge(err error) Verdict {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return VerdictUnknown
	}
	switch failure.Status {
	case http.StatusNotFound:
		// A 404 in HTML, or in JSON of another form, is that of a gateway which knows no such path.
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

// hasKustomsForm tells whether a refusal has Kustom's error body, which no gateway has: a code of an
// error, with messages or a correlation ID beside it.
func hasKustomsForm(failure *transport.Error) bool {
	return failure.Body == transport.BodyJSON && failure.Code != "" && (len(failure.Messages) > 0 || failure.CorrelationID != "")
}

// isClientError tells whether err is an answer that refuses a request, and would refuse it again. A success
// and a redirect are not the merchant API's answer to such a request.
func isClientError(err error) bool {
	var failure *transport.Error
	return isAnswer(err) && errors.As(err, &failure) && failure.Status >= http.StatusBadRequest
}

// isAnswer tells whether err is an answer that would be the same if it were asked for again, and not a
// lack of one.
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
