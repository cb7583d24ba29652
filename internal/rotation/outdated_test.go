package rotation_test

import (
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// outdatedError says that a person has allowed a deletion after a while.
type outdatedError struct{}

func (outdatedError) Error() string    { return "allowed after a while" }
func (outdatedError) Outdated() bool   { return true }
func (outdatedError) DidNothing() bool { return true }

// TestDeleteUnused_AsksShopsAgainAfterASlowOK: meanwhile another run may have given a shop the key.
func TestDeleteUnused_AsksShopsAgainAfterASlowOK(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// taken says that a shop gets the key while the person thinks; slow is how often they do.
		taken bool
		slow  int
		keys  []string
	}{
		"nobody uses it":     {false, 1, []string{"M1-new"}},
		"a shop has got it":  {true, 1, []string{"M1-old", "M1-new"}},
		"always too slow":    {false, 99, []string{"M1-old", "M1-new"}},
		"answered at once":   {false, 0, []string{"M1-new"}},
		"slow a second time": {false, 2, []string{"M1-new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
			env.portal.before = func(kind, _ string, call int) error {
				if kind != deleteCall || call > test.slow {
					return nil
				}
				env.clock.Advance(time.Minute)
				if test.taken {
					env.shops.set("a", "M1-old")
				}
				return outdatedError{}
			}
			err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0)
			env.wantKeys(test.keys...)
			switch {
			case test.taken:
				wantInUse(t, err)
			case transport.IsOutdated(err) != (len(test.keys) == 2):
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestDelete_OfOwnKeyWaitsForTheOK: nobody has to be asked about a key whose secret has gone nowhere.
func TestDelete_OfOwnKeyWaitsForTheOK(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil, m1("M1-old"))
	env.portal.before = func(kind, _ string, call int) error {
		if kind == deleteCall && call == 1 {
			return outdatedError{}
		}
		return nil
	}
	if err := env.engine.Keys.Delete(t.Context(), orphan("M1-old")); err != nil {
		t.Fatal(err)
	}
	env.wantKeys()
}
