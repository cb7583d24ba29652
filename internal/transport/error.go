package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Kind tells how far a failed request got.
type Kind string

// The kinds of failure.
const (
	// NotSent: the request never left; nothing was done.
	NotSent Kind = "not sent"
	// Untrusted: no trusted connection could be made; nothing was done.
	Untrusted Kind = "untrusted"
	// NoAnswer: the connection failed or the time ran out; the request may have been carried out.
	NoAnswer Kind = "no answer"
	// Unreadable: the server reported success in a way that can't be read; it probably did the work.
	Unreadable Kind = "unreadable"
	// Refused: the server answered with a status that is not a success.
	Refused Kind = "refused"
)

// BodyKind tells what the body of an answer is.
type BodyKind string

// The kinds of bodies.
const (
	// BodyNone: there is nothing in it but white space.
	BodyNone BodyKind = "empty"
	// BodyJSON: it is JSON, and said to be.
	BodyJSON BodyKind = "JSON"
	// BodyHTML: it is said to be HTML, or begins as HTML or XML does.
	BodyHTML BodyKind = "HTML"
	// BodyOther: it is something else, or could not be read to its end.
	BodyOther BodyKind = "other"
)

// Problem is what a vendor says of a request that it refuses.
type Problem struct {
	// Code is the vendor's own code for the reason.
	Code string
	// Messages are the vendor's explanations.
	Messages []string
	// CorrelationID is what the vendor's support finds the request by.
	CorrelationID string
	// Subject is the ID of the object that the problem is about, where the vendor names it.
	Subject string
}

const (
	// maxMessage bounds, in characters, what is repeated of one of a vendor's messages.
	maxMessage = 300
	// maxMessages bounds how many of them are repeated.
	maxMessages = 10
)

// masked returns p fit to be shown: without the given secrets, control characters and length.
func (p Problem) masked(secrets []string) Problem {
	shown := p.Messages[:min(len(p.Messages), maxMessages)]
	clean := make([]string, 0, len(shown)+1)
	for _, message := range shown {
		clean = append(clean, mask(message, secrets))
	}
	if more := len(p.Messages) - len(shown); more > 0 {
		clean = append(clean, fmt.Sprintf("and %d more", more))
	}
	p.Messages = clean
	p.Code = mask(p.Code, secrets)
	p.CorrelationID = mask(p.CorrelationID, secrets)
	return p
}

// Shown returns a vendor's text that holds no secret fit to be shown: without control characters and
// length.
func Shown(text string) string { return mask(text, nil) }

func mask(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(sensitive)")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}

// Error says why a request did not succeed. It holds no secret.
type Error struct {
	API, Host, Method, Template string

	Kind Kind
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Body tells what the refusal's body was; empty where the request was not refused. A refusal of a
	// vendor's own has JSON or nothing, one of a firewall or proxy in front of it mostly HTML.
	Body BodyKind
	// MediaType is the answer's media type, without parameters; empty where it had none that is
	// well-formed.
	MediaType string
	Problem
	// RetryAfter is how long the server asked to wait.
	RetryAfter time.Duration
	// Uncertain says that an attempt, not necessarily the last, may have been carried out all the
	// same.
	Uncertain bool
	// Attempts is how often the request was sent.
	Attempts int
	// Err is the cause where there was no answer, or none that could be read.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s (%s)", e.Method, e.Template, e.Host)
	if e.Status != 0 {
		fmt.Fprintf(&text, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		fmt.Fprintf(&text, ", %s", e.Code)
	}
	if len(e.Messages) > 0 {
		fmt.Fprintf(&text, ": %s", strings.Join(e.Messages, "; "))
	}
	if e.Err != nil {
		fmt.Fprintf(&text, ": %v", e.Err)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&text, " (after %d attempts)", e.Attempts)
	}
	return text.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MayHaveWorked tells whether the request may have been carried out all the same.
func (e *Error) MayHaveWorked() bool { return e.Uncertain }

// DidNothing tells whether the request was to change something, and certainly did not.
func (e *Error) DidNothing() bool { return e.Method != http.MethodGet && !e.Uncertain }

// attemptMayHaveWorked tells whether the attempt that e is about may have been carried out all the same.
func (e *Error) attemptMayHaveWorked() bool {
	switch e.Kind {
	case NoAnswer, Unreadable:
		return true
	case Refused:
		return e.Status >= http.StatusInternalServerError
	case NotSent, Untrusted:
		return false
	}
	return false
}

// IsUncertain tells whether err is a failure after which what was asked for may have been done all the
// same, whichever way it was asked for.
func IsUncertain(err error) bool {
	var failure interface{ MayHaveWorked() bool }
	return errors.As(err, &failure) && failure.MayHaveWorked()
}

// DidNothing tells whether err is the failure of something that was to change something, and certainly
// did not.
func DidNothing(err error) bool {
	var failure interface{ DidNothing() bool }
	return errors.As(err, &failure) && failure.DidNothing()
}

// IsStatus tells whether err is an API's own refusal with the given status.
func IsStatus(err error, status int) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Kind == Refused && failure.Status == status
}

// IsCode tells whether err is a refusal with the given status and vendor's code.
func IsCode(err error, status int, code string) bool {
	var failure *Error
	return IsStatus(err, status) && errors.As(err, &failure) && failure.Code == code
}

func isDial(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// isTLS tells whether err is about the security of the connection, which no repetition mends.
func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.Is(err, http.ErrSchemeMismatch)
}
