package provider_test

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// vendorCall is a call that the provider makes, and the invariant that is at
// stake when it fails.
type vendorCall struct {
	// way is the example that makes the call.
	way                   string
	invariant             string
	api, method, template string
	// pending makes the call happen: keys take a moment to be made.
	pending int
	// settled says that it is not the migration that is spoiled but the run after it, which only
	// looks whether all is as it was left.
	settled bool
}

// String returns the call's name in test names, in which a slash has a meaning of its own.
func (c vendorCall) String() string {
	name := fmt.Sprintf("%s %s %s", c.invariant, c.method, strings.ReplaceAll(c.template, "/", "∕"))
	switch {
	case c.settled:
		return name + " when settled"
	case c.pending > 0:
		return name + " when pending"
	}
	return name
}

// forgetDiscovery takes the data source and the imports out of the example of the migration. Without
// the lists of the data source, each key is read by itself.
func (w *testEnv) forgetDiscovery(t *testing.T) {
	t.Helper()
	main := read(t, filepath.Join(w.dir, "main.tf"))
	resources := strings.Index(main, `resource "kustom_api_key"`)
	if resources < 0 {
		t.Fatal("the example has no kustom_api_key")
	}
	w.write(t, "main.tf", main[resources:])
}

func vendorCalls() []vendorCall {
	const (
		orders     = "/checkout/v3/orders/{order_id}"
		extensions = "/shops/{shop}/extensions"
		keys       = "/credentials"
		storeKeys  = "/stores/{merchant_id}/credentials"
		get        = http.MethodGet
	)
	var calls []vendorCall
	for _, way := range []string{wayPair, wayConnection, wayFleet} {
		calls = append(calls,
			vendorCall{way: way, invariant: "I1", api: sandbox.Merchant, method: get, template: orders},
			vendorCall{way: way, invariant: "I1", api: sandbox.Mystore, method: http.MethodPatch, template: credentialsCall},
			vendorCall{way: way, invariant: "I1", api: sandbox.Mystore, method: get, template: credentialsCall},
			vendorCall{way: way, invariant: "I3", api: sandbox.Portal, method: http.MethodPost, template: storeKeys},
			vendorCall{way: way, invariant: "I3", api: sandbox.Portal, method: get, template: keyCall, pending: 2},
			vendorCall{way: way, invariant: "I3", api: sandbox.Portal, method: http.MethodDelete, template: keyCall},
			vendorCall{way: way, invariant: "I4", api: sandbox.Mystore, method: get, template: credentialsCall, settled: true},
			vendorCall{way: way, invariant: "I5", api: sandbox.Portal, method: get, template: keys},
		)
	}
	return append(calls,
		vendorCall{way: wayPair, invariant: "I1", api: sandbox.Mystore, method: get, template: extensions},
		vendorCall{way: wayPair, invariant: "I4", api: sandbox.Portal, method: get, template: keyCall, settled: true},
		vendorCall{way: wayPair, invariant: "I4", api: sandbox.Portal, method: get, template: keys, settled: true},
		vendorCall{way: wayConnection, invariant: "I4", api: sandbox.Portal, method: get, template: keys, settled: true},
		vendorCall{way: wayFleet, invariant: "I4", api: sandbox.Portal, method: get, template: keys, settled: true},
	)
}

// faultCase is what happens to a call: a fault of the server, or one on the way to it.
type faultCase struct {
	name  string
	fault sandbox.Fault
	// err, instead, is what comes of a call that does not reach the server.
	err error
	// requestTimeout is the provider's, where it matters.
	requestTimeout string
}

