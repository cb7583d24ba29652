package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestKill_NextRunPutsShopsRightAtEachRequest_I5 kills the provider at each request of the migration of three shops, in each way, when the
// vendor has done the work and not answered yet. One clean run must put everything right. TestAccKill_NextRunPutsShopsRight_I5 kills a real
// process at the two requests that change most.
func TestKill_NextRunPutsShopsRightAtEachRequest_I5(t *testing.T) {
	t.Parallel()
	atEachRequest(t, "kills of the provider", killedRehearsal)
}

// TestInterrupt_NextRunPutsShopsRightAtEachRequest_I5 stops the run, as Ctrl-C does, while the answer to each request of the migration is on
// its way. One further run must put everything right. TestAccInterrupt_NextRunPutsShopsRight_I5 does so to a real Terraform.
func TestInterrupt_NextRunPutsShopsRightAtEachRequest_I5(t *testing.T) {
	t.Parallel()
	atEachRequest(t, "interruptions of the run", interruptedRehearsal)
}

// atEachRequest spoils the migration at one request after the other, in each way, and reports what became of it by the
// way.
func atEachRequest(t *testing.T, what string, migration func(t *testing.T, way string, point int) (broken, orphans, violations int)) {
	t.Helper()
	for _, way := range []string{wayPair, wayConnection, wayFleet} {
		var counts faultCounts
		for point := range requestsOf(t, way) {
			t.Run(fmt.Sprintf("%s at request %d", way, point+1), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { counts.add(migration(t, way, point)) })
			})
		}
		t.Cleanup(func() { counts.report(t, what+" ("+way+")") })
	}
}

// requestsOf is how many requests a migration that nothing happens to makes.
func requestsOf(t *testing.T, way string) int {
	t.Helper()
	all := &meeting{point: -1}
	synctest.Test(t, func(t *testing.T) {
		seed := sandbox.ThreeShops()
		rehearseOneByOne(t, testEnvOptions{seed: &seed, carrier: all}, way).mustApply(t)
	})
	return all.seen
}

// rehearseOneByOne does one thing at a time, so that one kill hits one of them: one object, and in a fleet one shop.
func rehearseOneByOne(t *testing.T, o testEnvOptions, way string) *testEnv {
	t.Helper()
	w := rehearse(t, o, way)
	w.inProcess.concurrent = false
	if way == wayFleet {
		w.write(t, "main.tf", edit(t, read(t, filepath.Join(w.dir, "main.tf")), "shops = {", "max_concurrency = 1\n  shops = {"))
	}
	return w
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

// killedCarrier carries the requests of a provider until that is killed: from then on, none goes out or comes back.
type killedCarrier struct {
	meeting
	killed, opened chan struct{}
}

// errKilled is what the goroutines of a killed provider are told when the test is over, and Terraform at once.
var errKilled = errors.New("the provider has been killed")

func newKilledCarrier(point int) *killedCarrier {
	g := &killedCarrier{killed: make(chan struct{}), opened: make(chan struct{})}
	g.meeting = meeting{point: point, met: func(*http.Request, *http.Response) (*http.Response, error) {
		close(g.killed)
		<-g.opened
		return nil, errKilled
	}}
	return g
}

func (g *killedCarrier) RoundTrip(req *http.Request) (*http.Response, error) {
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
	g := newKilledCarrier(point)
	w := rehearseOneByOne(t, testEnvOptions{seed: &seed, carrier: g, cacheDir: dir}, way)
	serve := w.inProcess.serve
	var calls sync.WaitGroup
	w.inProcess.serve = func() (tfprotov6.ProviderServer, error) {
		server, err := serve()
		return endingServer{ProviderServer: server, killed: g.killed, calls: &calls}, err
	}
	defer calls.Wait()
	defer close(g.opened)
	w.apply(t)
	// What the others of its goroutines were about to do, they have done then, and wait for an answer.
	synctest.Wait()
	next := w.successor(t, seed, way, dir)
	next.mustApply(t)
	next.mustBeEmpty(t)
	return next.mustBeRight(t, seed, 0)
}

// successor is the migration after the provider was killed: with what is in the state and on disk, and no more. What is on
// disk is copied, as the locks of a process that is gone are gone too.
func (w *testEnv) successor(t *testing.T, seed sandbox.Seed, way, dir string) *testEnv {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	next := rehearseOneByOne(t, testEnvOptions{seed: &seed, cacheDir: left, box: w.sandbox.Sandbox}, way)
	next.inProcess.state, next.inProcess.concurrent = w.inProcess.state, true
	return next
}

// endingServer is a server whose process is killed or interrupted. No call begins afterwards. A call that is under way
// when the process is killed has no answer.
type endingServer struct {
	tfprotov6.ProviderServer
	killed, interrupted <-chan struct{}
	// calls are those under way, also where nobody waits for their answers any more.
	calls *sync.WaitGroup
}

// errInterrupted is what a call is told that would begin after the interruption.
var errInterrupted = errors.New("execution halted")

func (s endingServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return callEnding(ctx, s, req, s.ProviderServer.ReadResource)
}

func (s endingServer) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return callEnding(ctx, s, req, s.ProviderServer.PlanResourceChange)
}

