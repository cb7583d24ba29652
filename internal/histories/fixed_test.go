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

// mustHold carries out a history and checks all invariants. It returns the environment afterwards.
func mustHold(t rapid.TB, d *tfdriver.Driver, o options, history []event) *testEnv {
	w, err := newTestEnv(d, o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, ev := range history {
		if w.do(ev); len(w.broken) > 0 {
			break
		}
	}
	if len(w.broken) == 0 {
		w.converge()
	}
	if len(w.broken) > 0 {
		// Keys have other names in each run, but the failure must be the same.
		t.Log(w)
		t.Fatal(w.broken[0])
	}
	return w
}

// TestHistories_FixedStories tells histories that a change of the provider could spoil.
func TestHistories_FixedStories(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	tests := map[string][]event{
		"two owners share a store and its old key": {
			{verb: want, shop: 0, n: 0}, {verb: want, shop: 1, n: 1}, {verb: apply}, {verb: apply},
		},
		"each state has a shop of the store": {
			{verb: want, shop: 0, n: 2}, {verb: want, estate: 1, shop: 1, n: 2}, {verb: apply}, {verb: apply, estate: 1},
		},
		"a pair's addresses change": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: tune, shop: 2, n: tuneName}, {verb: apply},
		},
		"a connection's address changes": {
			{verb: want, shop: 2, n: 1}, {verb: apply}, {verb: tune, shop: 2, n: tuneName}, {verb: apply},
		},
		"the address of a pair that clears changes": {
			{verb: want, shop: 2, n: 0}, {verb: tune, shop: 2, n: tuneClear}, {verb: apply}, {verb: tune, shop: 2, n: tuneName}, {verb: apply},
		},
		"triggers turn a pair": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: apply},
		},
		"a fleet is destroyed and its shops go on": {
			{verb: want, shop: 0, n: 2}, {verb: want, shop: 2, n: 2}, {verb: apply}, {verb: destroy},
		},
		"a shop's key is imported": {
			{verb: want, shop: 2, n: 0}, {verb: adopt, shop: 2}, {verb: apply},
		},
		"only one pair is to be applied": {
			{verb: want, shop: 0, n: 0}, {verb: want, shop: 2, n: 0}, {verb: apply}, {verb: tune, shop: 0, n: tuneTurn},
			{verb: tune, shop: 2, n: tuneTurn}, {verb: target, shop: 2, n: 1},
		},
		"only a pair's key is to be applied": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: target, shop: 2, n: 0},
		},
		"only one connection is to be applied": {
			{verb: want, shop: 0, n: 1}, {verb: want, shop: 1, n: 1}, {verb: target, shop: 1, n: 2},
		},
		"a pair becomes a connection": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: move, shop: 2}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: apply},
		},
		"a pair becomes a connection in a run that is killed": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: move, shop: 2},
			{verb: apply, trouble: trouble{kind: killAfter, at: 1}}, {verb: apply},
		},
		"something else uses the key that a connection replaces": {
			{verb: want, shop: 2, n: 1}, {verb: tune, shop: 2, n: tuneQuiet}, {verb: hand, shop: 2, n: handShare}, {verb: apply},
			{verb: wait, n: 3}, {verb: apply}, {verb: wait, n: 3}, {verb: tune, shop: 2, n: tuneTurn}, {verb: apply},
		},
		"something else uses the key that a fleet replaces": {
			{verb: want, shop: 2, n: 2}, {verb: want, shop: 0, n: 2}, {verb: tune, shop: 0, n: tuneQuiet}, {verb: apply},
			{verb: hand, shop: 2, n: handShare}, {verb: tune, shop: 2, n: tuneTurn}, {verb: apply}, {verb: wait, n: 3}, {verb: apply},
		},
		"a connection's shop goes to another store and comes back": {
			{verb: want, shop: 2, n: 1}, {verb: apply}, {verb: tune, shop: 2, n: tuneAllow}, {verb: tune, shop: 2, n: tuneMistaken}, {verb: apply},
			{verb: tune, shop: 2, n: tuneMistaken}, {verb: apply},
		},
		"a fleet's shop goes to another store and comes back": {
			{verb: want, shop: 1, n: 2}, {verb: want, shop: 2, n: 2}, {verb: apply}, {verb: tune, shop: 2, n: tuneAllow},
			{verb: tune, shop: 1, n: tuneMistaken}, {verb: apply}, {verb: tune, shop: 1, n: tuneMistaken}, {verb: apply},
		},
		"a pair's shop goes to another store and comes back": {
			{verb: want, shop: 2, n: 0}, {verb: apply}, {verb: tune, shop: 2, n: tuneAllow}, {verb: tune, shop: 2, n: tuneMistaken}, {verb: apply},
			{verb: tune, shop: 2, n: tuneMistaken}, {verb: apply},
		},
		"a key is destroyed by force while another state's shop has it": {
			{verb: want, shop: 0, n: 0}, {verb: tune, shop: 0, n: tuneForce}, {verb: apply}, {verb: want, estate: 1, shop: 0, n: 0},
			{verb: adopt, estate: 1, shop: 0}, {verb: apply, estate: 1}, {verb: want, shop: 0, n: 3}, {verb: apply},
		},
		"a key is retained when it is replaced": {
			{verb: want, shop: 0, n: 0}, {verb: tune, shop: 0, n: tuneRetain}, {verb: apply}, {verb: tune, shop: 0, n: tuneTurn}, {verb: apply},
		},
		"an ignored shop has the key that another one gives up": {
			{verb: want, shop: 0, n: 1}, {verb: want, estate: 1, shop: 1, n: 1}, {verb: tune, shop: 1, n: tuneIgnore}, {verb: apply}, {verb: apply, estate: 1},
		},
		"the store of a pair is put right after its run was killed": {
			{verb: want, shop: 0, n: 0}, {verb: tune, shop: 0, n: tuneMistaken}, {verb: apply, trouble: trouble{kind: killAfter}},
		},
		"a shop that nobody has ever read is configured for the wrong store": {
			{verb: want, estate: 1, shop: 1, n: 0}, {verb: tune, estate: 1, shop: 1, n: tuneExclusive}, {verb: want, estate: 1, shop: 0, n: 1},
			{verb: tune, estate: 1, shop: 1, n: tuneMistaken}, {verb: apply, estate: 1, trouble: trouble{dead, 0, 1, 0}, order: 1},
		},
		"a pair becomes a connection while reads are stale": {
			{verb: want, shop: 0, n: 0}, {verb: apply}, {verb: move, shop: 0}, {verb: apply, trouble: trouble{kind: stale}},
		},
		"somebody clears a shop": {
			{verb: want, shop: 2, n: 1}, {verb: apply}, {verb: hand, shop: 2, n: handClear}, {verb: apply},
		},
	}
	for name, history := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustHold(t, d, options{}, history)
			mustHold(t, d, options{remembers: true}, history)
		})
	}
	t.Run("whoever keeps keys stops that", func(t *testing.T) {
		t.Parallel()
		w := mustHold(t, d, options{tidy: true}, []event{
			{verb: want, shop: 2, n: 1}, {verb: want, shop: 0, n: 2}, {verb: tune, shop: 2, n: tuneKeep}, {verb: tune, shop: 0, n: tuneKeep},
			{verb: want, estate: 1, shop: 1, n: 1}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn}, {verb: tune, shop: 0, n: tuneTurn}, {verb: apply},
		})
		if n := len(w.keys()); n != shopCount {
			t.Errorf("%d keys are left:\n%s", n, w)
		}
	})
}
