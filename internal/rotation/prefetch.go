package rotation

import (
	"context"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Prefetcher reads shops ahead for those who need one shop after another, as Terraform does where every shop is
// a resource of its own: while they wait for one answer, it asks for others that they will want. It is safe for
// concurrent use.
type Prefetcher struct {
	shops *Shops

	mu sync.Mutex
	// requested are the shops that somebody has asked for.
	requested map[string]bool
	// remaining are the configured shops that have not been read ahead; nil before the first one is.
	remaining []string
	// started is how many reads were begun ahead, and running how many of them have not ended.
	started, running int
}

const (
	// prefetchThreshold is how many shops are asked for before any is read ahead: a configuration of a few shops
	// needs none of the others that there are tokens for.
	prefetchThreshold = 3
	// prefetchTimeout bounds a read of a shop that nobody waits for yet. By its pages, where only a few can be
	// read at once, a shop may have to wait for its turn.
	prefetchTimeout = 2 * time.Minute
)

// NewPrefetcher returns what reads shops ahead.
func NewPrefetcher(shops *Shops) *Prefetcher {
	return &Prefetcher{shops: shops, requested: map[string]bool{}}
}

// PrefetchOthers says that somebody is about to read a shop, and reads others ahead. It never reads more shops ahead than
// have been wanted: where a configuration has only some of the shops that there are tokens for, that bounds the
// reads in vain.
func (p *Prefetcher) PrefetchOthers(ctx context.Context, name string) {
	for _, next := range p.next(name) {
		goSafely(func() { p.read(ctx, next) })
	}
}

// next returns the shops to read ahead now that somebody wants name.
func (p *Prefetcher) next(name string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requested[name] = true
	if len(p.requested) <= prefetchThreshold {
		return nil
	}
	if p.remaining == nil {
		// Where the shops can't be known, nothing is read ahead.
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

// read reads a shop. It does not remember a failure: the next caller reads the shop again and gets its own error.
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
