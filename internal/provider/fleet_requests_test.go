package provider_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestFleet_ShopsWaitAtTheSameTime switches 300 shops without faults, and again with a 429 or a 503 for one request in
// twenty. The waits of the shops overlap.
func TestFleet_ShopsWaitAtTheSameTime(t *testing.T) {
	needsTime(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const shops = 300
		seed := sandbox.FleetSeed(shops)
		migrate := func(arm func(*sandbox.Sandbox)) (time.Duration, *testEnv) {
			f := rehearseFleet(t, seed, sandbox.Options{Latency: latency, Unchecked: true})
			arm(f.sandbox.Sandbox)
			began := time.Now()
			f.mustApply(t)
			took := time.Since(began)
			f.mustBeEmpty(t)
			f.mustBeRight(t, seed, 0)
			mustKeepRateLimits(t, f.sandbox.Requests())
			return took, f
		}
		took, _ := migrate(func(*sandbox.Sandbox) {})
		longer, f := migrate(func(s *sandbox.Sandbox) {
			// The time depends on how often the same request is refused. So the seed is fixed.
			(&randomFaults{seed: 1, seen: map[string]int{}}).arm(s, 20, []sandbox.Fault{
				{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
				{Status: http.StatusServiceUnavailable},
			}, func(sandbox.Request) bool { return true })
		})
		var asked time.Duration
		for _, r := range f.sandbox.Requests() {
			if r.Status == http.StatusTooManyRequests {
				asked += time.Second
			}
		}
		t.Logf("%d shops in %v; with %v of Retry-After, in %v", shops, took, asked, longer)
		if asked < shops/8*time.Second {
			t.Errorf("the vendors asked to wait %v only", asked)
		}
		// After the propagation delay, the provider checks the refused shops again, all at once.
		if longer-took > rotation.PropagationDelay+asked/3 {
			t.Errorf("it took %v longer", longer-took)
		}
	})
}

// TestFleet_MakesFewRequests counts the requests of the switch of a thousand shops, and of the next plan. It is not parallel: its
// bubble has thousands of moments, each of which would wait for the other tests. That takes minutes in place of seconds.
func TestFleet_MakesFewRequests(t *testing.T) {
	needsTime(t)
	synctest.Test(t, func(t *testing.T) {
		seed := sandbox.FleetSeed(thousand)
		f := rehearseFleet(t, seed, sandbox.Options{Latency: latency, Unchecked: true})
		f.mustApply(t)
		migrating := len(f.sandbox.Requests())
		// The plan and the apply each read the keys of a few stores, and then list those of all.
		const few = 3
		pages := len(seed.Stores) / keysPerPage
		// The plan reads each shop once. The apply takes seven requests for each: it reads the shop and generates, proves,
		// installs, reads back and deletes a key. The seventh is the shop's part of shared lists: before the installation,
		// after it, and after the deletion. One more request checks that the merchant API rejects invented credentials.
		if migrating > (1+7)*thousand+2*(pages+few)+1 {
			t.Errorf("switching %d shops takes %d requests", thousand, migrating)
		}
		f.sandbox.ResetRequests()
		f.mustBeEmpty(t)
		planning := len(f.sandbox.Requests())
		if planning*100 > thousand*105 {
			t.Errorf("planning %d shops takes %d requests", thousand, planning)
		}
		summarize(t, fmt.Sprintf("fleet of %d shops: %.2f requests per switched shop, %.2f per planned one\n",
			thousand, float64(migrating)/thousand, float64(planning)/thousand))
	})
}

// needsTime skips a slow test with -short, which make test uses with the race detector. That takes three times the CPU, and
// checks fleets of 250 shops in other tests.
func needsTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: -short skips it")
	}
}

// rehearseFleet returns an environment whose fleet has all shops of a seed.
func rehearseFleet(t *testing.T, seed sandbox.Seed, o sandbox.Options) *testEnv {
	t.Helper()
	return rehearse(t, testEnvOptions{seed: &seed, sandbox: o}, wayFleet)
}
