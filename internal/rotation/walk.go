package rotation

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// walk is what the objects of one walk share.
type walk struct {
	// deletingAbandoned is held by the goroutine that is in [Engine.DeleteAbandonedKeys]. It is not a mutex, because
	// a deletion may wait for a minute, and a cancelled run must not wait for it.
	deletingAbandoned *semaphore.Weighted

	mu sync.Mutex
	// cleared has the observations of shops from before this walk cleared them. When Terraform replaces an object,
	// it plans the new one again after the old one is destroyed, and rejects the apply if that plan differs from
	// the first.
	cleared map[string]Observation
	// owners has the kind of object that owns each shop.
	owners map[string]string
	// missed has, for each shop, the key that it uses and that the portal did not list.
	missed map[string]missed
	// managed has the usernames of keys that objects manage.
	managed map[string]bool
	// named has the usernames of the keys that were reported to the user as possible orphans.
	named map[string]bool
	// pending are deletions that may succeed once the walk knows more about unreadable shops.
	pending []pendingKey
	// active counts the operations that are changing shops and keys.
	active int
}

func (w *walk) noteCleared(shop string, seen Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cleared == nil {
		w.cleared = map[string]Observation{}
	}
	w.cleared[shop] = seen
}

func (w *walk) clearedShop(shop string) (Observation, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, ok := w.cleared[shop]
	return seen, ok
}

// Claim records that an object of the given kind owns a shop. It returns an [*OwnedTwiceError] if another object
// does: each would undo the other's changes at every apply. Call it once for each object and walk.
func (e *Engine) Claim(shop, kind string) error {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	if e.walk.owners == nil {
		e.walk.owners = map[string]string{}
	}
	// A shop's name is part of an address, where case does not count.
	name := strings.ToLower(shop)
	if first, owned := e.walk.owners[name]; owned {
		return &OwnedTwiceError{Shop: shop, First: first, Second: kind}
	}
	e.walk.owners[name] = kind
	return nil
}

// ForgetClaims forgets all claims. Call it when another run validates its objects with this engine.
func (e *Engine) ForgetClaims() {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	e.walk.owners = nil
}

// MarkManaged records that an object of this walk manages a key, and deletes it when the object is destroyed or
// replaced.
func (e *Engine) MarkManaged(username string) {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	if e.walk.managed == nil {
		e.walk.managed = map[string]bool{}
	}
	e.walk.managed[username] = true
}

// IsManaged reports whether an object that this walk has read manages a key.
func (e *Engine) IsManaged(username string) bool {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	return e.walk.managed[username]
}

// missed is a username that a shop held and that no list of its store had at a time.
type missed struct {
	Username string    `json:"username"`
	At       time.Time `json:"at"`
}

// missedTTL is how long an earlier run's miss of a key counts.
const missedTTL = time.Hour

// firstMissed returns when this walk, or an earlier run on this machine, first missed the key that a shop holds. So
// the plan and its apply need not both wait for [PropagationDelay].
func (w *walk) firstMissed(cache LocalCache, shop string, now missed) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, ok := w.missed[shop]
	if !ok {
		first = cache.lastMissed(shop)
	}
	if first.Username != now.Username || now.At.Sub(first.At) > missedTTL || now.At.Before(first.At) {
		first = now
		cache.recordMissed(shop, now)
	}
	if w.missed == nil {
		w.missed = map[string]missed{}
	}
	w.missed[shop] = first
	return first.At
}

// forgetMissed records that the key of a shop was found.
func (w *walk) forgetMissed(cache LocalCache, shop string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.missed, shop)
	cache.forgetMissed(shop)
}

// isFirstNamed reports whether a key has not been named in this walk before, and records that it now is.
func (w *walk) isFirstNamed(username string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.named == nil {
		w.named = map[string]bool{}
	}
	first := !w.named[username]
	w.named[username] = true
	return first
}
