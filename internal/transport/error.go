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

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
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

// Problem is what a vendor says of a request that it refuses, before anybody may see it.
type Problem struct {
	// Code is the vendor's own code for the reason.
	Code vendortext.Text
	// Messages are the vendor's explanations.
	Messages []vendortext.Text
	// CorrelationID is what the vendor's support finds the request by.
	CorrelationID vendortext.Text
	// Subject is the ID of the object that the problem is about, where the vendor names it.
	Subject vendortext.Text
}

// Explanation is a [Problem] that is fit to be shown.
type Explanation struct {
	// Code is the vendor's own code for the reason.
	Code string
	// Messages are the vendor's explanations.
	Messages []string
	// CorrelationID is what the vendor's support finds the request by.
	CorrelationID string
	// Subject is the ID of the object that the problem is about; empty where the vendor names none that could be
	// an ID.
	Subject string
}

// maxMessages bounds how many of a vendor's messages are repeated.
const maxMessages = 10

// explain returns p fit to be shown.
func explain(p Problem, redactor *vendortext.Redactor) Explanation {
	shown := p.Messages[:min(len(p.Messages), maxMessages)]
	e := Explanation{Code: redactor.Show(p.Code), CorrelationID: redactor.Show(p.CorrelationID)}
	for _, message := range shown {
		e.Messages = append(e.Messages, redactor.Show(message))
	}
	if more := len(p.Messages) - len(shown); more > 0 {
		e.Messages = append(e.Messages, fmt.Sprintf("and %d more", more))
	}
	// An ID becomes part of a path. One that can't be shown as it is is none.
	if subject := redactor.Show(p.Subject); vendortext.New(subject) == p.Subject {
		e.Subject = subject
	}
	return e
}

// Shown returns a vendor's text fit to be shown, for those who know no secret that may be in it.
func Shown(text string) string { return (*vendortext.Redactor)(nil).Show(vendortext.New(text)) }

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
	Explanation
	// RetryAfter is how long the server asked to wait after the last attempt. Nobody did.
	RetryAfter time.Duration
	// Waited is how long was waited between the attempts.
	Waited time.Duration
	// Uncertain says that an attempt, not necessarily the last, may have been carried out all the
	// same.
	Uncertain bool
	// Attempts is how often the request was sent.
	Attempts int
	// Err is the cause where there was no answer, or none that could be read. Its text is fit to be shown. That of
	// what it wraps may not be.
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
	if e.RetryAfter > 0 {
		fmt.Fprintf(&text, "; asks to wait %s: not waited for", FormatWait(e.RetryAfter))
	}
	return text.String()
}

// FormatWait returns a duration, in whole seconds, for a person: "1 h 30 min", "20 s".
func FormatWait(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Second {
		return "less than 1 s"
	}
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
		}
		d %= unit.size
	}
	return strings.Join(parts, " ")
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

// IsOutdated tells whether err says that nothing was done because what was proven before has to be proven again: the
// caller makes the proofs again and tries once more.
func IsOutdated(err error) bool {
	var failure interface{ Outdated() bool }
	return errors.As(err, &failure) && failure.Outdated()
}

// WhileOutdated does something, and does it again, up to three times in all, while the error says that its proofs are
// out of date ([IsOutdated]): do makes them anew.
func WhileOutdated(do func() error) error {
	const rounds = 3
	for round := 1; ; round++ {
		if err := do(); !IsOutdated(err) || round == rounds {
			return err
		}
	}
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
