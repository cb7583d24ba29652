// Package transporttest has what the tests of the vendors' clients have in common.
package transporttest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Answer is a round tripper that answers every request alike.
type Answer struct {
	Status            int
	ContentType, Body string
	// RetryAfter is the value of the header, which is left out where it is empty.
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

// maxShown is, in characters, more than any error needs to say.
const maxShown = 4000

// FitToShow expects an error's text to be one that a person can be shown, whatever the vendor has
// answered: without the secret, without what moves a terminal's cursor, and of a reasonable length.
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