func (s endingServer) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return callEnding(ctx, s, req, s.ProviderServer.ApplyResourceChange)
}

func (s endingServer) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return callEnding(ctx, s, req, s.ProviderServer.ReadDataSource)
}

func (s endingServer) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return callEnding(ctx, s, req, s.ProviderServer.ImportResourceState)
}

// callEnding calls a server unless it has ended, and does not wait for its answer once it is killed.
func callEnding[Request, Response any](
	ctx context.Context, s endingServer, req Request, call func(context.Context, Request) (Response, error),
) (resp Response, err error) {
	select {
	case <-s.killed:
		return resp, errKilled
	case <-s.interrupted:
		return resp, errInterrupted
	default:
	}
	answered := make(chan struct{})
	var answer Response
	var failure error
	s.calls.Go(func() {
		defer close(answered)
		answer, failure = call(ctx, req)
	})
	select {
	case <-answered:
		return answer, failure
	case <-s.killed:
		return resp, errKilled
	}
}

// late is how long the answer to an interrupted request takes.
const late = 400 * time.Millisecond

func interruptedRehearsal(t *testing.T, way string, point int) (broken, orphans, violations int) {
	seed := sandbox.ThreeShops()
	m := &meeting{point: point}
	w := rehearseOneByOne(t, testEnvOptions{seed: &seed, carrier: m}, way)
	interrupt := w.interruptible()
	m.met = func(req *http.Request, resp *http.Response) (*http.Response, error) {
		if err := interrupt(context.WithoutCancel(req.Context())); err != nil {
			return nil, err
		}
		select {
		case <-req.Context().Done():
			return nil, errors.Join(req.Context().Err(), resp.Body.Close())
		case <-time.After(late):
			return resp, nil
		}
	}
	interrupted := w.apply(t)
	// Terraform does not wait for a read that is under way.
	time.Sleep(late)
	w.inProcess.concurrent = true
	w.mustApply(t)
	w.mustBeEmpty(t)
	broken, orphans, violations = w.mustBeRight(t, seed, 0)
	if t.Failed() {
		t.Logf("the interrupted run:\n%s", interrupted.output)
	}
	return broken, orphans, violations
}

// interruptible returns what interrupts the servers that run, as Terraform does when it is interrupted: nothing more is
// begun.
func (w *testEnv) interruptible() (interrupt func(context.Context) error) {
	var mu sync.Mutex
	var running []tfprotov6.ProviderServer
	interrupted := make(chan struct{})
	serve := w.inProcess.serve
	w.inProcess.serve = func() (tfprotov6.ProviderServer, error) {
		mu.Lock()
		defer mu.Unlock()
		server, err := serve()
		running = append(running, server)
		return endingServer{ProviderServer: server, interrupted: interrupted, calls: new(sync.WaitGroup)}, err
	}
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		close(interrupted)
		var errs []error
		for _, server := range running {
			_, err := server.StopProvider(ctx, &tfprotov6.StopProviderRequest{})
			errs = append(errs, err)
		}
		// The next run is another one.
		running, interrupted = nil, make(chan struct{})
		return errors.Join(errs...)
	}
}
