package rotation

import (
	"sync"
	"time"
)

// walk is what the objects of a walk share.
type walk struct {
	// deletingLost is held by the one who deletes keys that were lost.
	deletingLost sync.Mutex

	mu sync.Mutex
	// cleared are the shops that were cleared in this walk, as they were before. Where Terraform replaces an
	// object, it plans the new one again after the old one is gone, and rejects the apply if the shop's
	// condition then leads to another plan.
	cleared map[string]Observation
	// owners has what kind of object each shop is in.
	owners map[string]string
	// missed are the keys that shops hold and that were not listed.
	missed map[string]missed
	// managed are the usernames of the keys that objects of their own have.
	managed map[string]bool
	// named are the usernames of the keys that a person was told of as left behind.
	named map[string]bool
	// pending are keys whose deletion waits for what the walk learns of shops.
	pending []pendingKey
	// active counts the objects that are changing shops and keys.
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

// Claim notes that an object of the configuration, of the given kind, owns a shop. The error is an
// [*OwnedTwiceError] where another one does: each would undo what the other has done, at every apply. It is to
// be called once for each object and walk.
func (e *Engine) Claim(shop, kind string) error {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	if e.walk.owners == nil {
		e.walk.owners = map[string]string{}
	}
	if first, owned := e.walk.owners[shop]; owned {
		return &OwnedTwiceError{Shop: shop, First: first, Second: kind}
	}
	e.walk.owners[shop] = kind
	return nil
}

// ForgetClaims forgets what [Engine.Claim] has noted: another run validates its objects with this engine.
func (e *Engine) ForgetClaims() {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	e.walk.owners = nil
}

// MarkManaged notes that an object of this walk has a key of its own, and deletes it when it is destroyed or replaced.
func (e *Engine) MarkManaged(username string) {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	if e.walk.managed == nil {
		e.walk.managed = map[string]bool{}
	}
	e.walk.managed[username] = true
}

// IsManaged tells whether an object of this walk that was read so far has a key.
func (e *Engine) IsManaged(username string) bool {
	e.walk.mu.Lock()
	defer e.walk.mu.Unlock()
	return e.walk.managed[username]
}

// missed is a username that a shop held, and that no list of its store had at a time.
type missed struct {
	Username string    `json:"username"`
	At       time.Time `json:"at"`
}

// missedTTL is how long it counts that an earlier run has missed a key.
const missedTTL = time.Hour

// firstMissed returns when the key that a shop holds was first missed, by this walk or by an earlier run of this machine:
// the plan and the apply need not both wait for the portal's lag.
func (w *walk) firstMissed(sightings LocalCache, shop string, now missed) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, ok := w.missed[shop]
	if !ok {
		first = sightings.lastMissed(shop)
	}
	if first.Username != now.Username || now.At.Sub(first.At) > missedTTL || now.At.Before(first.At) {
		first = now
		sightings.recordMissed(shop, now)
	}
	if w.missed == nil {
		w.missed = map[string]missed{}
	}
	w.missed[shop] = first
	return first.At
}

// forgetMissed forgets that the key of a shop was missed.
func (w *walk) forgetMissed(sightings LocalCache, shop string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.missed, shop)
	sightings.forgetMissed(shop)
}

// isFirstNamed tells whether a key has not been named in this walk yet, and notes that it has.
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
