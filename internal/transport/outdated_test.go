package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

type outdatedError struct{}

func (outdatedError) Error() string  { return "the proofs are old" }
func (outdatedError) Outdated() bool { return true }

func TestWhileOutdated_Repeats(t *testing.T) {
	t.Parallel()
	other := errors.New("something else")
	old := fmt.Errorf("trying: %w", outdatedError{})
	for name, test := range map[string]struct {
		answers []error
		times   int
		want    error
	}{
		"done":                   {[]error{nil}, 1, nil},
		"refused":                {[]error{other}, 1, other},
		"outdated once":          {[]error{old, nil}, 2, nil},
		"outdated, then refused": {[]error{old, other}, 2, other},
		"always outdated":        {[]error{old, old, old}, 3, old},
	} {
		times := 0
		err := transport.WhileOutdated(func() error {
			times++
			return test.answers[times-1]
		})
		if times != test.times || !errors.Is(err, test.want) {
			t.Errorf("%s: %d times, error %v", name, times, err)
		}
	}
}

// After a long wait, the caller's reads are out of date. The error keeps the server's reason, and whether the server
// may have processed the request.
func TestDo_SendsNoOutdatedRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		within    time.Duration
		answer    http.HandlerFunc
		outdated  bool
		status    int
		uncertain bool
	}{
		"rate-limited for long":     {transport.FreshFor, refuse(http.StatusTooManyRequests, "Retry-After", "30"), true, http.StatusTooManyRequests, false},
		"unavailable for long":      {transport.FreshFor, refuse(http.StatusServiceUnavailable, "Retry-After", "30"), true, http.StatusServiceUnavailable, true},
		"rate-limited for a moment": {transport.FreshFor, refuse(http.StatusTooManyRequests, "Retry-After", "1"), false, 0, false},
		"rate-limited, never late":  {0, refuse(http.StatusTooManyRequests, "Retry-After", "30"), false, 0, false},
		"never repeated":            {transport.FreshFor, refuse(http.StatusBadRequest), false, http.StatusBadRequest, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 3, test.answer, ok())
			r := request(http.MethodDelete)
			r.SendWithin = test.within
			_, err := env.do(t.Context(), r)
			if transport.IsOutdated(err) != test.outdated || (err == nil) != (test.status == 0) || transport.IsUncertain(err) != test.uncertain {
				t.Fatalf("the error is %v", err)
			}
			if err != nil && !transport.IsStatus(err, test.status) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
