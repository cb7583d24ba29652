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
	errGeneral = errors.New("the portal's token has expired")
	errOwn     = errors.New("the shop has no Klarna Checkout V3")
)

func isGeneral(err error) bool { return errors.Is(err, errGeneral) }

func TestBreaker_TripsAfterConsecutiveOutages(t *testing.T) {
	t.Parallel()
	repeat := func(n int, err error) []error { return slices.Repeat([]error{err}, n) }
	for name, test := range map[string]struct {
		noted []error
		want  error
	}{
		"nothing":               {},
		"one too few":           {noted: repeat(breakerThreshold-1, errGeneral)},
		"enough":                {repeat(breakerThreshold, errGeneral), errGeneral},
		"more":                  {repeat(breakerThreshold+5, errGeneral), errGeneral},
		"shops' own":            {noted: repeat(1000, errOwn)},
		"successes":             {noted: repeat(1000, nil)},
		"a success between":     {noted: slices.Concat(repeat(breakerThreshold-1, errGeneral), repeat(1, nil), repeat(breakerThreshold-1, errGeneral))},
		"a shop's own between":  {noted: slices.Concat(repeat(breakerThreshold-1, errGeneral), repeat(1, errOwn), repeat(breakerThreshold-1, errGeneral))},
		"over again":            {noted: slices.Concat(repeat(breakerThreshold, errGeneral), repeat(1, nil))},
		"a second, after a gap": {slices.Concat(repeat(1, errGeneral), repeat(1, nil), repeat(breakerThreshold, errGeneral)), errGeneral},
	} {
		o := breaker{isOutage: isGeneral}
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
	o := breaker{isOutage: isGeneral}
	underWay, another := o.start(), o.start()
	for range breakerThreshold - 1 {
		o.record(o.start(), errGeneral)
	}
	o.record(underWay, nil)
	if o.record(another, errGeneral); o.tripped() == nil {
		t.Error("a shop that was under way has ended the row")
	}
	if o.record(o.start(), nil); o.tripped() != nil {
		t.Error("a shop that was begun with after the failures has not ended the row")
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
		"half fail":     {func(_ func(), i int) error { return failIf(i%2 == 0, errOwn) }, shops, shops / 2, errOwn},
		"outage":        {func(func(), int) error { return errGeneral }, breakerThreshold + concurrency - 1, shops, errGeneral},
		"interruption":  {func(cancel func(), _ int) error { cancel(); return nil }, concurrency, -1, context.Canceled},
		"outage, later": {func(_ func(), i int) error { return failIf(i >= shops/2, errGeneral) }, shops/2 + breakerThreshold + concurrency - 1, -1, errGeneral},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := Fleet{Engine: New(Options{Clock: clock.System{}}), Concurrency: concurrency, IsOutage: isGeneral}
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
	f := Fleet{Engine: New(Options{Clock: clock.System{}}), Concurrency: 1, IsOutage: isGeneral, Members: []*Member{{Name: "slow"}, {Name: "quick"}}}
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
