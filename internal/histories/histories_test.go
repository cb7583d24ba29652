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

// TestHistories_RandomRuns runs random histories. For more of them, pass -rapid.checks. A failure prints the seed
// and the shortest history that still fails.
func TestHistories_RandomRuns(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				// Without this draw, both parts would have the same histories for a seed.
				for range shard {
					rapid.Uint64().Draw(t, "part")
				}
				o := options{
					pending: rapid.IntRange(0, 1).Draw(t, "pending"), sharesCache: rapid.Bool().Draw(t, "sharesCache"),
					resolution: resolution(rapid.IntRange(0, int(resolutionCount)-1).Draw(t, "resolution")), stopsKeeping: rapid.Bool().Draw(t, "stopsKeeping"),
				}
				history := slices.Concat(rapid.SliceOfN(rapid.Custom(drawOwner), 1, 4).Draw(t, "beginning")...)
				history = append(history, rapid.SliceOfN(rapid.Custom(drawEvent), 1, 8).Draw(t, "history")...)
				checkHistory(t, d, o, history)
			})
		})
	}
}

// drawOwner draws the owner of a shop, and arguments of it.
func drawOwner(t *rapid.T) []event {
	owned := event{
		verb: assign, workspace: rapid.IntRange(0, workspaceCount-1).Draw(t, "workspace"),
		shop: rapid.IntRange(0, shopCount-1).Draw(t, "shop"), n: rapid.IntRange(0, len(owners)-1).Draw(t, "owner"),
	}
	cfg := []event{owned}
	for _, argument := range rapid.SliceOfNDistinct(rapid.IntRange(0, toggleCount-1), 0, 2, rapid.ID).Draw(t, "arguments") {
		cfg = append(cfg, event{verb: toggle, workspace: owned.workspace, shop: owned.shop, n: argument})
	}
	return cfg
}

// drawEvent draws an event. To simplify a failing history, rapid makes the first draws and small values smaller.
func drawEvent(t *rapid.T) event {
	ev := event{verb: rapid.SampledFrom([]verb{
		apply, assign, apply, toggle, apply, assign, manual, apply, replace, toggle, importKeys, forget, restore, destroy, wait, target, move, toggle,
	}).Draw(t, "verb")}
	if ev.verb != manual && ev.verb != wait {
		ev.workspace = rapid.IntRange(0, workspaceCount-1).Draw(t, "workspace")
	}
	switch ev.verb {
	case assign, toggle, target, replace, importKeys, forget, manual, move:
		ev.shop = rapid.IntRange(0, shopCount-1).Draw(t, "shop")
	}
	switch ev.verb {
	case assign:
		ev.n = rapid.IntRange(0, len(owners)-1).Draw(t, "owner")
	case toggle:
		ev.n = rapid.IntRange(0, toggleCount-1).Draw(t, "argument")
	case manual:
		ev.n = rapid.IntRange(0, manualCount-1).Draw(t, "change")
	case wait:
		ev.n = rapid.IntRange(0, len(waitTimes)-1).Draw(t, "time")
	case restore, target, replace:
		ev.n = rapid.IntRange(0, len(targetTypes)-1).Draw(t, "which")
	case apply, destroy:
	}
	switch ev.verb {
	case apply, target, replace, destroy:
		ev.order = uint64(rapid.IntRange(0, 3).Draw(t, "order"))
		ev.fault = drawFault(t)
	}
	return ev
}

func drawFault(t *rapid.T) fault {
	f := fault{kind: rapid.SampledFrom(faultKinds).Draw(t, "fault")}
	switch f.kind {
	case noFault, noTokens, ownTokens, staleReads:
		return f
	case killAtRequest, concurrentRun, failReads:
		f.at = rapid.IntRange(0, 40).Draw(t, "at")
	case manualBeforeApply:
		f.at = rapid.IntRange(0, manualCount-1).Draw(t, "change")
	case deadToken:
	default:
		f.at = rapid.IntRange(0, 7).Draw(t, "at")
	}
	switch f.kind {
	case concurrentRun:
		f.until = rapid.IntRange(0, 40).Draw(t, "until")
	case deadToken, failReads, manualBeforeApply:
		f.shop = rapid.IntRange(0, shopCount-1).Draw(t, "shop")
	}
	return f
}

// faultKinds has each kind of fault as often as its weight.
var faultKinds = []string{
	noFault, noFault, noFault, noFault, killAfter, killBefore, loseResponse, concurrentRun, staleReads, noTokens, ownTokens, deadToken, failWrites, dropWrite, truncateResponse, failReads, killAtRequest, manualBeforeApply,
}

