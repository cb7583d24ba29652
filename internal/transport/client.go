// Package transport sends HTTP requests to a vendor's API. It sends each credential to its own host only. It
// limits retries, the time of each attempt and the size of answers. It records each attempt without secrets.
//
// It knows nothing about either vendor and nothing about Terraform.
package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// None is the type of an answer whose body is ignored.
type None struct{}

// Waiter is an answer that stores how long the server asks to wait before the next request.
type Waiter interface{ SetRetryAfter(time.Duration) }

// Do sends r, retries it if that is safe, and decodes the answer's JSON body as a T. Any error is an [*Error].
func Do[T any](ctx context.Context, c *Client, r Request) (T, error) {
	var out T
	called := c.Clock.Now()
	err := c.retry(ctx, r, func(attempt int) *Error {
		var fresh T
		failure := c.attempt(ctx, r, called, attempt, &fresh)
		out = fresh
		return failure
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return out, nil
}

// errLate says that a request had to wait for too long to be sent.
var errLate = errors.New("not sent, because an earlier answer is out of date")

// attempt sends r once and records that. Called is the time of the call of [Do], for [Request.SendWithin].
func (c *Client) attempt(ctx context.Context, r Request, called time.Time, attempt int, out any) *Error {
	if c.ConfigError != nil {
		return c.failure(r, NotSent, c.ConfigError)
	}
	if err := r.Limiter.Wait(ctx); err != nil {
		return c.failure(r, NotSent, err)
	}
	start := c.Clock.Now()
	if r.SendWithin > 0 && start.Sub(called) > r.SendWithin {
		failure := c.failure(r, NotSent, errLate)
		failure.Late = true
		return failure
	}
	c.Redactor.AddSecrets(r.secrets()...)
	status, failure := c.send(ctx, r, out)
	record := RequestRecord{
		API: c.API, Host: c.BaseURL.Host, Method: r.Method, Template: r.Template,
		Attempt: attempt, Status: status, Duration: c.Clock.Now().Sub(start),
	}
	if failure != nil {
		record.Kind = failure.Kind
		record.CorrelationID = failure.CorrelationID
	}
	c.Observe(ctx, record)
	return failure
}

// send sends r, and decodes a success into out. It returns the HTTP status; 0 if there was no answer.
func (c *Client) send(ctx context.Context, r Request, out any) (int, *Error) {
	if r.FinishOnCancel {
		var release context.CancelFunc
		ctx, release = withGrace(ctx)
		defer release()
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := r.build(ctx, c.BaseURL, c.UserAgent)
	if err != nil {
		return 0, c.failure(r, NotSent, err)
	}
	// An http.Client would follow redirects; here they are errors. No API redirects, and the pages that do (a
	// sign-in page, a captive portal) must not receive credentials.
	resp, err := c.RoundTripper.RoundTrip(req)
	if err != nil {
		return 0, c.failure(r, sendingKind(err), err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, c.refusal(r, resp)
	}
	if err := decode(resp, out); err != nil {
		failure := c.failure(r, Unreadable, err)
		failure.Status, failure.MediaType = resp.StatusCode, c.shownMediaType(resp.Header)
		return resp.StatusCode, failure
	}
	if waiter, ok := out.(Waiter); ok {
		waiter.SetRetryAfter(retryAfter(resp.Header.Get("Retry-After"), c.Clock.Now()))
	}
	return resp.StatusCode, nil
}

// grace is how long a request may continue after its context is cancelled.
const grace = 10 * time.Second

// withGrace returns a context that is cancelled a grace period after ctx.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// failure returns an error about r, with the redacted text of err.
func (c *Client) failure(r Request, kind Kind, err error) *Error {
	return &Error{
		API: c.API, TokenSource: c.TokenSource, Host: c.BaseURL.Host, Method: r.Method, Template: r.Template,
		Kind: kind, Err: c.Redactor.Error(err),
	}
}

// refusal reads an answer that is not a success.
func (c *Client) refusal(r Request, resp *http.Response) *Error {
	failure := c.failure(r, Refused, nil)
	failure.Status = resp.StatusCode
	failure.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), c.Clock.Now())
	failure.MediaType = c.shownMediaType(resp.Header)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblemSize))
	if err != nil {
		failure.Body = BodyOther
		return failure
	}
	failure.Body = bodyKind(mediaType(resp.Header), body)
	if failure.Body != BodyJSON {
		return failure
	}
	failure.Explanation = explain(c.Problem(body), c.Redactor)
	return failure
}

// bodyKind returns the kind of a body with the media type.
func bodyKind(mediaType string, body []byte) BodyKind {
	text := bytes.TrimSpace(body)
	switch {
	case len(text) == 0:
		return BodyNone
	case isJSONType(mediaType) && json.Valid(text):
		return BodyJSON
	case mediaType == "text/html" || mediaType == "application/xhtml+xml" || text[0] == '<':
		return BodyHTML
	}
	return BodyOther
}

// sendingKind separates a request that was certainly not sent from one that the server may have processed.
func sendingKind(err error) Kind {
	if isDial(err) {
		return NotSent
	}
	if isTLS(err) {
		return Untrusted
	}
	return NoAnswer
}

const (
	// maxAnswerSize is the largest size of an answer, in bytes.
	maxAnswerSize = 10 << 20
	// maxProblemSize is how much of an error answer is read, in bytes.
	maxProblemSize = 64 << 10
)

var errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswerSize>>20)

// decode reads a JSON answer, up to maxAnswerSize.
func decode(resp *http.Response, out any) error {
	if _, none := out.(*None); none {
		return expectNone(resp)
	}
	if !isJSON(resp.Header) {
		return fmt.Errorf("the answer is not JSON but %q", mediaType(resp.Header))
	}
	if resp.ContentLength > maxAnswerSize {
		return errTooLarge
	}
	// Reading to the end lets the connection be reused.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize+1))
	if len(body) > maxAnswerSize {
		return errTooLarge
	}
	if err == nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		return fmt.Errorf("the answer is not the expected JSON: %w", jsonCause(err))
	}
	return nil
}

// expectNone checks that a success whose body is ignored comes from the API and not from a sign-in page.
func expectNone(resp *http.Response) error {
	if resp.StatusCode != http.StatusNoContent && !isJSON(resp.Header) {
		return fmt.Errorf("the answer is not JSON but %q", mediaType(resp.Header))
	}
	return nil
}

// jsonCause drops the parts of the body that encoding/json quotes: they may be secret (I2).
func jsonCause(err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("field %q is of another type", mismatch.Field)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("syntax error at byte %d", syntax.Offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("it is truncated")
	}
	if errors.Is(err, errTooManyItems) {
		return err
	}
	var timeout net.Error
	if errors.As(err, &timeout) || errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New("it can't be read")
}
