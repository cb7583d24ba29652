package browser

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Group is the processes that browsers run in: one for each executable, however many browsers there are.
// The zero value has none. It is safe for concurrent use.
type Group struct {
	mu      sync.Mutex
	closed  bool
	running map[processKey]*process
}

type processKey struct {
	executable string
	visible    bool
}

// errClosed says that there will be no browser any more.
var errClosed = errors.New("the browser has been closed")

// Close ends all processes and removes what they have left on disk. None is ever started again.
func (g *Group) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	var err error
	for _, p := range g.running {
		err = errors.Join(err, p.end())
	}
	g.running = nil
	return err
}

// process returns the process for a browser, which it starts if there is none or if it has died.
func (g *Group) process(ctx context.Context, o Options) (*process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key := processKey{o.Executable, o.windowed()}
	if p := g.running[key]; p != nil && p.alive() {
		return p, nil
	} else if p != nil {
		// What is left of one that has died is removed as well as can be; the new one is what matters.
		_ = p.end()
		delete(g.running, key)
	}
	started, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	if g.running == nil {
		g.running = map[processKey]*process{}
	}
	g.running[key] = started
	return started, nil
}

// join returns a context that is inner, and is done when ctx is.
func join(inner, ctx context.Context) (context.Context, context.CancelFunc) {
	joined, cancel := context.WithCancel(inner)
	stop := context.AfterFunc(ctx, cancel)
	return joined, func() { stop(); cancel() }
}

// pause waits for d of real time, or until ctx is done: a browser is another process, and takes real
// time whatever clock everything else runs on.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
