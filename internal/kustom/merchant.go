package kustom

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Merchant is the client of the merchant API. It is safe for concurrent use.
type Merchant struct{ client *transport.Client }

// NewMerchant returns a client of the merchant API.
func NewMerchant(client *transport.Client) *Merchant { return &Merchant{client: client} }

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
	// VerdictFirewall: the firewall in front of the API refused this machine's region before it
	// looked at the pair.
	VerdictFirewall Verdict = "region firewall"
	// VerdictUnknown: there was no answer that tells.
	VerdictUnknown Verdict = "unknown"
)

// Error implements error.
func (e *ProofError) Error() string {
	return fmt.Sprintf("proving %s at the merchant API: %s: %v", e.Username, e.Verdict, e.Cause)
}

// Unwrap returns the cause.
func (e *ProofError) Unwrap() error { return e.Cause }

var errUnexpectedOrder = errors.New("the merchant API claims to know an order that does not exist")

// Prove asks the merchant API, once, for an order that does not exist: only a pair that works is
// told so. It touches no order, and counts as traffic to the host in the portal's endpoint switch
// status. Any error is a [*ProofError].
func (m *Merchant) Prove(ctx context.Context, username, secret string) error {
	_, err := transport.Do[transport.None](ctx, m.client, transport.Request{
		Method: http.MethodGet, Template: pathOrder, Elements: []string{uuid.NewString()},
		MediaType: transport.JSON, Auth: transport.Basic{Username: username, Password: secret},
	})
	if err == nil {
		err = errUnexpectedOrder
	}
	verdict := judge(err)
	if verdict == "" {
		return nil
	}
	return &ProofError{Username: username, Verdict: verdict, Cause: err}
}

// judge reads the answer to a proof; an empty verdict means that the pair was accepted.
func judge(err error) Verdict {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return VerdictUnknown
	}
	switch {
	case failure.Status == http.StatusNotFound && failure.JSON:
		return ""
	case failure.Status == http.StatusUnauthorized:
		return VerdictRefused
	case failure.Status == http.StatusForbidden && !failure.JSON:
		return VerdictFirewall
	}
	return VerdictUnknown
}
