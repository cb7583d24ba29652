package transport

import (
	"encoding/base64"
	"net/http"
)

// Auth adds a credential to a request. Requests use only the client's own base URL, and redirects are not
// followed, so the credential reaches no other host.
type Auth interface {
	authorize(http.Header) error
	// secrets returns the values that nobody may see.
	secrets() []string
}

// Bearer returns a token. It is called when a request is sent, so a missing token is an error only for requests
// that need it.
type Bearer func() (string, error)

func (b Bearer) authorize(h http.Header) error {
	token, err := b()
	if err != nil {
		return err
	}
	h.Set("Authorization", "Bearer "+token)
	return nil
}

func (b Bearer) secrets() []string {
	token, err := b()
	if err != nil {
		return nil
	}
	return []string{token}
}

// Basic is a username and a password.
type Basic struct{ Username, Password string }

func (b Basic) authorize(h http.Header) error {
	h.Set("Authorization", "Basic "+b.encoded())
	return nil
}

func (b Basic) secrets() []string { return []string{b.Password, b.encoded()} }

func (b Basic) encoded() string {
	return base64.StdEncoding.EncodeToString([]byte(b.Username + ":" + b.Password))
}
