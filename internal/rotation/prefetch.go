package rotation

import (
	"context"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Prefetcher reads shops ahead for callers that need one after the other, as Terraform does if every shop is a
// resource. It is safe for concurrent use.
type Prefetcher struct {
	shops *Shops

	mu sync.Mutex
	// requested has the shops that callers need.
	requested map[string]bool
	// remaining are the configured shops that were not read ahead, or nil before the first one is.
	remaining []string
	// started counts the reads ahead, and running those of them that have not ended.
	started, running int
}

const (
	// prefetchThreshold is how many shops callers need before others are read ahead. A small configuration may have
	// tokens for many shops that it does not use.
	prefetchThreshold = 3
	// prefetchTimeout limits a read ahead. A read of a page may have to wait for others, because few run at once.
	prefetchTimeout = 2 * time.Minute
)

// NewPrefetcher returns a prefetcher for shops.
func NewPrefetcher(shops *Shops) *Prefetcher {
	return &Prefetcher{shops: shops, requested: map[string]bool{}}
}

// PrefetchOthers records that the caller is about to read a shop, and reads others ahead. It never reads more shops
// ahead than callers have needed. So it reads few needless shops if the configuration uses few of the shops that it
// has tokens for.
func (p *Prefetcher) PrefetchOthers(ctx context.Context, name string) {
	for _, next := range p.next(name) {
		goSafely(func() { p.read(ctx, next) })
	}
}

// next returns the shops to read ahead when a caller needs name.
func (p *Prefetcher) next(name string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requested[name] = true
	if len(p.requested) <= prefetchThreshold {
		return nil
	}
	if p.remaining == nil {
		// If the names of the shops are unknown, nothing is read ahead.
		p.remaining, _ = p.shops.unread()
	}
	var next []string
	for len(p.remaining) > 0 && p.started < len(p.requested) && p.running < ConcurrentReads {
		candidate := p.remaining[0]
		p.remaining = p.remaining[1:]
		if !p.requested[candidate] {
			next = append(next, candidate)
			p.started++
			p.running++
		}
	}
	return next
}

// read reads a shop into the cache. A failure is not cached: the caller that needs the shop reads it again.
func (p *Prefetcher) read(ctx context.Context, name string) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
	}()
	ctx, cancel := clock.Detach(ctx, p.shops.clock, prefetchTimeout)
	defer cancel()
	_, _ = p.shops.Credentials(ctx, name)
}
