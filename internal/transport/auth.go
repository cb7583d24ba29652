package transport

import (
	"encoding/base64"
	"net/http"
)

// Auth attaches a credential to a request. Because requests are built from a client's own base URL
// and redirects are not followed, it reaches no other host.
type Auth interface {
	authorize(http.Header) error
	// secrets returns what must not be shown to anybody.
	secrets() []string
}

// Bearer is a token, looked up when the request is sent: an API for which no token is configured
// is an error only for those who use it.
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
