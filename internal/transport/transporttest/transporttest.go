// Package transporttest has helpers for the tests of the vendors' clients.
package transporttest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
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
