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

// TestFleet_WaitsSideBySide migrates hundreds of shops, and as many others whose vendors refuse one request in
// twenty, for being one too many or for a fault of their own. What the vendors ask to wait, the shops wait at the
// same time.
func TestFleet_WaitsSideBySide(t *testing.T) {
	needsTime(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hundreds = 300
		seed := sandbox.FleetSeed(hundreds)
		migrate := func(arm func(*sandbox.Sandbox)) (time.Duration, *testEnv) {
			f := rehearseFleet(t, seed, sandbox.Options{Latency: distance, Unchecked: true})
			arm(f.sandbox.Sandbox)
			began := time.Now()
			f.mustApply(t)
			took := time.Since(began)
			f.mustBeEmpty(t)
			f.mustBeRight(t, seed, 0)
			mustNotHaveHurried(t, f.sandbox.Requests())
			return took, f
		}
		took, _ := migrate(func(*sandbox.Sandbox) {})
		longer, f := migrate(func(s *sandbox.Sandbox) {
			// Always the same requests are refused: how long it takes depends on how often one is in a row.
			dice := &chance{seed: 1, seen: map[string]int{}}
			dice.arm(s, 20, []sandbox.Fault{
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
		t.Logf("%d shops in %v; with %v that the vendors ask to wait, %v", hundreds, took, asked, longer)
		if asked < hundreds/8*time.Second {
			t.Errorf("the vendors asked to wait %v only", asked)
		}
		// What was refused is looked at again when the vendors' lag is over, for all shops at once.
		if longer-took > rotation.PropagationDelay+asked/3 {
			t.Errorf("it took %v longer", longer-took)
		}
	})
}

// TestFleet_MakesFewRequests migrates a thousand shops, and counts the requests of that and of a plan after it.
func TestFleet_MakesFewRequests(t *testing.T) {
	needsTime(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seed := sandbox.FleetSeed(thousand)
		f := rehearseFleet(t, seed, sandbox.Options{Latency: distance, Unchecked: true})
		f.mustApply(t)
		migrating := len(f.sandbox.Requests())
		// The keys are listed for the plan and again for the apply, after a few stores asked for by themselves.
		const few = 3
		pages := len(seed.Stores) / keysPerPage
		// The plan reads each shop once. The apply takes seven requests for each: it reads the shop and makes, proves,
		// installs, reads back and deletes a key, and one more for its part of the listings, which shops share, before an
		// installation, after it, and after a deletion. One request more shows that invented credentials is refused.
		if migrating > (1+7)*thousand+2*(pages+few)+1 {
			t.Errorf("migrating %d shops takes %d requests", thousand, migrating)
		}
		f.sandbox.ResetRequests()
		f.mustBeEmpty(t)
		planning := len(f.sandbox.Requests())
		if planning*100 > thousand*105 {
			t.Errorf("planning %d shops takes %d requests", thousand, planning)
		}
		summarize(t, fmt.Sprintf("fleet of %d shops: %.2f requests per migrated shop, %.2f per planned one\n",
			thousand, float64(migrating)/thousand, float64(planning)/thousand))
	})
}

// needsTime skips what takes long under go test's flag -short, with which make test runs the race detector. That takes three times
// the CPU, and watches fleets of 250 shops in other tests.
func needsTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long, and -short skips that")
	}
}

// rehearseFleet has one fleet take over all shops of a seed.
func rehearseFleet(t *testing.T, seed sandbox.Seed, o sandbox.Options) *testEnv {
	t.Helper()
	return rehearse(t, testEnvOptions{seed: &seed, sandbox: o}, wayFleet)
}
