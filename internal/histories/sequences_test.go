package histories_test

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

func newDriver(t testing.TB) *tfdriver.Driver {
	t.Helper()
	p := provider.New(provider.Options{Version: "test", Getenv: func(string) string { return "" }})
	server, err := provider.NewServer(p(), false)
	if err != nil {
		t.Fatal(err)
	}
	d, err := tfdriver.New(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// checkHistory carries out a history and checks all invariants. It returns the environment afterwards.
func checkHistory(t rapid.TB, d *tfdriver.Driver, o options, history []event) *testEnv {
	env, err := newTestEnv(d, o)
	if err != nil {
		t.Fatal(err)
	}
	defer env.close()
	for _, ev := range history {
		if env.do(ev); len(env.violated) > 0 {
			break
		}
	}
	if len(env.violated) == 0 {
		env.converge()
	}
	if len(env.violated) > 0 {
		// The usernames differ in each run, and rapid needs the same failure to shrink a history.
		t.Log(env)
		t.Fatal(env.violated[0])
	}
	return env
}

// TestHistories_FixedSequences runs histories of typical changes.
func TestHistories_FixedSequences(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	tests := map[string][]event{
		"two owners share a store and its old key": {
			{verb: assign, shop: 0, n: 0}, {verb: assign, shop: 1, n: 1}, {verb: apply}, {verb: apply},
		},
		"each state has a shop of the store": {
			{verb: assign, shop: 0, n: 2}, {verb: assign, workspace: 1, shop: 1, n: 2}, {verb: apply}, {verb: apply, workspace: 1},
		},
		"a pair's addresses change": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: toggle, shop: 2, n: toggleAddress}, {verb: apply},
		},
		"a connection's address changes": {
			{verb: assign, shop: 2, n: 1}, {verb: apply}, {verb: toggle, shop: 2, n: toggleAddress}, {verb: apply},
		},
		"the address of a pair that clears changes": {
			{verb: assign, shop: 2, n: 0}, {verb: toggle, shop: 2, n: toggleClear}, {verb: apply}, {verb: toggle, shop: 2, n: toggleAddress}, {verb: apply},
		},
		"triggers rotate a pair": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply},
		},
		"a fleet is destroyed and its shops keep their keys": {
			{verb: assign, shop: 0, n: 2}, {verb: assign, shop: 2, n: 2}, {verb: apply}, {verb: destroy},
		},
		"a shop's key is imported": {
			{verb: assign, shop: 2, n: 0}, {verb: importKeys, shop: 2}, {verb: apply},
		},
		"-target selects one pair": {
			{verb: assign, shop: 0, n: 0}, {verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: toggle, shop: 0, n: toggleTriggers},
			{verb: toggle, shop: 2, n: toggleTriggers}, {verb: target, shop: 2, n: 1},
		},
		"-target selects a pair's key": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: target, shop: 2, n: 0},
		},
		"-target selects one connection": {
			{verb: assign, shop: 0, n: 1}, {verb: assign, shop: 1, n: 1}, {verb: target, shop: 1, n: 2},
		},
		"a pair becomes a connection": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: move, shop: 2}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply},
		},
		"a pair becomes a connection in a run that is killed": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: move, shop: 2},
			{verb: apply, fault: fault{kind: killAfter, at: 1}}, {verb: apply},
		},
		"another system uses the key that a connection replaces": {
			{verb: assign, shop: 2, n: 1}, {verb: toggle, shop: 2, n: toggleDeleteUnused}, {verb: manual, shop: 2, n: manualShare}, {verb: apply},
			{verb: wait, n: 3}, {verb: apply}, {verb: wait, n: 3}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply},
		},
		"another system uses the key that a fleet replaces": {
			{verb: assign, shop: 2, n: 2}, {verb: assign, shop: 0, n: 2}, {verb: toggle, shop: 0, n: toggleDeleteUnused}, {verb: apply},
			{verb: manual, shop: 2, n: manualShare}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: apply}, {verb: wait, n: 3}, {verb: apply},
		},
		"a connection's shop moves to another store and back": {
			{verb: assign, shop: 2, n: 1}, {verb: apply}, {verb: toggle, shop: 2, n: toggleAllow}, {verb: toggle, shop: 2, n: toggleWrongStore}, {verb: apply},
			{verb: toggle, shop: 2, n: toggleWrongStore}, {verb: apply},
		},
		"a fleet's shop moves to another store and back": {
			{verb: assign, shop: 1, n: 2}, {verb: assign, shop: 2, n: 2}, {verb: apply}, {verb: toggle, shop: 2, n: toggleAllow},
			{verb: toggle, shop: 1, n: toggleWrongStore}, {verb: apply}, {verb: toggle, shop: 1, n: toggleWrongStore}, {verb: apply},
		},
		"a pair's shop moves to another store and back": {
			{verb: assign, shop: 2, n: 0}, {verb: apply}, {verb: toggle, shop: 2, n: toggleAllow}, {verb: toggle, shop: 2, n: toggleWrongStore}, {verb: apply},
			{verb: toggle, shop: 2, n: toggleWrongStore}, {verb: apply},
		},
		"force_destroy deletes a key that another state's shop uses": {
			{verb: assign, shop: 0, n: 0}, {verb: toggle, shop: 0, n: toggleForce}, {verb: apply}, {verb: assign, workspace: 1, shop: 0, n: 0},
			{verb: importKeys, workspace: 1, shop: 0}, {verb: apply, workspace: 1}, {verb: assign, shop: 0, n: 3}, {verb: apply},
		},
		"a key is retained when it is replaced": {
			{verb: assign, shop: 0, n: 0}, {verb: toggle, shop: 0, n: toggleRetain}, {verb: apply}, {verb: toggle, shop: 0, n: toggleTriggers}, {verb: apply},
		},
		"an ignored shop uses the key that another shop replaces": {
			{verb: assign, shop: 0, n: 1}, {verb: assign, workspace: 1, shop: 1, n: 1}, {verb: toggle, shop: 1, n: toggleIgnore}, {verb: apply}, {verb: apply, workspace: 1},
		},
		"the store of a pair is corrected after its run was killed": {
			{verb: assign, shop: 0, n: 0}, {verb: toggle, shop: 0, n: toggleWrongStore}, {verb: apply, fault: fault{kind: killAfter}},
		},
		"a shop that no run has read is configured for the wrong store": {
			{verb: assign, workspace: 1, shop: 1, n: 0}, {verb: toggle, workspace: 1, shop: 1, n: toggleExclusive}, {verb: assign, workspace: 1, shop: 0, n: 1},
			{verb: toggle, workspace: 1, shop: 1, n: toggleWrongStore}, {verb: apply, workspace: 1, fault: fault{deadToken, 0, 1, 0}, order: 1},
		},
		"a pair becomes a connection while reads are stale": {
			{verb: assign, shop: 0, n: 0}, {verb: apply}, {verb: move, shop: 0}, {verb: apply, fault: fault{kind: staleReads}},
		},
		"a person clears a shop": {
			{verb: assign, shop: 2, n: 1}, {verb: apply}, {verb: manual, shop: 2, n: manualClear}, {verb: apply},
		},
	}
	for name, history := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkHistory(t, d, options{}, history)
			checkHistory(t, d, options{sharesCache: true}, history)
		})
	}
	t.Run("the policy stops keeping keys", func(t *testing.T) {
		t.Parallel()
		env := checkHistory(t, d, options{stopsKeeping: true}, []event{
			{verb: assign, shop: 2, n: 1}, {verb: assign, shop: 0, n: 2}, {verb: toggle, shop: 2, n: toggleKeep}, {verb: toggle, shop: 0, n: toggleKeep},
			{verb: assign, workspace: 1, shop: 1, n: 1}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers}, {verb: toggle, shop: 0, n: toggleTriggers}, {verb: apply},
		})
		if n := len(env.keys()); n != shopCount {
			t.Errorf("%d keys are left:\n%s", n, env)
		}
	})
}
