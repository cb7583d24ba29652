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

// mustHold lets a history happen and expects every promise to be kept. It returns what the world has come to.
func mustHold(t rapid.TB, d *tfdriver.Driver, o options, history []event) *world {
	w, err := newWorld(d, o)
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
		// The names of keys differ from one time to the next. What fails must be the same.
		t.Log(w)
		t.Fatal(w.broken[0])
	}
	return w
}

// TestFixedHistories tells histories that a change of the provider could spoil.
func TestFixedHistories(t *testing.T) {
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
		"somebody clears a shop": {
			{verb: want, shop: 2, n: 1}, {verb: apply}, {verb: hand, shop: 2, n: handClear}, {verb: apply},
		},
	}
	for name, history := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustHold(t, d, options{}, history)
		})
	}
}
