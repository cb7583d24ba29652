package rotation

import (
	"context"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// slots is a semaphore that limits how many shops are worked on at once. A shop that waits, for a rate limit or for
// a new key, frees its slot for another one. After its wait, it resumes immediately, even above the limit:
// otherwise it could wait for shops that wait for it.
type slots struct {
	limit int

	mu sync.Mutex
	// freed is signalled when a slot may be free.
	freed *sync.Cond
	// active counts the shops that have a slot, and sleeping those of them that wait.
	active, sleeping int
}

func newSlots(limit int) *slots {
	s := &slots{limit: limit}
	s.freed = sync.NewCond(&s.mu)
	return s
}

// acquire waits for a slot. However many shops wait, at most twice the limit are active: an interruption should
// find few of them half done.
func (s *slots) acquire() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.active-s.sleeping >= s.limit || s.active >= 2*s.limit {
		s.freed.Wait()
	}
	s.active++
	return &slot{slots: s}
}

// slot is the slot of one shop. Several goroutines may work for the shop.
type slot struct {
	*slots
	// sleepers counts the shop's goroutines that wait. It is guarded by mu.
	sleepers int
}

// release frees the slot.
func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.freed.Signal()
}

// yield frees the slot until resume is called.
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

// context returns a context for the work in this slot.
func (s *slot) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, slotKey{}, s)
}

// yieldingClock frees the slot of a shop while the shop sleeps.
type yieldingClock struct{ clock.Clock }

// YieldingClock returns a clock like c that frees the slot of a [Fleet] while it sleeps. Vendors' clients that wait
// must use it too.
func YieldingClock(c clock.Clock) clock.Clock { return yieldingClock{c} }

// Sleep implements [clock.Clock].
func (c yieldingClock) Sleep(ctx context.Context, d time.Duration) error {
	if s, ok := ctx.Value(slotKey{}).(*slot); ok {
		defer s.yield()()
	}
	return c.Clock.Sleep(ctx, d)
}
