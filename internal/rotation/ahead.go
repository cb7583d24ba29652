package rotation

import (
	"context"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Ahead is Shops for those who ask for one shop after another, as Terraform does where every shop is a
// resource of its own: while they wait for one answer, it asks for others that they will want. It is
// safe for concurrent use.
type Ahead struct {
	*Shops

	mu sync.Mutex
	// asked are the shops that somebody has asked for.
	asked map[string]bool
	// rest are the configured shops that have not been read ahead; nil before the first one is.
	rest []string
	// begun is how many reads were begun ahead, and running how many of them have not ended.
	begun, running int
}

// fewShops is how many shops are asked for before any is read ahead: somebody who works on these few
// does not want to hear of all others that there are tokens for.
const fewShops = 3

// NewAhead returns what reads shops ahead.
func NewAhead(shops *Shops) *Ahead { return &Ahead{Shops: shops, asked: map[string]bool{}} }

// Credentials returns what a shop holds, as [Shops.Credentials] does. It makes sure that never more
// shops are read ahead than have been asked for: where a configuration has only some of the shops that
// there are tokens for, that is the most that can be in vain.
func (a *Ahead) Credentials(ctx context.Context, name string) (mystore.Credentials, error) {
	for _, next := range a.next(name) {
		go a.read(ctx, next)
	}
	return a.Shops.Credentials(ctx, name)
}

// next returns the shops to read ahead now that somebody asks for name.
func (a *Ahead) next(name string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[name] = true
	if len(a.asked) <= fewShops {
		return nil
	}
	if a.rest == nil {
		// Who can't know the shops does not read ahead.
		a.rest, _ = a.allUnread()
	}
	var next []string
	for len(a.rest) > 0 && a.begun < len(a.asked) && a.running < ConcurrentReads {
		candidate := a.rest[0]
		a.rest = a.rest[1:]
		if !a.asked[candidate] {
			next = append(next, candidate)
			a.begun++
			a.running++
		}
	}
	return next
}

// aheadTimeout bounds a read of a shop that nobody waits for yet. Whoever began it may be done long
// before. By its pages, where only a few can be read at once, a shop may have to wait for its turn.
const aheadTimeout = 2 * time.Minute

// read reads a shop. Whoever asks for it hears of a failure, because that is not remembered.
func (a *Ahead) read(ctx context.Context, name string) {
	ctx, cancel := clock.Detach(ctx, a.clock, aheadTimeout)
	defer cancel()
	_, _ = a.Shops.Credentials(ctx, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running--
}
