package browsertest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// Waits counts the waits for pages. Its Observe is for [browser.Options]. It is safe for concurrent use.
type Waits struct{ count, quiet atomic.Int64 }

// Observe counts a wait that succeeded.
func (w *Waits) Observe(_ context.Context, r browser.Record) {
	if r.Kind == "" {
		w.count.Add(1)
		w.quiet.Add(int64(r.Quiet))
	}
}

// Reset returns the number of waits since the last call, and how long the pages had to stay the same for them.
func (w *Waits) Reset() (count int, quiet time.Duration) {
	return int(w.count.Swap(0)), time.Duration(w.quiet.Swap(0))
}
