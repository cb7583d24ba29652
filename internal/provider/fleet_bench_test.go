package provider_test

import (
	"fmt"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// BenchmarkPlanFleet plans the switch of shops with legacy keys.
func BenchmarkPlanFleet(b *testing.B) {
	benchmarkPlan(b, func(*rollout) *tfdriver.State { return tfdriver.NewState() })
}

// BenchmarkPlanFleetAgain refreshes and plans a fleet that needs no change.
func BenchmarkPlanFleetAgain(b *testing.B) {
	benchmarkPlan(b, func(r *rollout) *tfdriver.State {
		state, _ := r.apply(b, r.config(), tfdriver.NewState())
		return state
	})
}

// benchmarkPlan plans fleets of two sizes from a state. Each plan has a new provider.
func benchmarkPlan(b *testing.B, from func(*rollout) *tfdriver.State) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("shops=%d", n), func(b *testing.B) {
			r := newRolloutOf(b, sandbox.FleetSeed(n), sandbox.Options{Unchecked: true})
			state := from(r)
			for b.Loop() {
				r.plan(b, r.config(), state, tfdriver.Options{})
			}
		})
	}
}
