package histories_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// shards is the number of parallel parts. Each has as many histories as -rapid.checks says, by default 100. make
// histories runs 2,000 in all.
const shards = 2

// TestHistories_RandomRuns tells random histories. For more of them, pass -rapid.checks; a failure prints the seed
// and the shortest history that was found for it.
func TestHistories_RandomRuns(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				// Without this draw, each part would have the same histories for a seed.
				for range shard {
					rapid.Uint64().Draw(t, "part")
				}
				o := options{
					pending: rapid.IntRange(0, 1).Draw(t, "pending"), remembers: rapid.Bool().Draw(t, "remembers"),
					way: way(rapid.IntRange(0, int(ways)-1).Draw(t, "way")), tidy: rapid.Bool().Draw(t, "tidy"),
				}
				history := slices.Concat(rapid.SliceOfN(rapid.Custom(drawWish), 1, 4).Draw(t, "beginning")...)
				history = append(history, rapid.SliceOfN(rapid.Custom(drawEvent), 1, 8).Draw(t, "history")...)
				mustHold(t, d, o, history)
			})
		})
	}
}

// drawWish draws the owner of a shop, and arguments of it.
func drawWish(t *rapid.T) []event {
	owned := event{
		verb: want, estate: rapid.IntRange(0, estateCount-1).Draw(t, "estate"),
		shop: rapid.IntRange(0, shopCount-1).Draw(t, "shop"), n: rapid.IntRange(0, len(owners)-1).Draw(t, "owner"),
	}
	wish := []event{owned}
	for _, argument := range rapid.SliceOfNDistinct(rapid.IntRange(0, tunes-1), 0, 2, rapid.ID).Draw(t, "arguments") {
		wish = append(wish, event{verb: tune, estate: owned.estate, shop: owned.shop, n: argument})
	}
	return wish
}

// drawEvent draws an event. To simplify a failing history, rapid makes the first draws and small values smaller.
func drawEvent(t *rapid.T) event {
	ev := event{verb: rapid.SampledFrom([]verb{
		apply, want, apply, tune, apply, want, hand, apply, replace, tune, adopt, forget, restore, destroy, wait, target, move, tune,
	}).Draw(t, "verb")}
	if ev.verb != hand && ev.verb != wait {
		ev.estate = rapid.IntRange(0, estateCount-1).Draw(t, "estate")
	}
	switch ev.verb {
	case want, tune, target, replace, adopt, forget, hand, move:
		ev.shop = rapid.IntRange(0, shopCount-1).Draw(t, "shop")
	}
	switch ev.verb {
	case want:
		ev.n = rapid.IntRange(0, len(owners)-1).Draw(t, "owner")
	case tune:
		ev.n = rapid.IntRange(0, tunes-1).Draw(t, "argument")
	case hand:
		ev.n = rapid.IntRange(0, hands-1).Draw(t, "change")
	case wait:
		ev.n = rapid.IntRange(0, len(waits)-1).Draw(t, "time")
	case restore, target, replace:
		ev.n = rapid.IntRange(0, len(aimed)-1).Draw(t, "which")
	case apply, destroy:
	}
	switch ev.verb {
	case apply, target, replace, destroy:
		ev.order = uint64(rapid.IntRange(0, 3).Draw(t, "order"))
		ev.trouble = drawTrouble(t)
	}
	return ev
}

func drawTrouble(t *rapid.T) trouble {
	tr := trouble{kind: rapid.SampledFrom(troubles).Draw(t, "trouble")}
	switch tr.kind {
	case noTrouble, blind, own, stale:
		return tr
	case killReading, meet, refuseRead:
		tr.at = rapid.IntRange(0, 40).Draw(t, "at")
	case pause:
		tr.at = rapid.IntRange(0, hands-1).Draw(t, "change")
	case dead:
	default:
		tr.at = rapid.IntRange(0, 7).Draw(t, "at")
	}
	switch tr.kind {
	case meet:
		tr.until = rapid.IntRange(0, 40).Draw(t, "until")
	case dead, refuseRead, pause:
		tr.shop = rapid.IntRange(0, shopCount-1).Draw(t, "shop")
	}
	return tr
}

// troubles has the kinds of trouble, as often as they are drawn.
var troubles = []string{
	noTrouble, noTrouble, noTrouble, noTrouble, killAfter, killBefore, loseAnswer, meet, stale, blind, own, dead, refuse, drop, tear, refuseRead, killReading, pause,
}

