package kustom

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// The portal's error codes that need a treatment of their own.
const (
	// CodeLimitReached: the store has as many keys as it may have.
	CodeLimitReached = "CREDENTIAL_LIMIT_REACHED"
	codeReplay       = "IDEMPOTENCY_REPLAY"
)

// ErrLimitReached says that a store has as many keys as it may have, where it was not the portal's API
// that said so.
var ErrLimitReached = errors.New("the store has as many API keys as it may have")

// IsLimitReached tells whether err says that a store has as many keys as it may have.
func IsLimitReached(err error) bool {
	return errors.Is(err, ErrLimitReached) || transport.IsCode(err, http.StatusConflict, CodeLimitReached)
}

// Problem reads the error body that the portal and the merchant API share (documented by Kustom
// for the merchant API). Secrets of a known form are left out of the messages.
func Problem(body []byte) transport.Problem {
	var wire struct {
		Code          string   `json:"error_code"`
		Messages      []string `json:"error_messages"`
		Message       string   `json:"error_message"`
		CorrelationID string   `json:"correlation_id"`
		CredentialID  string   `json:"credential_id"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return transport.Problem{}
	}
	// The official plugins tolerate a single message, so some answers must have one.
	if len(wire.Messages) == 0 && wire.Message != "" {
		wire.Messages = []string{wire.Message}
	}
	for i, message := range wire.Messages {
		wire.Messages[i] = Redact(message)
	}
	return transport.Problem{
		Code: wire.Code, Messages: wire.Messages, CorrelationID: wire.CorrelationID, Subject: wire.CredentialID,
	}
}
