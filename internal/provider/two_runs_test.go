package provider_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// raceRounds is how often two runs meet. It is bounded: what is looked for shows itself in a few, or not in a hundred.
const raceRounds = 12

// TestTwoRunsAtOnce_NextRunPutsShopsRight applies one configuration twice at once, from two states that know nothing of
// each other, as two pipelines without a lock do, one of them a little later in each round. That is not supported, and
// one of them may fail or delete the key of the other. Both come to an end. When one runs again by itself, every shop
// takes payments and nothing is left to do.
func TestTwoRunsAtOnce_NextRunPutsShopsRight(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayConnection, wayFleet} {
		for round := range raceRounds {
			t.Run(fmt.Sprintf("%s %d", way, round), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { runTwice(t, way, time.Duration(round)*25*time.Millisecond) })
			})
		}
	}
}

// runTwice runs one configuration from two states, the second one some time after the first.
func runTwice(t *testing.T, way string, later time.Duration) {
	t.Helper()
	seed := sandbox.ThreeShops()
	one := rehearsed(t, testEnvOptions{seed: &seed, sandbox: sandbox.Options{Latency: distance}}, way)
	two := &core{
		provider: one.provider, settings: one.settings, chains: one.chains,
		state: map[string]instance{}, deposed: map[string][]instance{}, tainted: map[string]bool{},
	}
	var runs sync.WaitGroup
	for i, run := range []*core{one.core, two} {
		runs.Go(func() {
			time.Sleep(time.Duration(i) * later)
			if err := run.apply(t.Context()); err != nil {
				t.Logf("one run ends with: %v", err)
			}
		})
	}
	runs.Wait()
	met := one.box.Violations()
	if err := one.core.apply(t.Context()); err != nil {
		t.Errorf("it does not come to an end by itself: %v", err)
	}
	one.mustBeEmpty(t)
	mustTakePayments(t, one.box, seed)
	if now := one.box.Violations(); len(now) > len(met) {
		t.Errorf("the run by itself violates: %v", now[len(met):])
	}
}

// mustTakePayments expects every shop to hold a key that works.
func mustTakePayments(t *testing.T, box observed, seed sandbox.Seed) {
	t.Helper()
	for _, shop := range seed.Shops {
		if err := box.Working(shop.Name); err != nil {
			t.Errorf("I1: shop %s takes no payments: %v", shop.Name, err)
		}
	}
}