// TestHistories_FoundFailures runs histories in which random runs have found a failure.
func TestHistories_FoundFailures(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	tests := map[string][]event{
		"a shop is configured for the wrong store": {
			{verb: assign, shop: 0, n: 0}, {verb: toggle, shop: 0, n: toggleWrongStore}, {verb: apply},
		},
		"a connected shop is configured for the wrong store": {
			{verb: assign, shop: 0, n: 1}, {verb: apply}, {verb: toggle, shop: 0, n: toggleWrongStore}, {verb: apply},
		},
		"a pair is destroyed while the shop's reads are stale": {
			{verb: assign, shop: 0, n: 0}, {verb: apply}, {verb: destroy, fault: fault{kind: staleReads}},
		},
		"another run installs the key that this one deletes": {
			{verb: assign, shop: 1, n: 1}, {verb: assign, workspace: 1, shop: 1, n: 0}, {verb: apply, workspace: 1},
			{verb: apply, fault: fault{concurrentRun, 9, 0, 21}},
		},
		"a pair's run is killed when the key is generated": {
			{verb: assign, shop: 0, n: 0}, {verb: apply, fault: fault{kind: killAfter}},
		},
		"a connection's run is killed before the key is installed": {
			{verb: assign, shop: 1, n: 1}, {verb: apply, fault: fault{kind: killBefore, at: 1}},
		},
		"a fleet's run is killed before the key is installed": {
			{verb: assign, shop: 1, n: 2}, {verb: apply, fault: fault{kind: killBefore, at: 1}},
		},
		"a pair takes over after a connection's run was killed": {
			{verb: assign, shop: 2, n: 1}, {verb: apply, fault: fault{kind: killBefore, at: 2}}, {verb: assign, shop: 2, n: 0},
		},
		"a pair's credentials that clear are replaced, the new ones first": {
			{verb: assign, shop: 0, n: 0}, {verb: toggle, shop: 0, n: toggleClear}, {verb: toggle, shop: 0, n: toggleCreateFirst}, {verb: apply},
			{verb: replace, shop: 0, n: 1},
		},
		"keys and shops have provider configurations of their own": {
			{verb: assign, shop: 2, n: 0}, {verb: toggle, shop: 2, n: toggleSplit}, {verb: apply}, {verb: destroy},
		},
		"pairs are destroyed right after they were installed, while the shops' reads are stale": {
			{verb: assign, workspace: 1, shop: 1, n: 0}, {verb: assign, workspace: 1, shop: 0, n: 0}, {verb: importKeys, workspace: 1, shop: 1},
			{verb: apply, workspace: 1, fault: fault{kind: ownTokens}}, {verb: destroy, workspace: 1, fault: fault{kind: staleReads}},
		},
		"another run is about to install the key that this one takes for an orphan": {
			{verb: assign, workspace: 1, shop: 1, n: 1}, {verb: assign, shop: 2, n: 0}, {verb: assign, shop: 0, n: 0}, {verb: assign, shop: 1, n: 2},
			{verb: apply, fault: fault{concurrentRun, 8, 0, 7}}, {verb: assign, workspace: 1, shop: 1, n: 3},
		},
		"a connection is recreated beside a shop of the same store in another state": {
			{verb: assign, workspace: 1, shop: 0, n: 1}, {verb: apply, workspace: 1, fault: fault{kind: ownTokens}}, {verb: assign, shop: 1, n: 1},
			{verb: apply, fault: fault{kind: ownTokens}}, {verb: toggle, shop: 1, n: toggleTriggers}, {verb: apply, fault: fault{kind: ownTokens}},
			{verb: toggle, shop: 1, n: toggleAddress}, {verb: apply, fault: fault{kind: ownTokens}},
		},
		"a shop leaves a fleet that is configured to clear in the same run": {
			{verb: assign, shop: 2, n: 2}, {verb: assign, shop: 1, n: 2}, {verb: apply}, {verb: toggle, shop: 1, n: toggleClear}, {verb: assign, shop: 2, n: 0},
			{verb: apply},
		},
		"two updates of a connection in a row are killed before they delete": {
			{verb: assign, shop: 2, n: 1}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply, fault: fault{kind: killBefore, at: 2}},
			{verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply, fault: fault{kind: killBefore, at: 2}},
		},
		"two updates of a fleet in a row are killed before they delete": {
			{verb: assign, shop: 2, n: 2}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply, fault: fault{kind: killBefore, at: 2}},
			{verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply, fault: fault{kind: killBefore, at: 2}},
		},
		"a provider configuration without shops gets them after it could not delete": {
			{verb: assign, shop: 0, n: 0}, {verb: toggle, shop: 0, n: toggleSplit}, {verb: apply}, {verb: replace, shop: 0, n: 0},
		},
		"a fleet takes over from a pair whose provider configuration had no shops": {
			{verb: assign, shop: 2, n: 0}, {verb: toggle, shop: 2, n: toggleSplit}, {verb: importKeys, shop: 2}, {verb: apply}, {verb: assign, shop: 2, n: 2},
		},
		"a killed run's key is not listed when the next run plans": {
			{verb: assign, shop: 0, n: 0}, {verb: apply, fault: fault{kind: killAfter}}, {verb: apply, fault: fault{kind: staleReads}},
		},
		"a killed replacement of a pair is not repeated": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: replace, shop: 2, n: 0, fault: fault{kind: killAfter}},
		},
		"a killed replacement of a connection is not repeated": {
			{verb: assign, shop: 2, n: 1}, {verb: apply}, {verb: replace, shop: 2, n: 2, fault: fault{kind: killAfter}},
		},
		"a state forgets a pair that another one has imported": {
			{verb: assign, workspace: 1, shop: 0, n: 0}, {verb: assign, shop: 0, n: 0}, {verb: apply}, {verb: manual, shop: 0, n: manualSave},
			{verb: assign, shop: 0, n: 3}, {verb: importKeys, workspace: 1, shop: 0}, {verb: replace, workspace: 1, shop: 1, n: 0},
		},
		"a pair of another store takes over from a connection that clears": {
			{verb: assign, shop: 0, n: 1}, {verb: toggle, shop: 0, n: toggleClear}, {verb: apply}, {verb: assign, shop: 0, n: 0},
			{verb: toggle, shop: 0, n: toggleWrongStore}, {verb: apply},
		},
		"a fleet takes over from a pair that clears": {
			{verb: assign, shop: 1, n: 0}, {verb: toggle, shop: 1, n: toggleClear}, {verb: apply}, {verb: assign, shop: 1, n: 2}, {verb: apply},
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
				checkHistory(t, d, options{sharesCache: order%2 == 1, resolution: resolution(order) % resolutionCount}, ordered)
			})
		}
	}
}
