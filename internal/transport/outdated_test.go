package transport_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

type outdatedError struct{}

func (outdatedError) Error() string  { return "the proofs are old" }
func (outdatedError) Outdated() bool { return true }

func TestWhileOutdated_DoesItAgain(t *testing.T) {
	t.Parallel()
	other := errors.New("something else")
	old := fmt.Errorf("trying: %w", outdatedError{})
	for name, test := range map[string]struct {
		answers []error
		times   int
		want    error
	}{
		"at once":        {[]error{nil}, 1, nil},
		"refused":        {[]error{other}, 1, other},
		"outdated once":  {[]error{old, nil}, 2, nil},
		"then refused":   {[]error{old, other}, 2, other},
		"always too old": {[]error{old, old, old}, 3, old},
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
