package rotation

import (
	"context"
	"errors"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// shop is what is known about one shop.
type shop struct {
	name  string
	shops *Shops
	// sem is held while the shop is read or written, so that an answer from before a write does not replace
	// the written value.
	sem chan struct{}

	// The rest is guarded by in.mu.

	// known reports that the last read, at readAt, succeeded.
	known  bool
	readAt time.Time
	// failure is the error of the last read, at readAt.
	failure     error
	credentials mystore.Credentials
	// missing is set, and holds is empty, if the shop has no Klarna Checkout V3. certain reports that a second
	// read has confirmed it.
	missing          *mystore.NotInstalledError
	missingConfirmed bool
	// expected is the username that was last written, at expectedAt, and not seen since.
	expected   string
	expectedAt time.Time
	// written reports that this walk has given the shop a key.
	written bool
	// clearedUsername is the username that the shop had when this walk emptied it, until the walk gives it another key.
	clearedUsername string
	// stores are the stores that the shop is configured for, and seen the username that it was last seen with,
	// as far as objects of this walk have told.
	stores       map[string]bool
	lastUsername string
	// storeMayChange says that the shop may get a key of another store than its present one, so that its stores do not tell whose
	// key it has.
	storeMayChange bool
	// cachedStores is what an earlier walk was told of the shop, where it can't be read and no object of this one has had its
	// turn.
	cachedStores configuredStores
	// usedUsername is the username that the shop was seen to use, where its page does not show which key it has.
	usedUsername string
	// unmanaged says that Terraform has destroyed the shop's object and left the shop as it was: nothing in this
	// walk will move it to another key.
	unmanaged bool
}

// acquire waits for the shop's turn; the returned function gives it back.
func (h *shop) acquire(ctx context.Context) (func(), error) {
	select {
	case h.sem <- struct{}{}:
		return func() { <-h.sem }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cached returns what is known about the shop: what it holds, or why it can't hold anything.
func (h *shop) cached() (holds mystore.Credentials, missing error, known bool) {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	if h.missing != nil {
		return mystore.Credentials{}, h.missing, h.known
	}
	return h.credentials, nil, h.known
}

// setRead records the result of a read. After a failed read the shop is unknown: it may hold any key.
func (h *shop) setRead(holds mystore.Credentials, err error) {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	now := h.shops.clock.Now()
	var missing *mystore.NotInstalledError
	h.known = err == nil || errors.As(err, &missing)
	h.failure, h.readAt = err, now
	if !h.known {
		return
	}
	h.missingConfirmed = h.missingConfirmed && missing != nil
	h.credentials, h.missing, h.failure = holds, missing, nil
	if holds.KustomID != "" {
		h.lastUsername = holds.KustomID
		h.shops.seenUsernames[holds.KustomID] = true
	}
	// A stale read does not show an accepted write. Until it would, the shop counts as holding both keys.
	if holds.KustomID == h.expected || !now.Before(h.expectedAt.Add(PropagationDelay)) {
		h.expected = ""
	}
}

// startWrite records that username is about to be written. From now on the shop may hold it.
func (h *shop) startWrite(username string) {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	h.expected, h.expectedAt, h.unmanaged, h.written, h.usedUsername, h.clearedUsername = username, h.shops.clock.Now(), false, true, "", ""
}

// cancelWrite undoes expect: the write certainly did not happen.
func (h *shop) cancelWrite() {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	h.expected, h.written = "", false
}

// invalidate makes the shop unknown, because somebody may have changed it.
func (h *shop) invalidate() {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	h.known, h.failure, h.readAt = false, nil, time.Time{}
}

// isFresh tells whether the shop was read within FreshFor, and not before the given time.
func (h *shop) isFresh(notBefore time.Time) bool {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	return h.known && h.shops.clock.Now().Sub(h.readAt) < FreshFor && !h.readAt.Before(notBefore)
}

// wasWritten reports whether this walk has given the shop a key.
func (h *shop) wasWritten() bool {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	return h.written
}
