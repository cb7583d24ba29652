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
			w := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
			w.portal.before = func(kind, _ string, call int) error {
				if kind != discard || call > test.slow {
					return nil
				}
				w.clock.Advance(time.Minute)
				if test.taken {
					w.shops.move("a", "M1-old")
				}
				return outdatedError{}
			}
			err := w.engine.DeleteUnused(t.Context(), orphan("M1-old"), 0)
			w.wantKeys(test.keys...)
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
	w := newTestEnv(t, nil, m1("M1-old"))
	w.portal.before = func(kind, _ string, call int) error {
		if kind == discard && call == 1 {
			return outdatedError{}
		}
		return nil
	}
	if err := w.engine.Keys.Delete(t.Context(), orphan("M1-old")); err != nil {
		t.Fatal(err)
	}
	w.wantKeys()
}

// TestDelete_DoesNotRepeatWhatNobodyKnows: the portal's answer was lost, then the portal was out of reach for long.
func TestDelete_DoesNotRepeatWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
	late := *errLost
	late.Late = true
	w.portal.before = func(kind, _ string, _ int) error {
		if kind == discard || w.portal.called(discard) > 0 {
			return &late
		}
		return nil
	}
	if err := w.engine.DeleteUnused(t.Context(), orphan("M1-old"), 0); err == nil || transport.IsOutdated(err) {
		t.Errorf("the error is %v", err)
	}
	if n := w.portal.called(discard); n != 1 {
		t.Errorf("it asked for the deletion %d times", n)
	}
}
