package transport_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
)

// longestWait is the longest single wait: the longest Retry-After that the client accepts, and the longest
// jitter.
const longestWait = 5*time.Minute + 20*time.Second

// FuzzRetryAfter sends arbitrary values of the header.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "7", "300", "301", "-5", "+5", "007", "1.5", "soon", "99999999999", "-99999999999", "2147483648",
		"9223372036854775808", " 7", "7 ", "0x10", "1_000", "١",
		noon.Add(time.Minute).Format(http.TimeFormat), noon.Add(-time.Hour).Format(http.TimeFormat),
		noon.Add(time.Hour).Format(time.RFC850), noon.Add(time.Hour).Format(time.ANSIC),
		"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			clk := clocktest.New(noon)
			client := clientOver(transporttest.Answer{Status: status, RetryAfter: value}, 3, clk)
			r := request(http.MethodGet)
			r.Limiter = transport.NewLimiter(120, clk)
			_, err := transport.Do[answer](t.Context(), client, r)
			wantRetryAfterObeyed(t, err, value)
			// An unrelated request waits for the same token.
			_, err = transport.Do[answer](t.Context(), client, r)
			wantRetryAfterObeyed(t, err, value)
			for _, slept := range clk.Slept() {
				if slept < 0 || slept > longestWait {
					t.Errorf("it waits for %v", slept)
				}
			}
		}
	})
}

// wantRetryAfterObeyed fails the test unless the failure waits as the header asks, or ends the attempts.
func wantRetryAfterObeyed(t *testing.T, err error, value string) {
	t.Helper()
	transporttest.FitToShow(t, err, "no secret is involved")
	var failure *transport.Error
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v", err)
	}
	if failure.RetryAfter < 0 {
		t.Errorf("it asks for a wait of %v", failure.RetryAfter)
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil && failure.RetryAfter != time.Duration(seconds)*time.Second {
		t.Errorf("%q is read as %v", value, failure.RetryAfter)
	}
	if failure.RetryAfter > 5*time.Minute && failure.Attempts > 1 {
		t.Errorf("it was repeated within the %v that the server asks for", failure.RetryAfter)
	}
}
