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
	// firstBackoff is the longest wait before the first repetition; it doubles with each.
	firstBackoff = 500 * time.Millisecond
	// maxBackoff is the longest wait that is not asked for by the server.
	maxBackoff = 20 * time.Second
	// MaxRetryAfter is the longest wait that a server is granted.
	MaxRetryAfter = 5 * time.Minute
)

// retry calls try, which sends r once, until it succeeds, the failure is not one to repeat r after,
// the retries are used up, or ctx does not allow a further wait (I6).
func (c *Client) retry(ctx context.Context, r Request, try func(attempt int) *Error) error {
	uncertain := false
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		failure := try(attempt)
		if failure == nil {
			return nil
		}
		uncertain = uncertain || failure.attemptMayHaveWorked()
		failure.Attempts, failure.Uncertain, failure.Waited = attempt, uncertain, waited
		if failure.Status == http.StatusTooManyRequests {
			// Others who wait for the token have done nothing wrong, and may have no deadline.
			r.Limiter.Pause(min(failure.RetryAfter, MaxRetryAfter))
		}
		if attempt > c.MaxRetries || ctx.Err() != nil || !worthRepeating(r, failure) {
			return failure
		}
		wait := backoff(attempt)
		if failure.RetryAfter > 0 {
			// The jitter comes on top: nobody returns before the moment that the server named,
			// and not all who wait for it return together.
			wait += failure.RetryAfter
		}
		if err := c.Clock.Sleep(ctx, wait); err != nil {
			return failure
		}
		waited += wait
	}
}

// worthRepeating tells whether r may, and should, be sent again after failure.
func worthRepeating(r Request, failure *Error) bool {
	if failure.RetryAfter > MaxRetryAfter {
		return false
	}
	switch failure.Kind {
	case NotSent:
		return isDial(failure.Err)
	case NoAnswer, Unreadable:
		return r.repeatable()
	case Refused:
		// 429 says that the request was not carried out; of a 5xx one can't be sure.
		if failure.Status == http.StatusTooManyRequests {
			return true
		}
		return r.repeatable() && temporary(failure.Status)
	case Untrusted:
		return false
	}
	return false
}

func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// backoff is exponential with full jitter: anything up to the bound, so that many who failed
// together do not return together.
func backoff(attempt int) time.Duration {
	bound := maxBackoff
	if shift := attempt - 1; shift < 6 {
		bound = min(firstBackoff<<shift, maxBackoff)
	}
	return rand.N(bound) //nolint:gosec // Jitter needs no cryptographic randomness.
}

// retryAfter reads both forms of the header, seconds and a date (RFC 9110, 10.2.3). It returns 0
// where there is none, or none that can be read.
func retryAfter(value string, now time.Time) time.Duration {
	// A number out of range is read as the largest one.
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return max(0, time.Duration(seconds)*time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
