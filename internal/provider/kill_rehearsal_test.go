package provider_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestI5_NextRunPutsRightAKillAtEachRequest kills the provider at each request of the migration of three shops, in each way, when the
// vendor has done the work and not answered yet. One clean run must put everything right. TestAccI5_NextRunPutsRightAKill kills a real
// process at the two requests that change most.
func TestI5_NextRunPutsRightAKillAtEachRequest(t *testing.T) {
	t.Parallel()
	atEachRequest(t, "kills of the provider", killedRehearsal)
}

// TestI5_NextRunPutsRightAnInterruptAtEachRequest stops the run, as Ctrl-C does, while the answer to each request of the migration is on
// its way. One further run must put everything right. TestAccI5_NextRunPutsRightAnInterrupt does so to a real Terraform.
func TestI5_NextRunPutsRightAnInterruptAtEachRequest(t *testing.T) {
	t.Parallel()
	atEachRequest(t, "interruptions of the run", interruptedRehearsal)
}

// atEachRequest spoils the migration at one request after the other, in each way, and reports what became of it by the
// way.
func atEachRequest(t *testing.T, what string, migration func(t *testing.T, way string, point int) (broken, orphans, violations int)) {
	t.Helper()
	for _, way := range []string{wayPair, wayConnection, wayFleet} {
		var tally faultTally
		for point := range requestsOf(t, way) {
			t.Run(fmt.Sprintf("%s at request %d", way, point+1), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { tally.add(migration(t, way, point)) })
			})
		}
		t.Cleanup(func() { tally.report(t, what+" ("+way+")") })
	}
}

// requestsOf is how many requests a migration that nothing happens to makes.
func requestsOf(t *testing.T, way string) int {
	t.Helper()
	all := &meeting{point: -1}
	synctest.Test(t, func(t *testing.T) {
		seed := sandbox.ThreeShops()
		r := rehearsed(t, testEnvOptions{seed: &seed, carrier: all}, way)
		r.oneByOne(way, seed)
		r.mustApply(t)
	})
	return all.seen
}

// oneByOne does one thing at a time, so that one kill hits one of them: one object, and in a fleet one shop.
func (r *rehearsal) oneByOne(way string, seed sandbox.Seed) {
	r.serially = true
	if way != wayFleet {
		return
	}
	fleet := fleetOf(seed, nil)
	shops := fleet.config
	fleet.config = func(values map[string]tftypes.Value) map[string]any {
		all := shops(values)
		all["max_concurrency"] = 1
		return all
	}
	r.chains = [][]object{{fleet}}
}

// meeting carries requests, and calls met in place of the answer to one of them, which the vendor has given already.
type meeting struct {
	next  http.RoundTripper
	point int
	met   func(req *http.Request, resp *http.Response) (*http.Response, error)

	mu   sync.Mutex
	seen int
}

func (m *meeting) over(next http.RoundTripper) { m.next = next }

func (m *meeting) RoundTrip(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	here := m.seen == m.point
	m.seen++
	m.mu.Unlock()
	resp, err := m.next.RoundTrip(req)
	if !here || err != nil {
		return resp, err
	}
	return m.met(req, resp)
}

// grave carries the requests of a provider until that is killed: from then on, none goes out or comes back.
type grave struct {
	meeting
	killed, opened chan struct{}
}

// errKilled is what the goroutines of a killed provider are told when the test is over.
var errKilled = errors.New("the provider has been killed")

func newGrave(point int) *grave {
	g := &grave{killed: make(chan struct{}), opened: make(chan struct{})}
	g.meeting = meeting{point: point, met: func(*http.Request, *http.Response) (*http.Response, error) {
		close(g.killed)
		<-g.opened
		return nil, errKilled
	}}
	return g
}

func (g *grave) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-g.killed:
		<-g.opened
		return nil, errKilled
	default:
		return g.meeting.RoundTrip(req)
	}
}

func killedRehearsal(t *testing.T, way string, point int) (broken, orphans, violations int) {
	seed, dir := sandbox.ThreeShops(), t.TempDir()
	g := newGrave(point)
	first := rehearsed(t, testEnvOptions{seed: &seed, carrier: g, cacheDir: dir}, way)
	first.oneByOne(way, seed)
	var run sync.WaitGroup
	run.Go(func() { _ = first.core.apply(t.Context()) })
	defer run.Wait()
	defer close(g.opened)
	<-g.killed
	// What the others of its goroutines were about to do, they have done then, and wait for an answer.
	synctest.Wait()
	next := first.successor(t, seed, way, dir)
	next.mustApply(t)
	next.mustBeEmpty(t)
	return next.mustBeRight(t, seed, 0)
}

// successor is the migration after the provider was killed: with what is in the state and on disk, and no more. What is on
// disk is copied, as the locks of a process that is gone are gone too.
func (r *rehearsal) successor(t *testing.T, seed sandbox.Seed, way, dir string) *rehearsal {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	next := newRehearsal(t, r.box, seed, way, rehearsedProvider(r.box.Sandbox, nil, left), r.settings)
	next.oneByOne(way, seed)
	r.mu.Lock()
	defer r.mu.Unlock()
	next.state, next.tainted = maps.Clone(r.state), maps.Clone(r.tainted)
	for address, all := range r.deposed {
		next.deposed[address] = slices.Clone(all)
	}
	return next
}

// late is how long the answer to an interrupted request takes.
const late = 400 * time.Millisecond

func interruptedRehearsal(t *testing.T, way string, point int) (broken, orphans, violations int) {
	seed := sandbox.ThreeShops()
	m := &meeting{point: point}
	r := rehearsed(t, testEnvOptions{seed: &seed, carrier: m}, way)
	r.oneByOne(way, seed)
	m.met = func(req *http.Request, resp *http.Response) (*http.Response, error) {
		if err := r.stop(req.Context()); err != nil {
			return nil, err
		}
		select {
		case <-req.Context().Done():
			return nil, errors.Join(req.Context().Err(), resp.Body.Close())
		case <-time.After(late):
			return resp, nil
		}
	}
	interrupted := r.apply(t)
	// Terraform does not wait for a read that is under way.
	time.Sleep(late)
	r.mustApply(t)
	r.mustBeEmpty(t)
	broken, orphans, violations = r.mustBeRight(t, seed, 0)
	if t.Failed() {
		t.Logf("the interrupted run:\n%s", interrupted.output)
	}
	return broken, orphans, violations
}

// stop stops the walk that is under way, as Terraform does when it is interrupted: nothing more is begun.
func (c *core) stop(ctx context.Context) error {
	c.mu.Lock()
	w := c.walking
	w.stopped = true
	c.mu.Unlock()
	_, err := w.server.StopProvider(context.WithoutCancel(ctx), &tfprotov6.StopProviderRequest{})
	return err
}
