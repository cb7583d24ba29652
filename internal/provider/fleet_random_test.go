package provider_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// seedVariable is the environment variable that repeats a random test.
const seedVariable = "KUSTOM_TEST_SEED"

// chosenSeed returns the seed in the environment, or a random one.
func chosenSeed(t *testing.T) uint64 {
	t.Helper()
	pinned := os.Getenv(seedVariable)
	if pinned == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(pinned, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return seed
}

// randomFaults chooses requests at random. A seed chooses the same requests in every run, in whatever order they arrive.
type randomFaults struct {
	seed uint64
	// seen counts the requests by their call.
	seen map[string]int
}

// newRandomFaults logs its seed.
func newRandomFaults(t *testing.T) *randomFaults {
	t.Helper()
	seed := chosenSeed(t)
	t.Logf("to repeat this, set %s=%d", seedVariable, seed)
	return &randomFaults{seed: seed, seen: map[string]int{}}
}

// roll returns a number below n for a request.
func (d *randomFaults) roll(n int, r sandbox.Request) int {
	call := strings.Join([]string{r.API, r.Method, r.Template, r.Shop, r.MerchantID}, " ")
	d.seen[call]++
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%d %s %d", d.seed, call, d.seen[call])
	return int(hash.Sum64() % uint64(n))
}

// arm injects one of the faults into one of every so many requests, from the first request on for which begin returns true.
// Disarm ends that, and returns how many faults happened.
func (d *randomFaults) arm(s *sandbox.Sandbox, every int, faults []sandbox.Fault, begin func(sandbox.Request) bool) (disarm func() (fired int)) {
	var armed []*sandbox.Armed
	rolled, begun := 0, false
	for i, fault := range faults {
		fault.Match = func(r sandbox.Request) bool {
			if begun = begun || begin(r); !begun {
				return false
			}
			// The sandbox asks the faults in order, until one matches.
			if i == 0 {
				rolled = d.roll(every*len(faults), r)
			}
			return rolled == i
		}
		armed = append(armed, s.Arm(fault))
	}
	return func() int {
		fired := 0
		for _, a := range armed {
			a.Disarm()
			fired += a.Fired()
		}
		return fired
	}
}

// TestFleet_NextRunRecoversFromRandomFaults creates, refreshes and rotates a fleet, while one request in eight meets a fault of
// faultCases. Every shop takes payments all the time, and one run without faults converges. With -short, it has two rounds,
// because the race detector is slow.
func TestFleet_NextRunRecoversFromRandomFaults(t *testing.T) {
	t.Parallel()
	const rounds, short = 10, 2
	var counts faultCounts
	for round := range rounds {
		t.Run(fmt.Sprintf("round %d", round+1), func(t *testing.T) {
			t.Parallel()
			if round >= short {
				needsTime(t)
			}
			synctest.Test(t, func(t *testing.T) { counts.add(injectRandomFaults(t)) })
		})
	}
	t.Cleanup(func() { counts.report(t, "fleets of 50 shops with faults at random") })
}

func injectRandomFaults(t *testing.T) (broken, orphans, violations int) {
	const shops, every = 50, 8
	var faults []sandbox.Fault
	for _, c := range apiFaults() {
		faults = append(faults, c.api.Fault)
	}
	// A key that is pending at first takes more requests.
	seed := sandbox.FleetSeed(shops)
	f := rehearseFleet(t, seed, sandbox.Options{Pending: 1})
	d := newRandomFaults(t)
	applyWithFaults := func(what string, begin func(sandbox.Request) bool) {
		disarm := d.arm(f.sandbox.Sandbox, every, faults, begin)
		failed := f.apply(t)
		fired := disarm()
		t.Logf("%s: %d faults, exit code %d", what, fired, failed.code)
		if fired == 0 {
			t.Error("no fault has happened")
		}
		for _, shop := range seed.Shops {
			if err := f.sandbox.Working(shop.Name); err != nil {
				broken++
				t.Errorf("shop %s takes no payments: %v", shop.Name, err)
			}
		}
		f.mustApply(t)
		f.mustBeEmpty(t)
		more, left, wrong := f.mustBeRight(t, seed, 0)
		broken, orphans, violations = broken+more, orphans+left, violations+wrong
	}
	anyRequest := func(sandbox.Request) bool { return true }
	// Faults in the plan would stop the creation.
	applyWithFaults("created", func(r sandbox.Request) bool { return r.Method == http.MethodPost })
	applyWithFaults("refreshed", anyRequest)
	f.trigger(t, wayFleet)
	applyWithFaults("rotated", anyRequest)
	return broken, orphans, violations
}
