package rotation

import (
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// shop is the cached state of one shop.
type shop struct {
	name  string
	shops *Shops
	// turn is held during each read or write of the shop, so that an answer from before a write does not replace
	// the written value.
	turn *semaphore.Weighted

	// The fields below are guarded by shops.mu.

	// known reports that the last read, at readAt, succeeded.
	known  bool
	readAt time.Time
	// failure is the error of the last read, at readAt.
	failure     error
	credentials mystore.Credentials
	// missing is set, and credentials is empty, if the shop has no Klarna Checkout V3. missingConfirmed reports
	// that a second read has confirmed it.
	missing          *mystore.NotInstalledError
	missingConfirmed bool
	// expected is the username that was last written, at expectedAt, and that no read has shown since.
	expected   string
	expectedAt time.Time
	// written reports that this run has installed a key in the shop.
	written bool
	// clearedUsername is the username that the shop had when this run cleared it. It is empty once the run
	// installs a key.
	clearedUsername string
	// stores and lastUsername are what objects of this run know: the configured stores, and the username that the
	// shop was last seen with.
	stores       map[string]bool
	lastUsername string
	// lastStore is the store of lastUsername; empty if that names none. It is kept, because each deletion asks it of
	// every shop.
	lastStore string
	// storeMayChange reports that the shop may change to another store, so stores do not tell whose key it has.
	storeMayChange bool
	// cachedStores is what an earlier run knew about an unreadable shop, until an object of this run knows more.
	cachedStores configuredStores
	// usedUsername is the username that the shop was seen to use, if its page does not show which key it has.
	usedUsername string
	// unmanaged reports that this run has destroyed the shop's object and left the shop unchanged. No later step
	// of the run gives it another key.
	unmanaged bool
}

// cached returns the cached credentials, or why the shop has none, and whether they are known.
func (h *shop) cached() (credentials mystore.Credentials, missing error, known bool) {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	if h.missing != nil {
		return mystore.Credentials{}, h.missing, h.known
	}
	return h.credentials, nil, h.known
}

// setRead caches the result of a read. After a failed read, the shop is unknown: it may hold any key.
func (h *shop) setRead(credentials mystore.Credentials, err error) {
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
	h.credentials, h.missing, h.failure = credentials, missing, nil
	if credentials.KustomID != "" {
		h.setLastUsername(credentials.KustomID)
		h.shops.seenUsernames[credentials.KustomID] = true
	}
	// A stale read does not show an accepted write. Until reads can't be stale, the shop counts as holding both
	// keys.
	if credentials.KustomID == h.expected || !now.Before(h.expectedAt.Add(PropagationDelay)) {
		h.expected = ""
	}
}

// startWrite records that username is about to be written. From now on, the shop may hold it.
func (h *shop) startWrite(username string) {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	h.expected, h.expectedAt, h.unmanaged, h.written, h.usedUsername, h.clearedUsername = username, h.shops.clock.Now(), false, true, "", ""
}

// cancelWrite undoes startWrite, because nothing was written.
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

// setLastUsername sets the username that the shop was last seen with. The caller holds shops.mu.
func (h *shop) setLastUsername(username string) {
	h.lastUsername = username
	h.lastStore, _ = storeIn(username)
}

// isFresh reports whether the shop was read within [FreshFor] and not before notBefore.
func (h *shop) isFresh(notBefore time.Time) bool {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	return h.known && h.shops.clock.Now().Sub(h.readAt) < FreshFor && !h.readAt.Before(notBefore)
}

// wasWritten reports whether this run has installed a key in the shop.
func (h *shop) wasWritten() bool {
	h.shops.mu.Lock()
	defer h.shops.mu.Unlock()
	return h.written
}

// isUnreadable is [Shops.IsUnreadable] of the shop. The caller holds shops.mu.
func (h *shop) isUnreadable() bool {
	return !h.known && h.failure != nil && !mystore.IsNotShown(h.failure)
}
