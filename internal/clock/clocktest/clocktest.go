// Package clocktest has a clock for tests.
package clocktest

import (
	"context"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Fake is a clock that moves only with Advance and Sleep. Sleep returns immediately and advances the clock. The zero
// value is not usable; see [New].
type Fake struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

var _ clock.Clock = (*Fake)(nil)

// New returns a clock that shows now.
func New(now time.Time) *Fake { return &Fake{now: now} }

// Now implements [clock.Clock].
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Sleep implements [clock.Clock].
func (f *Fake) Sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := clock.Check(ctx, f.now, d); err != nil {
		return err
	}
	f.now = f.now.Add(max(d, 0))
	f.slept = append(f.slept, d)
	return nil
}

// Advance advances the clock by d.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Slept returns the lengths of all sleeps so far, in order.
func (f *Fake) Slept() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Duration(nil), f.slept...)
}