func faultCases() []faultCase {
	answer := func(status int, header http.Header) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultAnswer, Status: status, Header: header}
	}
	return []faultCase{
		{name: "connection refused", err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}},
		{name: "TLS failure", err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}},
		{name: "lost answer", fault: sandbox.Fault{Kind: sandbox.FaultLoseAnswer}},
		{name: "500", fault: answer(http.StatusInternalServerError, nil)},
		{name: "503 with Retry-After", fault: answer(http.StatusServiceUnavailable, http.Header{"Retry-After": {"2"}})},
		{name: "429 with a date", fault: answer(http.StatusTooManyRequests, http.Header{
			"Retry-After": {time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)},
		})},
		{name: "401", fault: answer(http.StatusUnauthorized, nil)},
		{name: "403 HTML", fault: sandbox.Fault{
			Kind: sandbox.FaultAnswer, Status: http.StatusForbidden, ContentType: "text/html", Body: "<html>Not in your region</html>",
		}},
		{name: "404", fault: answer(http.StatusNotFound, nil)},
		{name: "truncated JSON", fault: sandbox.Fault{Kind: sandbox.FaultTruncate}},
		{name: "wrong content type", fault: sandbox.Fault{Kind: sandbox.FaultWrongType}},
		{name: "10 MiB body", fault: sandbox.Fault{Kind: sandbox.FaultOversize}},
		{name: "silence", fault: sandbox.Fault{Kind: sandbox.FaultSilence}, requestTimeout: "400ms"},
		{name: "silence after the work", fault: sandbox.Fault{Kind: sandbox.FaultWorkThenSilence}, requestTimeout: "400ms"},
	}
}

// extent is how much of a run a faultCase spoils.
type extent struct {
	name        string
	skip, times int
}

// extents are those that a way is tried with. What goes wrong once in the run of a fleet is left to
// TestFleet_NextRunPutsRightRandomFaults.
func extents(way string) []extent {
	always := extent{name: "for the whole run", skip: 0, times: 0}
	if way == wayFleet {
		return []extent{always}
	}
	return []extent{{name: "once", skip: 1, times: 1}, always}
}

// TestFaults_NextRunPutsShopsRight spoils each call of the migration of three shops, and of a run after it, in each way,
// once in mid-run and for a whole run, and lets one clean run follow: the world must be right then, and no invariant have
// been broken at any moment. That takes thousands of runs, so the driver does them in this process, each in a bubble in
// which waiting takes no time. Under go test's flag -short it tries one of them on each call, another one than on the call
// before it: that is what the race detector has time for.
func TestFaults_NextRunPutsShopsRight(t *testing.T) {
	t.Parallel()
	var tally faultTally
	for i, call := range vendorCalls() {
		for j, faultCase := range faultCases() {
			for _, extent := range extents(call.way) {
				t.Run(strings.Join([]string{call.way, call.String(), faultCase.name, extent.name}, "/"), func(t *testing.T) {
					t.Parallel()
					if testing.Short() && j != i%len(faultCases()) {
						t.Skip("all of them take a minute")
					}
					synctest.Test(t, func(t *testing.T) { tally.add(spoiledMigration(t, rehearse, call, faultCase, extent)) })
				})
			}
		}
	}
	t.Cleanup(func() { tally.report(t, "fault cases") })
}

// accCalls is how many calls of the table one is taken for a real Terraform.
const accCalls = 5

// TestAccFaults_NextRunPutsShopsRight does a few of the same in a real Terraform, which shows that the driver does as that does: every fifth call,
// each with another fault.
func TestAccFaults_NextRunPutsShopsRight(t *testing.T) {
	t.Parallel()
	var tally faultTally
	faults := faultCases()
	for i, call := range vendorCalls() {
		if i%accCalls != 0 {
			continue
		}
		faultCase, all := faults[i%len(faults)], extents(call.way)
		extent := all[i%len(all)]
		t.Run(strings.Join([]string{call.way, call.String(), faultCase.name, extent.name}, "/"), func(t *testing.T) {
			t.Parallel()
			tally.add(spoiledMigration(t, useTerraform, call, faultCase, extent))
		})
	}
	t.Cleanup(func() { tally.report(t, "fault cases in a real Terraform") })
}

