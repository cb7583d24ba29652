package rotation

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// runState is what the objects of one run share.
type runState struct {
	// deletingAbandoned is held by the goroutine that is in [Engine.DeleteAbandonedKeys]. It is not a mutex, because
	// a deletion may wait for a minute, and a cancelled run must not wait for it.
	deletingAbandoned *semaphore.Weighted

	mu sync.Mutex
	// cleared has the observations of shops from before this run cleared them. When Terraform replaces an object,
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
	// pending are deletions that may succeed once the run knows more about unreadable shops.
	pending []pendingKey
	// active counts the operations that are changing shops and keys.
	active int
}

func (r *runState) noteCleared(shop string, seen Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cleared == nil {
		r.cleared = map[string]Observation{}
	}
	r.cleared[shop] = seen
}

func (r *runState) clearedShop(shop string) (Observation, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.cleared[shop]
	return seen, ok
}

// Claim records that an object of the given kind owns a shop. It returns an [*OwnedTwiceError] if another object
// does: each would undo the other's changes at every apply. Call it once for each object and run.
func (e *Engine) Claim(shop, kind string) error {
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	if e.run.owners == nil {
		e.run.owners = map[string]string{}
	}
	// A shop's name is part of an address, where case does not count.
	name := strings.ToLower(shop)
	if first, owned := e.run.owners[name]; owned {
		return &OwnedTwiceError{Shop: shop, First: first, Second: kind}
	}
	e.run.owners[name] = kind
	return nil
}

// ForgetClaims forgets all claims. Call it when another run validates its objects with this engine.
func (e *Engine) ForgetClaims() {
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	e.run.owners = nil
}

// MarkManaged records that an object of this run manages a key, and deletes it when the object is destroyed or
// replaced.
func (e *Engine) MarkManaged(username string) {
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	if e.run.managed == nil {
		e.run.managed = map[string]bool{}
	}
	e.run.managed[username] = true
}

// IsManaged reports whether an object that this run has read manages a key.
func (e *Engine) IsManaged(username string) bool {
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	return e.run.managed[username]
}

// missed is a username that a shop held and that no list of its store had at a time.
type missed struct {
	Username string    `json:"username"`
	At       time.Time `json:"at"`
}

// missedTTL is how long an earlier run's miss of a key counts.
const missedTTL = time.Hour

// firstMissed returns when this run, or an earlier run on this machine, first missed the key that a shop holds. So
// the plan and its apply need not both wait for [PropagationDelay].
func (r *runState) firstMissed(cache LocalCache, shop string, now missed) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, ok := r.missed[shop]
	if !ok {
		first = cache.lastMissed(shop)
	}
	if first.Username != now.Username || now.At.Sub(first.At) > missedTTL || now.At.Before(first.At) {
		first = now
		cache.recordMissed(shop, now)
	}
	if r.missed == nil {
		r.missed = map[string]missed{}
	}
	r.missed[shop] = first
	return first.At
}

// forgetMissed records that the key of a shop was found.
func (r *runState) forgetMissed(cache LocalCache, shop string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.missed, shop)
	cache.forgetMissed(shop)
}

// isFirstNamed reports whether a key has not been named in this run before, and records that it now is.
func (r *runState) isFirstNamed(username string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.named == nil {
		r.named = map[string]bool{}
	}
	first := !r.named[username]
	r.named[username] = true
	return first
}
