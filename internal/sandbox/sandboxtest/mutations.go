package sandboxtest

import (
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// Rounds returns all mutations of a vendor's pages, in as few rounds as possible. A round has at most one mutation of
// each step, so that each can be judged. These have a round of their own: mutations of any page, and those that stops
// names because they end a run. The last round has none.
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
