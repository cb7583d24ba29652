package browser

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Group has the browser processes: one for each executable, however many browsers use it. The zero value has
// none. It is safe for concurrent use.
type Group struct {
	mu      sync.Mutex
	closed  bool
	running map[processKey]*process
}

type processKey struct {
	executable string
	visible    bool
}

// errClosed says that the group is closed.
var errClosed = errors.New("the browser has been closed")

// Close ends all processes and removes their files. No process starts again.
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

// process returns the process for a browser. It starts one if there is none or if the last one died.
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
		// The files of a dead process are removed as far as possible; a failure does not stop the new one.
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

// pause waits for d of real time, or until ctx is done. A browser is another process and takes real time,
// whatever clock the rest uses.
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
