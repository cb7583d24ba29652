// Package transporttest has helpers for the tests of the vendors' clients.
package transporttest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Answer is a round tripper that gives every request the same answer.
type Answer struct {
	Status            int
	ContentType, Body string
	// RetryAfter is the value of the header; empty for none.
	RetryAfter string
}

// RoundTrip implements [http.RoundTripper].
func (a Answer) RoundTrip(req *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {a.ContentType}}
	if a.RetryAfter != "" {
		header.Set("Retry-After", a.RetryAfter)
	}
	return &http.Response{
		StatusCode: a.Status, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(a.Body)),
	}, nil
}

// NewClient returns a client of the server at base. It opens a connection for each attempt: net/http repeats a request by
// itself if a kept connection lost it, and then the attempts could not be counted.
func NewClient(t testing.TB, base string, o transport.Options) *transport.Client {
	t.Helper()
	address, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	pool := transport.NewPool()
	pool.DisableKeepAlives = true
	o.BaseURL, o.RoundTripper, o.UserAgent = address, pool, "terraform-provider-kustom/test"
	return transport.New(o)
}

// maxShown is the maximum length of an error in characters.
const maxShown = 4000

// FitToShow checks that an error can be shown, whatever the vendor has answered: it is short, and holds neither the
// secret nor control characters.
func FitToShow(t *testing.T, err error, secret string) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if strings.Contains(text, secret) {
		t.Error("the error repeats the secret")
	}
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Errorf("the error has the character %q", r)
			break
		}
	}
	if n := utf8.RuneCountInString(text); n > maxShown {
		t.Errorf("the error has %d characters", n)
	}
}
