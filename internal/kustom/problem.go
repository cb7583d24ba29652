package kustom

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// The portal's error codes that the provider handles separately.
const (
	// CodeLimitReached: the store has its maximum number of keys.
	CodeLimitReached = "CREDENTIAL_LIMIT_REACHED"
	codeReplay       = "IDEMPOTENCY_REPLAY"
)

// ErrLimitReached says that a store has its maximum number of keys, if the portal's pages said so and not its
// API.
var ErrLimitReached = errors.New("the store has the maximum number of API keys")

// IsLimitReached reports whether err says that a store has its maximum number of keys.
func IsLimitReached(err error) bool {
	return errors.Is(err, ErrLimitReached) || transport.IsCode(err, http.StatusConflict, CodeLimitReached)
}

// Problem reads the error body that the portal and the merchant API share (documented by Kustom
// for the merchant API).
func Problem(body []byte) transport.Problem {
	var wire struct {
		Code          vendortext.Text   `json:"error_code"`
		Messages      []vendortext.Text `json:"error_messages"`
		Message       vendortext.Text   `json:"error_message"`
		CorrelationID vendortext.Text   `json:"correlation_id"`
		CredentialID  vendortext.Text   `json:"credential_id"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return transport.Problem{}
	}
	// Kustom's official plugins accept a single message, so some answers must have that form.
	if len(wire.Messages) == 0 && !wire.Message.IsZero() {
		wire.Messages = []vendortext.Text{wire.Message}
	}
	return transport.Problem{
		Code: wire.Code, Messages: wire.Messages, CorrelationID: wire.CorrelationID, Subject: wire.CredentialID,
	}
}
