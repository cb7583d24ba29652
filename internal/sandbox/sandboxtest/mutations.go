package sandboxtest

import (
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// Rounds are all mutations of a vendor's pages, in as few rounds as it takes to try each. One of each step makes a round
// with those of the other steps: they lie in the way of different steps, so a run that gets over all of them gets over
// each. Alone are tried those that are on any page, those that the caller names because they stop a run, and, last, none.
func Rounds(api string, stops ...string) [][]string {
	var rounds, alone [][]string
	next := map[sandbox.MutatedStep]int{}
	for _, m := range sandbox.Mutations() {
		switch round := next[m.Step]; {
		case !m.On(api):
		case m.Step == sandbox.StepAnyPage || slices.Contains(stops, m.Name):
			alone = append(alone, []string{m.Name})
		case round == len(rounds):
			rounds = append(rounds, []string{m.Name})
			next[m.Step]++
		default:
			rounds[round] = append(rounds[round], m.Name)
			next[m.Step]++
		}
	}
	return append(append(rounds, alone...), nil)
}
