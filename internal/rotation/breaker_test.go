package rotation

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

var (
	errOutage = errors.New("the portal's token has expired")
	errShop   = errors.New("the shop has no Klarna Checkout V3")
)

func isOutage(err error) bool { return errors.Is(err, errOutage) }

func TestBreaker_TripsAfterConsecutiveOutages(t *testing.T) {
	t.Parallel()
	repeat := func(n int, err error) []error { return slices.Repeat([]error{err}, n) }
	for name, test := range map[string]struct {
		noted []error
		want  error
	}{
		"nothing":                     {},
		"one too few":                 {noted: repeat(breakerThreshold-1, errOutage)},
		"enough":                      {repeat(breakerThreshold, errOutage), errOutage},
		"more":                        {repeat(breakerThreshold+5, errOutage), errOutage},
		"failures of shops":           {noted: repeat(1000, errShop)},
		"successes":                   {noted: repeat(1000, nil)},
		"a success between":           {noted: slices.Concat(repeat(breakerThreshold-1, errOutage), repeat(1, nil), repeat(breakerThreshold-1, errOutage))},
		"a failure of a shop between": {noted: slices.Concat(repeat(breakerThreshold-1, errOutage), repeat(1, errShop), repeat(breakerThreshold-1, errOutage))},
		"enough, then a success":      {noted: slices.Concat(repeat(breakerThreshold, errOutage), repeat(1, nil))},
		"one, a success, then enough": {slices.Concat(repeat(1, errOutage), repeat(1, nil), repeat(breakerThreshold, errOutage)), errOutage},
	} {
		o := breaker{isOutage: isOutage}
		for _, err := range test.noted {
			o.record(o.start(), err)
		}
		if got := o.tripped(); !errors.Is(got, test.want) {
			t.Errorf("%s: the cause is %v, want %v", name, got, test.want)
		}
	}
}

// A shop that started before the failures may have been past the part that stopped working.
func TestBreaker_IgnoresEarlierShops(t *testing.T) {
	t.Parallel()
	o := breaker{isOutage: isOutage}
	underWay, another := o.start(), o.start()
	for range breakerThreshold - 1 {
		o.record(o.start(), errOutage)
	}
	o.record(underWay, nil)
	if o.record(another, errOutage); o.tripped() == nil {
		t.Error("a shop that started before the failures resets the count")
	}
	if o.record(o.start(), nil); o.tripped() != nil {
		t.Error("a shop that started after the failures does not reset the count")
	}
}

// The shops that it does not start have failed. Failures are in the order of the members.
func TestEach_StopsInOutageOrInterruption(t *testing.T) {
	t.Parallel()
	const shops, concurrency = 200, 8
	for name, test := range map[string]struct {
		do func(cancel func(), i int) error
		// most is the maximum number of started shops. failed is the number of failures, or -1 for at least the
		// unstarted shops.
		most, failed int
		cause        error
	}{
		"no failure":    {func(func(), int) error { return nil }, shops, 0, nil},
		"half fail":     {func(_ func(), i int) error { return failIf(i%2 == 0, errShop) }, shops, shops / 2, errShop},
		"outage":        {func(func(), int) error { return errOutage }, breakerThreshold + concurrency - 1, shops, errOutage},
		"interruption":  {func(cancel func(), _ int) error { cancel(); return nil }, concurrency, -1, context.Canceled},
		"outage, later": {func(_ func(), i int) error { return failIf(i >= shops/2, errOutage) }, shops/2 + breakerThreshold + concurrency - 1, -1, errOutage},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := Fleet{Engine: New(Options{Clock: clock.System{}}), Concurrency: concurrency, IsOutage: isOutage}
			index := map[*Member]int{}
			for i := range shops {
				f.Members = append(f.Members, &Member{})
				index[f.Members[i]] = i
			}
			var s started
			failures := f.each(ctx, time.Minute, func(_ context.Context, m *Member) error {
				defer s.begin()()
				return test.do(cancel, index[m])
			})
			if s.all > test.most || s.atOnce > concurrency {
				t.Errorf("%d shops were started, %d at once, want at most %d and %d", s.all, s.atOnce, test.most, concurrency)
			}
			if test.failed >= 0 && len(failures) != test.failed || len(failures) < shops-s.all {
				t.Errorf("%d shops failed and %d were started, want %d failures", len(failures), s.all, test.failed)
			}
			for i, failure := range failures {
				if !errors.Is(failure.Err, test.cause) || index[failure.Member] != failure.Index || i > 0 && failures[i-1].Index >= failure.Index {
					t.Fatalf("failure %d is of shop %d: %v", i, failure.Index, failure.Err)
				}
			}
		})
	}
}

func failIf(fails bool, err error) error {
	if fails {
		return err
	}
	return nil
}

func TestEach_LimitsTimeOfEachMember(t *testing.T) {
	t.Parallel()
	f := Fleet{Engine: New(Options{Clock: clock.System{}}), Concurrency: 1, IsOutage: isOutage, Members: []*Member{{Name: "slow"}, {Name: "quick"}}}
	failures := f.each(t.Context(), time.Millisecond, func(ctx context.Context, m *Member) error {
		if m.Name == "slow" {
			<-ctx.Done()
		}
		return failIf(m.Name == "slow", ctx.Err())
	})
	if len(failures) != 1 || failures[0].Member.Name != "slow" || !errors.Is(failures[0].Err, context.DeadlineExceeded) {
		t.Errorf("the failures are %+v", failures)
	}
}
