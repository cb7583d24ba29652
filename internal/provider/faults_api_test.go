package provider_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// vendorCall is a request to an API that a published example makes.
type vendorCall struct {
	way  string
	step step
	// settled reports that the request fails in a second run, which finds everything as the first one left it.
	settled bool
}

func (c vendorCall) String() string {
	if c.settled {
		return c.way + "/settled " + string(c.step)
	}
	return c.way + "/" + string(c.step)
}

func vendorCalls() []vendorCall {
	calls := []vendorCall{{wayPair, listExtensions, false}, {wayPair, readNewKey, true}}
	for _, way := range []string{wayPair, wayConnection, wayFleet} {
		for _, step := range []step{prove, install, readCredentials, generate, readNewKey, deleteKey, listKeys} {
			calls = append(calls, vendorCall{way, step, false})
		}
		calls = append(calls, vendorCall{way, readCredentials, true}, vendorCall{way, listKeys, true})
	}
	return calls
}

// apiFaults returns the faults of requests of APIs.
func apiFaults() []faultCase {
	return slices.DeleteFunc(faultCases(), func(c faultCase) bool { return c.api == nil })
}

// extent is how many requests of a run fail.
type extent struct {
	name        string
	skip, times int
}

// extents returns those that a way is tried with. TestFleet_NextRunRecoversFromRandomFaults lets single requests of fleets fail.
func extents(way string) []extent {
	always := extent{name: "for the whole run", skip: 0, times: 0}
	if way == wayFleet {
		return []extent{always}
	}
	return []extent{{name: "once", skip: 1, times: 1}, always}
}

// TestFaults_NextRunPutsShopsRight lets each request fail in the migration of three shops, and in a run after it, with each
// published example, once and for the whole run. Then a clean run must put everything right, and no invariant may have been broken
// at any moment. These are thousands of runs, so they need no Terraform, and each is in a bubble in which waiting takes no time.
// With go test's flag -short, each request fails with one fault only, another one than the request before it: the race detector
// has no time for more.
func TestFaults_NextRunPutsShopsRight(t *testing.T) {
	t.Parallel()
	var counts faultCounts
	faults := apiFaults()
	for i, call := range vendorCalls() {
		for j, faultCase := range faults {
			for _, extent := range extents(call.way) {
				t.Run(strings.Join([]string{call.String(), faultCase.name, extent.name}, "/"), func(t *testing.T) {
					t.Parallel()
					if testing.Short() && j != i%len(faults) {
						t.Skip("all faults take more than a minute")
					}
					synctest.Test(t, func(t *testing.T) { counts.add(faultyMigration(t, rehearse, call, *faultCase.api, extent)) })
				})
			}
		}
	}
	t.Cleanup(func() { counts.report(t, "fault cases") })
}

// TestAccFaults_NextRunPutsShopsRight does the same to some of the requests, each with another fault, with a real Terraform. It
// shows that the driver of the test above does what Terraform does.
func TestAccFaults_NextRunPutsShopsRight(t *testing.T) {
	t.Parallel()
	const every = 5
	var counts faultCounts
	faults := apiFaults()
	for i, call := range vendorCalls() {
		if i%every != 0 {
			continue
		}
		faultCase, all := faults[i%len(faults)], extents(call.way)
		extent := all[i%len(all)]
		t.Run(strings.Join([]string{call.String(), faultCase.name, extent.name}, "/"), func(t *testing.T) {
			t.Parallel()
			counts.add(faultyMigration(t, useTerraform, call, *faultCase.api, extent))
		})
	}
	t.Cleanup(func() { counts.report(t, "fault cases in a real Terraform") })
}

// faultyMigration returns what was wrong after the clean run.
func faultyMigration(
	t *testing.T, begin func(*testing.T, testEnvOptions, string) *testEnv, call vendorCall, f injection, e extent,
) (broken, orphans, violations int) {
	seed, pending := sandbox.ThreeShops(), 0
	if call.step == readNewKey && !call.settled {
		pending = 2 // The provider reads a key while the portal is still generating it.
	}
	carrier := &unanswered{next: transport.NewPool(), err: f.err}
	w := begin(t, testEnvOptions{seed: &seed, carrier: carrier, sandbox: sandbox.Options{Pending: pending}}, call.way)
	if call.settled {
		w.mustApply(t)
		if call.step == readNewKey {
			w.removeImports(t)
		}
	}
	byAPI, _ := call.step.requests()
	fault := byAPI.of(f.Fault)
	fault.Skip, fault.Times = e.skip, e.times
	armed := w.sandbox.Arm(fault)
	// A clean run waits longer for an answer: a busy machine may be slow.
	w.setRequestTimeout(t, cmp.Or(f.requestTimeout, patient))
	faulty := w.apply(t)
	if armed.Fired() == 0 {
		t.Fatalf("the fault did not happen:\n%s", faulty.output)
	}
	armed.Disarm()
	w.setRequestTimeout(t, patient)
	w.mustApply(t)
	w.mustBeEmpty(t)
	broken, orphans, violations = w.mustBeRight(t, seed, 0)
	if t.Failed() {
		t.Logf("the run with the fault (exit code %d):\n%s", faulty.code, faulty.output)
	}
	return broken, orphans, violations
}

// removeImports removes the imports, and the data source that lists their keys, from the example of pairs. Without the list,
// the provider reads each key by itself.
func (w *testEnv) removeImports(t *testing.T) {
	t.Helper()
	main := read(t, filepath.Join(w.dir, "main.tf"))
	resources := strings.Index(main, `resource "kustom_api_key"`)
	if resources < 0 {
		t.Fatal("the example has no kustom_api_key")
	}
	w.write(t, "main.tf", main[resources:])
}

// unanswered carries requests. If err is set, it is the error of each request that the sandbox does not answer.
type unanswered struct {
	next http.RoundTripper
	err  error
}

func (u *unanswered) over(next http.RoundTripper) { u.next = next }

func (u *unanswered) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := u.next.RoundTrip(req)
	if err != nil && u.err != nil {
		return nil, u.err
	}
	return resp, err
}

// faultCounts counts what was wrong after the runs with faults.
type faultCounts struct{ cases, broken, orphans, violations atomic.Int64 }

func (f *faultCounts) add(broken, orphans, violations int) {
	f.cases.Add(1)
	f.broken.Add(int64(broken))
	f.orphans.Add(int64(orphans))
	f.violations.Add(int64(violations))
}

// report prints the counts.
func (f *faultCounts) report(t *testing.T, what string) {
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