// TestHistories_FoundFailures tells the histories that random ones have found.
func TestHistories_FoundFailures(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	tests := map[string][]event{
		"a shop is given to the wrong store": {
			{verb: want, shop: 0, n: 0}, {verb: tune, shop: 0, n: tuneMistaken}, {verb: apply},
		},
		"a connected shop is given to the wrong store": {
			{verb: want, shop: 0, n: 1}, {verb: apply}, {verb: tune, shop: 0, n: tuneMistaken}, {verb: apply},
		},
		"a pair is destroyed while the shop's reads lag": {
			{verb: want, shop: 0, n: 0}, {verb: apply}, {verb: destroy, trouble: trouble{kind: stale}},
		},
		"another run installs the key that this one deletes": {
			{verb: want, shop: 1, n: 1}, {verb: want, estate: 1, shop: 1, n: 0}, {verb: apply, estate: 1},
			{verb: apply, trouble: trouble{meet, 9, 0, 21}},
		},
		"a pair's run is killed when the key is made": {
			{verb: want, shop: 0, n: 0}, {verb: apply, trouble: trouble{kind: killAfter}},
		},
		"a connection's run is killed before the key is installed": {
			{verb: want, shop: 1, n: 1}, {verb: apply, trouble: trouble{kind: killBefore, at: 1}},
		},
		"a fleet's run is killed before the key is installed": {
			{verb: want, shop: 1, n: 2}, {verb: apply, trouble: trouble{kind: killBefore, at: 1}},
		},
		"a pair takes over after a connection's run was killed": {
			{verb: want, shop: 2, n: 1}, {verb: apply, trouble: trouble{kind: killBefore, at: 2}}, {verb: want, shop: 2, n: 0},
		},
		"a pair's credentials that clear are replaced, the new ones first": {
			{verb: want, shop: 0, n: 0}, {verb: tune, shop: 0, n: tuneClear}, {verb: tune, shop: 0, n: tuneOverlap}, {verb: apply},
			{verb: replace, shop: 0, n: 1},
		},
		"keys and shops have provider configurations of their own": {
			{verb: want, shop: 2, n: 0}, {verb: tune, shop: 2, n: tuneSplit}, {verb: apply}, {verb: destroy},
		},
		"pairs are destroyed right after they were installed, while the shops' reads lag": {
			{verb: want, estate: 1, shop: 1, n: 0}, {verb: want, estate: 1, shop: 0, n: 0}, {verb: adopt, estate: 1, shop: 1},
			{verb: apply, estate: 1, trouble: trouble{kind: own}}, {verb: destroy, estate: 1, trouble: trouble{kind: stale}},
		},
		"another run still has to install the key that this one takes for a killed run's": {
			{verb: want, estate: 1, shop: 1, n: 1}, {verb: want, shop: 2, n: 0}, {verb: want, shop: 0, n: 0}, {verb: want, shop: 1, n: 2},
			{verb: apply, trouble: trouble{meet, 8, 0, 7}}, {verb: want, estate: 1, shop: 1, n: 3},
		},
		"a connection is made anew beside a shop of the same store that another state has": {
			{verb: want, estate: 1, shop: 0, n: 1}, {verb: apply, estate: 1, trouble: trouble{kind: own}}, {verb: want, shop: 1, n: 1},
			{verb: apply, trouble: trouble{kind: own}}, {verb: tune, shop: 1, n: tuneTurn}, {verb: apply, trouble: trouble{kind: own}},
			{verb: tune, shop: 1, n: tuneName}, {verb: apply, trouble: trouble{kind: own}},
		},
		"a shop leaves a fleet that is told to clear in the same run": {
			{verb: want, shop: 2, n: 2}, {verb: want, shop: 1, n: 2}, {verb: apply}, {verb: tune, shop: 1, n: tuneClear}, {verb: want, shop: 2, n: 0},
			{verb: apply},
		},
		"two updates of a connection in a row are killed before they delete": {
			{verb: want, shop: 2, n: 1}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: apply, trouble: trouble{kind: killBefore, at: 2}},
			{verb: tune, shop: 2, n: tuneTurn}, {verb: apply, trouble: trouble{kind: killBefore, at: 2}},
		},
		"two updates of a fleet in a row are killed before they delete": {
			{verb: want, shop: 2, n: 2}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: apply, trouble: trouble{kind: killBefore, at: 2}},
			{verb: tune, shop: 2, n: tuneTurn}, {verb: apply, trouble: trouble{kind: killBefore, at: 2}},
		},
		"a provider configuration without shops gets them after it could not delete": {
			{verb: want, shop: 0, n: 0}, {verb: tune, shop: 0, n: tuneSplit}, {verb: apply}, {verb: replace, shop: 0, n: 0},
		},
		"a fleet takes over from a pair whose provider configuration had no shops": {
			{verb: want, shop: 2, n: 0}, {verb: tune, shop: 2, n: tuneSplit}, {verb: adopt, shop: 2}, {verb: apply}, {verb: want, shop: 2, n: 2},
		},
		"a killed run's key is not listed when the next run plans": {
			{verb: want, shop: 0, n: 0}, {verb: apply, trouble: trouble{kind: killAfter}}, {verb: apply, trouble: trouble{kind: stale}},
		},
		"a killed replacement of a pair is not repeated": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: replace, shop: 2, n: 0, trouble: trouble{kind: killAfter}},
		},
		"a killed replacement of a connection is not repeated": {
			{verb: want, shop: 2, n: 1}, {verb: apply}, {verb: replace, shop: 2, n: 2, trouble: trouble{kind: killAfter}},
		},
		"a state lets go of a pair that another one has imported": {
			{verb: want, estate: 1, shop: 0, n: 0}, {verb: want, shop: 0, n: 0}, {verb: apply}, {verb: hand, shop: 0, n: handSave},
			{verb: want, shop: 0, n: 3}, {verb: adopt, estate: 1, shop: 0}, {verb: replace, estate: 1, shop: 1, n: 0},
		},
		"a pair of another store takes over from a connection that clears": {
			{verb: want, shop: 0, n: 1}, {verb: tune, shop: 0, n: tuneClear}, {verb: apply}, {verb: want, shop: 0, n: 0},
			{verb: tune, shop: 0, n: tuneMistaken}, {verb: apply},
		},
		"a pair that clears makes room for a fleet": {
			{verb: want, shop: 1, n: 0}, {verb: tune, shop: 1, n: tuneClear}, {verb: apply}, {verb: want, shop: 1, n: 2}, {verb: apply},
		},
	}
	for name, history := range tests {
		for order := range uint64(4) {
			t.Run(fmt.Sprintf("%s, order %d", name, order), func(t *testing.T) {
				t.Parallel()
				ordered := slices.Clone(history)
				for i := range ordered {
					ordered[i].order = order
				}
				mustHold(t, d, options{remembers: order%2 == 1, way: way(order) % ways}, ordered)
			})
		}
	}
}
