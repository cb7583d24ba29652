package rotation

import (
	"context"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// slots bound how many shops are worked on at once. One that waits, because a vendor has asked for it or
// a key takes a while to be made, makes room for another. When its wait is over it resumes immediately, even
// above the limit: the others may be waiting for what this one has begun.
type slots struct {
	limit int

	mu sync.Mutex
	// freed is signalled when there may be room.
	freed *sync.Cond
	// active are the shops that are begun with and not done, and yielding those of them that wait.
	active, sleeping int
}

func newSlots(limit int) *slots {
	s := &slots{limit: limit}
	s.freed = sync.NewCond(&s.mu)
	return s
}

// acquire waits for room. However many shops wait, no more are begun with than twice the limit: an
// interruption has to find few of them half done.
func (s *slots) acquire() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.active-s.sleeping >= s.limit || s.active >= 2*s.limit {
		s.freed.Wait()
	}
	s.active++
	return &slot{slots: s}
}

// slot is one shop's. Several goroutines may work for it.
type slot struct {
	*slots
	// sleepers is guarded by mu.
	sleepers int
}

// release gives the slot back.
func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.freed.Signal()
}

// yield makes room until the returned function is called.
func (s *slot) yield() (resume func()) {
	s.sleep(1)
	return func() { s.sleep(-1) }
}

func (s *slot) sleep(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := min(s.sleepers, 1)
	s.sleepers += more
	s.sleeping += min(s.sleepers, 1) - before
	s.freed.Signal()
}

type slotKey struct{}

// context returns a context whose work has the slot.
func (s *slot) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, slotKey{}, s)
}

// yieldingClock is a clock on which a shop of a fleet that sleeps makes room for another.
type yieldingClock struct{ clock.Clock }

// YieldingClock returns a clock like c on which a shop of a [Fleet] makes room for another one while it sleeps. Vendors'
// clients that wait are to use it too.
func YieldingClock(c clock.Clock) clock.Clock { return yieldingClock{c} }

// Sleep implements [clock.Clock].
func (c yieldingClock) Sleep(ctx context.Context, d time.Duration) error {
	if s, ok := ctx.Value(slotKey{}).(*slot); ok {
		defer s.yield()()
	}
	return c.Clock.Sleep(ctx, d)
}
