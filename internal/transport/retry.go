package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	// initialBackoff is the longest wait before the first retry. It doubles with each retry.
	initialBackoff = 500 * time.Millisecond
	// maxBackoff is the longest wait that the server did not ask for.
	maxBackoff = 20 * time.Second
	// MaxRetryAfter is the longest Retry-After that the client accepts.
	MaxRetryAfter = 5 * time.Minute
)

// retry calls try, which sends r once. It stops when try succeeds, when the failure should not be retried, when
// the retries are used up, or when ctx ends before the next wait would (I6).
func (c *Client) retry(ctx context.Context, r Request, try func(attempt int) *Error) error {
	uncertain := false
	var waited time.Duration
	var last *Error
	for attempt := 1; ; attempt++ {
		failure := try(attempt)
		if failure == nil {
			return nil
		}
		if failure.Late && last != nil {
			last.Late, last.Waited = true, waited
			return last
		}
		last = failure
		uncertain = uncertain || failure.attemptMayHaveWorked()
		failure.Attempts, failure.Uncertain, failure.Waited = attempt, uncertain, waited
		if failure.Status == http.StatusTooManyRequests {
			// Other callers of the token did not cause the refusal, and may have no deadline.
			r.Limiter.Pause(min(failure.RetryAfter, MaxRetryAfter))
		}
		if attempt > c.MaxRetries || ctx.Err() != nil || !shouldRetry(r, failure) {
			return failure
		}
		wait := backoff(attempt)
		if failure.RetryAfter > 0 {
			// The jitter is added to the server's wait: no caller returns too early, and waiting callers do not
			// all return together.
			wait += failure.RetryAfter
		}
		if err := c.Clock.Sleep(ctx, wait); err != nil {
			return failure
		}
		waited += wait
	}
}

// shouldRetry reports whether sending r again is safe, and may help.
func shouldRetry(r Request, failure *Error) bool {
	if failure.RetryAfter > MaxRetryAfter {
		return false
	}
	switch failure.Kind {
	case NotSent:
		return isDial(failure.Err)
	case NoAnswer, Unreadable:
		return r.repeatable()
	case Refused:
		// A 429 says that the request was not processed. A 5xx leaves that open.
		if failure.Status == http.StatusTooManyRequests {
			return true
		}
		return r.repeatable() && temporary(failure.Status)
	case Untrusted:
		return false
	}
	return false
}

// temporary reports whether a status may be another one on a retry.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// backoff returns an exponential backoff with full jitter: a random wait up to the bound. So requests that
// failed together do not return together.
func backoff(attempt int) time.Duration {
	bound := maxBackoff
	if shift := attempt - 1; shift < 6 {
		bound = min(initialBackoff<<shift, maxBackoff)
	}
	return rand.N(bound) //nolint:gosec // Jitter needs no cryptographic randomness.
}

// retryAfter reads both forms of the header, seconds and a date (RFC 9110, 10.2.3). It returns 0 if there is
// none or it is malformed.
func retryAfter(value string, now time.Time) time.Duration {
	// A number out of range counts as the largest one.
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return max(0, time.Duration(seconds)*time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
