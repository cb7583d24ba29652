package rotation

import (
	"context"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// postponed has the confirmations of a shop that wait until all shops of a fleet are done, so that one listing
// serves all. It is safe for concurrent use.
type postponed struct {
	mu sync.Mutex
	// deleted are keys whose deletion the portal accepted.
	deleted []kustom.Orphan
	// installed is the key that the shop got, or nil.
	installed *kustom.Key
}

type postponedKey struct{}

// context returns a context in which confirmations are postponed.
func (p *postponed) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, postponedKey{}, p)
}

// postponeDeleted postpones the confirmation of a deletion. It returns false if ctx does not allow that.
func postponeDeleted(ctx context.Context, key kustom.Orphan) bool {
	p, ok := ctx.Value(postponedKey{}).(*postponed)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deleted = append(p.deleted, key)
	return true
}

// postponeInstalled postpones the check that an installed key exists. It returns false if ctx does not allow that.
func postponeInstalled(ctx context.Context, key kustom.Key) bool {
	p, ok := ctx.Value(postponedKey{}).(*postponed)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.installed = &key
	return true
}