// spoiledMigration returns what was wrong in the end.
func spoiledMigration(
	t *testing.T, begin func(*testing.T, testEnvOptions, string) *testEnv, call vendorCall, m faultCase, e extent,
) (broken, orphans, violations int) {
	seed := sandbox.ThreeShops()
	interceptor := &interceptor{pool: transport.NewPool(), call: call, skip: e.skip, times: e.times}
	w := begin(t, testEnvOptions{
		seed: &seed, carrier: interceptor, sandbox: sandbox.Options{Pending: call.pending},
	}, call.way)
	if call.settled {
		w.mustApply(t)
	}
	if call.template == keyCall && call.settled {
		w.forgetDiscovery(t)
	}
	var hits func() int
	if m.err != nil {
		interceptor.arm(failing{m.err})
		hits = interceptor.hits
	} else {
		fault := m.fault
		fault.API, fault.Method, fault.Template, fault.Skip, fault.Times = call.api, call.method, call.template, e.skip, e.times
		armed := w.sandbox.Arm(fault)
		hits = armed.Fired
		defer armed.Disarm()
		interceptor.after = armed.Disarm
	}
	// Only the spoiled run is impatient: on a busy machine an answer may take that long.
	w.setRequestTimeout(t, cmp.Or(m.requestTimeout, patient))
	spoiled := w.apply(t)
	if hits() == 0 {
		t.Fatalf("the fault never happened:\n%s", spoiled.output)
	}
	interceptor.disarm()
	w.setRequestTimeout(t, patient)
	w.mustApply(t)
	w.mustBeEmpty(t)
	broken, orphans, violations = w.mustBeRight(t, seed, 0)
	if t.Failed() {
		t.Logf("the spoiled run (exit code %d):\n%s", spoiled.code, spoiled.output)
	}
	return broken, orphans, violations
}

// interceptor carries requests, and lets another carrier have those to one call while it is armed.
type interceptor struct {
	pool http.RoundTripper
	call vendorCall
	skip int
	// times is how many requests are intercepted; 0 is all.
	times int
	after func()

	mu         sync.Mutex
	bad        http.RoundTripper
	seen, hurt int
}

func (i *interceptor) arm(bad http.RoundTripper) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bad = bad
}

func (i *interceptor) disarm() {
	i.arm(nil)
	if i.after != nil {
		i.after()
	}
}

func (i *interceptor) hits() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hurt
}

func (i *interceptor) over(pool http.RoundTripper) { i.pool = pool }

func (i *interceptor) RoundTrip(req *http.Request) (*http.Response, error) {
	return i.carrier(req).RoundTrip(req)
}

func (i *interceptor) carrier(req *http.Request) http.RoundTripper {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bad == nil || !i.call.matches(req) || (i.times > 0 && i.hurt >= i.times) {
		return i.pool
	}
	if i.seen++; i.seen <= i.skip {
		return i.pool
	}
	i.hurt++
	return i.bad
}

var templateVariable = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

func (c vendorCall) matches(req *http.Request) bool {
	pattern := templateVariable.ReplaceAllString(regexp.QuoteMeta(c.template), "[^/]+")
	prefix := map[string]string{
		sandbox.Portal: "/portal/api/v1", sandbox.Merchant: "/merchant", sandbox.Mystore: "/mystore",
	}[c.api]
	return req.Method == c.method && regexp.MustCompile("^"+prefix+pattern+"$").MatchString(req.URL.Path)
}

// failing fails every request.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// faultTally counts what a table of faults did to the world.
type faultTally struct{ cases, broken, orphans, violations atomic.Int64 }

func (f *faultTally) add(broken, orphans, violations int) {
	f.cases.Add(1)
	f.broken.Add(int64(broken))
	f.orphans.Add(int64(orphans))
	f.violations.Add(int64(violations))
}

// report prints the tally.
func (f *faultTally) report(t *testing.T, what string) {
	summarize(t, fmt.Sprintf("%d %s: %d broken shops, %d orphans, %d violations\n",
		f.cases.Load(), what, f.broken.Load(), f.orphans.Load(), f.violations.Load()))
}

// summarize prints a line and, where TEST_SUMMARY names a file, adds it to that.
func summarize(t *testing.T, line string) {
	t.Log(line)
	name := os.Getenv("TEST_SUMMARY")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteString(line); err != nil {
		t.Error(err)
	}
}
