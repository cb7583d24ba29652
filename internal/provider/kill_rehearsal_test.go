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

// TestKill_NextRunPutsShopsRightAtEachRequest_I5 kills the provider at each request of the migration of three shops, for each kind of
// resource. The vendor has done the work by then, and its answer is lost. One clean run must put everything right.
// TestAccKill_NextRunPutsShopsRight_I5 kills a real process at the two requests that change most.
func TestKill_NextRunPutsShopsRightAtEachRequest_I5(t *testing.T) {
	t.Parallel()
	atEachRequest(t, "kills of the provider", killedRehearsal)
}

// TestInterrupt_NextRunPutsShopsRightAtEachRequest_I5 stops the run at each request of the migration, as Ctrl-C does, while the
// provider waits for the answer. The next run must repair every shop and delete every orphaned key.
// TestAccInterrupt_NextRunPutsShopsRight_I5 interrupts a real Terraform.
func TestInterrupt_NextRunPutsShopsRightAtEachRequest_I5(t *testing.T) {
	t.Parallel()
	atEachRequest(t, "interruptions of the run", interruptedRehearsal)
}

// atEachRequest runs a migration once for each of its requests, for each kind of resource, and prints the counts.
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

// requestsOf returns the number of requests of an undisturbed migration.
func requestsOf(t *testing.T, way string) int {
	t.Helper()
	all := &interceptor{point: -1}
	synctest.Test(t, func(t *testing.T) {
		seed := sandbox.ThreeShops()
		rehearseOneByOne(t, testEnvOptions{seed: &seed, carrier: all}, way).mustApply(t)
	})
	return all.seen
}

// rehearseOneByOne returns an environment that changes one object at a time, and in a fleet one shop, so that a kill affects only one.
func rehearseOneByOne(t *testing.T, o testEnvOptions, way string) *testEnv {
	t.Helper()
	w := rehearse(t, o, way)
	w.inProcess.concurrent = false
	if way == wayFleet {
		w.write(t, "main.tf", edit(t, read(t, filepath.Join(w.dir, "main.tf")), "shops = {", "max_concurrency = 1\n  shops = {"))
	}
	return w
}

// interceptor sends requests. After the vendor's answer to the request with the number point, it returns the result of onAnswer.
type interceptor struct {
	next     http.RoundTripper
	point    int
	onAnswer func(req *http.Request, resp *http.Response) (*http.Response, error)

	mu   sync.Mutex
	seen int
}

func (i *interceptor) over(next http.RoundTripper) { i.next = next }

func (i *interceptor) RoundTrip(req *http.Request) (*http.Response, error) {
	i.mu.Lock()
	isPoint := i.seen == i.point
	i.seen++
	i.mu.Unlock()
	resp, err := i.next.RoundTrip(req)
	if !isPoint || err != nil {
		return resp, err
	}
	return i.onAnswer(req, resp)
}

// killedCarrier sends the requests of a provider until it closes killed. Then it blocks all requests and answers until the test
// closes released.
type killedCarrier struct {
	interceptor
	killed, released chan struct{}
}

// errKilled is the error of all calls and requests after the kill.
var errKilled = errors.New("the provider has been killed")

func newKilledCarrier(point int) *killedCarrier {
	c := &killedCarrier{killed: make(chan struct{}), released: make(chan struct{})}
	c.interceptor = interceptor{point: point, onAnswer: func(*http.Request, *http.Response) (*http.Response, error) {
		close(c.killed)
		<-c.released
		return nil, errKilled
	}}
	return c
}

func (c *killedCarrier) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-c.killed:
		<-c.released
		return nil, errKilled
	default:
		return c.interceptor.RoundTrip(req)
	}
}

func killedRehearsal(t *testing.T, way string, point int) (broken, orphans, violations int) {
	seed, dir := sandbox.ThreeShops(), t.TempDir()
	c := newKilledCarrier(point)
	w := rehearseOneByOne(t, testEnvOptions{seed: &seed, carrier: c, cacheDir: dir}, way)
	serve := w.inProcess.serve
	var calls sync.WaitGroup
	w.inProcess.serve = func() (tfprotov6.ProviderServer, error) {
		server, err := serve()
		return endingServer{ProviderServer: server, killed: c.killed, calls: &calls}, err
	}
	defer calls.Wait()
	defer close(c.released)
	w.apply(t)
	// Wait until all other goroutines of the provider block on a request.
	synctest.Wait()
	next := w.successor(t, seed, way, dir)
	next.mustApply(t)
	next.mustBeEmpty(t)
	return next.mustBeRight(t, seed, 0)
}

// successor returns the environment of the next run: it has the state and a copy of the files on disk. The copy has no locks, like
// the files of a process that has ended.
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

// endingServer is a server whose process is killed or interrupted. No call begins afterwards. A call that is running when the
// process is killed gets no answer.
type endingServer struct {
	tfprotov6.ProviderServer
	killed, interrupted <-chan struct{}
	// calls has the running calls, also those of a killed process.
	calls *sync.WaitGroup
}

// errInterrupted is the error of each call after the interruption.
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

// callEnding calls a server. It fails if the server has ended, or is killed before it answers.
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
	m := &interceptor{point: point}
	w := rehearseOneByOne(t, testEnvOptions{seed: &seed, carrier: m}, way)
	interrupt := w.interruptible()
	m.onAnswer = func(req *http.Request, resp *http.Response) (*http.Response, error) {
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
	// Terraform does not wait for a running read.
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

// interruptible returns a function that interrupts the running servers, as an interrupted Terraform does. No call begins then.
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
