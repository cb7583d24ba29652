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

// seedVariable names the variable that repeats what a test has done at random.
const seedVariable = "KUSTOM_TEST_SEED"

// chosenSeed is chance, unless the environment pins it.
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

// chance makes things happen at random: the same, for the same seed, to the same request, whatever came
// in between.
type chance struct {
	seed uint64
	// seen counts the requests that are alike.
	seen map[string]int
}

// newChance prints its seed where the test fails.
func newChance(t *testing.T) *chance {
	t.Helper()
	seed := chosenSeed(t)
	t.Logf("to repeat this, set %s=%d", seedVariable, seed)
	return &chance{seed: seed, seen: map[string]int{}}
}

// of returns a number below n for the request.
func (c *chance) of(n int, r sandbox.Request) int {
	name := strings.Join([]string{r.API, r.Method, r.Template, r.Shop, r.MerchantID}, " ")
	c.seen[name]++
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%d %s %d", c.seed, name, c.seen[name])
	return int(hash.Sum64() % uint64(n))
}

// arm lets one request in every so many meet one of the faults, from the first on that matches begin. It
// returns what ends that and says how often it has happened.
func (c *chance) arm(s *sandbox.Sandbox, every int, faults []sandbox.Fault, begin func(sandbox.Request) bool) (disarm func() (fired int)) {
	var armed []*sandbox.Armed
	drawn, begun := 0, false
	for i, fault := range faults {
		fault.Match = func(r sandbox.Request) bool {
			if begun = begun || begin(r); !begun {
				return false
			}
			// Each fault is asked in turn, as long as none has matched.
			if i == 0 {
				drawn = c.of(every*len(faults), r)
			}
			return drawn == i
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

// TestFleet_NextRunPutsRightRandomFaults creates a fleet, looks at it, and gives all its shops other keys, while one request in
// eight meets one of the faults that the tables know. Whatever comes of that, every shop takes payments all the
// time, and one clean run later all is as it should be. Under go test's flag -short it does so twice: that is what the race
// detector has time for.
func TestFleet_NextRunPutsRightRandomFaults(t *testing.T) {
	t.Parallel()
	const rounds, short = 10, 2
	var tally faultTally
	for round := range rounds {
		t.Run(fmt.Sprintf("round %d", round+1), func(t *testing.T) {
			t.Parallel()
			if round >= short {
				needsTime(t)
			}
			synctest.Test(t, func(t *testing.T) { tally.add(randomlySpoiledFleet(t)) })
		})
	}
	t.Cleanup(func() { tally.report(t, "fleets of 50 shops with faults at random") })
}

func randomlySpoiledFleet(t *testing.T) (broken, orphans, violations int) {
	const shops, every = 50, 8
	var faults []sandbox.Fault
	for _, c := range apiFaults() {
		faults = append(faults, c.api.Fault)
	}
	// Keys take a moment to be made, so that there is more that can go wrong.
	seed := sandbox.FleetSeed(shops)
	f := rehearseFleet(t, seed, sandbox.Options{Pending: 1})
	dice := newChance(t)
	switchUnderFaults := func(what string, begin func(sandbox.Request) bool) {
		disarm := dice.arm(f.sandbox.Sandbox, every, faults, begin)
		spoiled := f.apply(t)
		fired := disarm()
		t.Logf("%s: %d faults, exit code %d", what, fired, spoiled.code)
		if fired == 0 {
			t.Error("no fault has happened")
		}
		for _, shop := range seed.Shops {
			if err := f.sandbox.Working(shop.Name); err != nil {
				broken++
				t.Errorf("shop %s was stopped: %v", shop.Name, err)
			}
		}
		f.mustApply(t)
		f.mustBeEmpty(t)
		more, left, wrong := f.mustBeRight(t, seed, 0)
		broken, orphans, violations = broken+more, orphans+left, violations+wrong
	}
	anything := func(sandbox.Request) bool { return true }
	writing := func(r sandbox.Request) bool { return r.Method == http.MethodPost }
	// What is wrong while it is planned keeps a new fleet from being made at all.
	switchUnderFaults("created", writing)
	switchUnderFaults("looked at", anything)
	f.trigger(t, wayFleet)
	switchUnderFaults("rotated", anything)
	return broken, orphans, violations
}
