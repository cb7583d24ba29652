package provider_test

import (
	"fmt"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// fleetSizes are how many shops a fleet has in the benchmarks.
var fleetSizes = []int{1000, 5000}

// BenchmarkPlanFleet plans to take over shops with legacy keys.
func BenchmarkPlanFleet(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprintf("shops=%d", n), func(b *testing.B) {
			r := newRolloutOf(b, sandbox.FleetSeed(n), sandbox.Options{Unchecked: true})
			for b.Loop() {
				r.plan(b, r.config(), tfdriver.NewState(), tfdriver.Options{})
			}
		})
	}
}

// BenchmarkPlanFleetAgain refreshes and plans a fleet with which nothing is to be done. Each plan has a provider of its own,
// which knows nothing yet.
func BenchmarkPlanFleetAgain(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprintf("shops=%d", n), func(b *testing.B) {
			r := newRolloutOf(b, sandbox.FleetSeed(n), sandbox.Options{Unchecked: true})
			state, _ := r.apply(b, r.config(), tfdriver.NewState())
			for b.Loop() {
				r.plan(b, r.config(), state, tfdriver.Options{})
			}
		})
	}
}
