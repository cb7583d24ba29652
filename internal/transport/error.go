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

// Kind says how far a failed request got.
type Kind string

// The kinds of failure.
const (
	// NotSent: the request never left; nothing was done.
	NotSent Kind = "not sent"
	// Untrusted: no trusted connection could be made, so nothing was done.
	Untrusted Kind = "untrusted"
	// NoAnswer: the connection failed or timed out. The server may have processed the request.
	NoAnswer Kind = "no answer"
	// Unreadable: the server reported success in an unreadable answer. It probably did the work.
	Unreadable Kind = "unreadable"
	// Refused: the server answered with a status that is not a success.
	Refused Kind = "refused"
)

// BodyKind says what the body of an answer is.
type BodyKind string

// The kinds of bodies.
const (
	// BodyNone: the body is empty or white space.
	BodyNone BodyKind = "empty"
	// BodyJSON: it is JSON, and its media type says so.
	BodyJSON BodyKind = "JSON"
	// BodyHTML: its media type is HTML, or it begins like HTML or XML.
	BodyHTML BodyKind = "HTML"
	// BodyOther: it is something else, or could not be read to its end.
	BodyOther BodyKind = "other"
)

// Problem is a vendor's explanation of a refusal, before redaction.
type Problem struct {
	// Code is the vendor's own code for the reason.
	Code vendortext.Text
	// Messages are the vendor's explanations.
	Messages []vendortext.Text
	// CorrelationID identifies the request for the vendor's support.
	CorrelationID vendortext.Text
	// Subject is the ID of the object that the problem is about, if the vendor names it.
	Subject vendortext.Text
}

// Explanation is a [Problem] after redaction. It can be shown.
type Explanation struct {
	// Code is the vendor's own code for the reason.
	Code string
	// Messages are the vendor's explanations.
	Messages []string
	// CorrelationID identifies the request for the vendor's support.
	CorrelationID string
	// Subject is the ID of the object that the problem is about; empty if the vendor names none that could be
	// an ID.
	Subject string
}

// maxMessages is how many of a vendor's messages are shown.
const maxMessages = 10

// explain returns p after redaction.
func explain(p Problem, redactor *vendortext.Redactor) Explanation {
	shown := p.Messages[:min(len(p.Messages), maxMessages)]
	e := Explanation{Code: redactor.Show(p.Code), CorrelationID: redactor.Show(p.CorrelationID)}
	for _, message := range shown {
		e.Messages = append(e.Messages, redactor.Show(message))
	}
	if more := len(p.Messages) - len(shown); more > 0 {
		e.Messages = append(e.Messages, fmt.Sprintf("and %d more", more))
	}
	// An ID becomes part of a path. An ID that redaction changes is dropped.
	if subject := redactor.Show(p.Subject); vendortext.New(subject) == p.Subject {
		e.Subject = subject
	}
	return e
}

// Shown returns a vendor's text in a form that can be shown, without a list of known secrets.
func Shown(text string) string { return (*vendortext.Redactor)(nil).Show(vendortext.New(text)) }

// Error says why a request did not succeed. It holds no secret.
type Error struct {
	API, Host, Method, Template string
	// TokenSource is that of the client's [Options].
	TokenSource string

	Kind Kind
	// Status is the HTTP status; 0 if there was no answer.
	Status int
	// Body says what the refusal's body was; empty if the request was not refused. A vendor's own refusal has
	// JSON or nothing. A firewall or proxy in front of the vendor mostly sends HTML.
	Body BodyKind
	// MediaType is the answer's media type without parameters; empty if the answer had no well-formed one.
	MediaType string
	Explanation
	// RetryAfter is how long the server asked to wait after the last attempt. The client did not wait.
	RetryAfter time.Duration
	// Waited is the total wait between the attempts.
	Waited time.Duration
	// Uncertain reports that the server may have processed one of the attempts, not necessarily the last.
	Uncertain bool
	// Late reports that the request was not sent, or not once more, because its [Request.SendWithin] was over.
	Late bool
	// Attempts is how often the request was sent.
	Attempts int
	// Err is the cause if there was no answer or an unreadable one. Its text can be shown. The text of the
	// errors that it wraps may be unsafe to show.
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
		fmt.Fprintf(&text, "; it asked to wait %s, but the provider did not wait", FormatWait(e.RetryAfter))
	}
	return text.String()
}

// FormatWait formats a duration in whole seconds for a person: "1 h 30 min", "20 s".
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

// Outdated reports whether the caller has to look again before it sends the request once more.
func (e *Error) Outdated() bool { return e.Late }

// MayHaveWorked reports whether the server may have processed the request.
func (e *Error) MayHaveWorked() bool { return e.Uncertain }

// DidNothing reports whether the request was a write that certainly did not happen.
func (e *Error) DidNothing() bool { return e.Method != http.MethodGet && !e.Uncertain }

// attemptMayHaveWorked reports whether the server may have processed the attempt that e is about.
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

// IsUncertain reports whether the operation that failed with err may have happened, by API or by pages.
func IsUncertain(err error) bool {
	var failure interface{ MayHaveWorked() bool }
	return errors.As(err, &failure) && failure.MayHaveWorked()
}

// DidNothing reports whether err is the failure of a write that certainly did not happen.
func DidNothing(err error) bool {
	var failure interface{ DidNothing() bool }
	return errors.As(err, &failure) && failure.DidNothing()
}

// IsOutdated reports whether err says that nothing was done because earlier proofs are out of date. The caller
// makes the proofs again and retries once more.
func IsOutdated(err error) bool {
	var failure interface{ Outdated() bool }
	return errors.As(err, &failure) && failure.Outdated()
}

// WhileOutdated calls do, up to three times in all, while its error says that its proofs are out of date
// ([IsOutdated]). Each call of do makes the proofs anew.
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

// IsCode reports whether err is a refusal with the given status and vendor's code.
func IsCode(err error, status int, code string) bool {
	var failure *Error
	return IsStatus(err, status) && errors.As(err, &failure) && failure.Code == code
}

func isDial(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// isTLS reports whether err is about the security of the connection. A retry does not help then.
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
