package clocktest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Scaled is a clock that runs faster than the real one, for tests in which real work happens during a wait. The zero
// value is not usable; see [NewScaled].
type Scaled struct {
	start  time.Time
	factor int
	ahead  atomic.Int64
}

var _ clock.Clock = (*Scaled)(nil)

// NewScaled returns a clock that shows the present and runs factor times as fast.
func NewScaled(factor int) *Scaled { return NewScaledFrom(time.Now(), factor) }

// NewScaledFrom returns a clock that showed the real time at start and runs factor times as fast since. Two processes
// with the same arguments have the same time.
func NewScaledFrom(start time.Time, factor int) *Scaled { return &Scaled{start: start, factor: factor} }

// Now implements [clock.Clock].
func (s *Scaled) Now() time.Time {
	return s.start.Add(time.Since(s.start)*time.Duration(s.factor) + time.Duration(s.ahead.Load()))
}

// Advance advances the clock by d.
func (s *Scaled) Advance(d time.Duration) { s.ahead.Add(int64(d)) }

// Sleep implements [clock.Clock].
func (s *Scaled) Sleep(ctx context.Context, d time.Duration) error {
	if err := clock.Check(ctx, s.Now(), d); err != nil {
		return err
	}
	return clock.System{}.Sleep(ctx, d/time.Duration(s.factor))
}
