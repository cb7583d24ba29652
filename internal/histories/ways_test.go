package histories_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// way is how people give up a key that the configuration no longer wants, and that is not deleted because a shop
// rightly uses it. The refusal names each way.
type way int

// The ways.
const (
	// wayForget removes the key from the state, as a removed block with destroy = false does.
	wayForget way = iota
	// wayRetain restores the key's block for one run, with deletion_policy = "retain".
	wayRetain
	// wayMove gives the shop another key: by the object of the other state that owns the shop, or by hand.
	wayMove
	ways
)

// letGoOfHeld takes the way for each key that the last run refused to destroy and that every run will refuse: a shop
// uses the key, and nobody manages the shop, or another estate manages it with this key.
func (w *testEnv) letGoOfHeld(i int, refusals []string) {
	e := w.estates[i]
	for _, key := range e.state.Instances() {
		if !strings.HasPrefix(key.Address, keyType+".") || e.wants(key) || !refuses(refusals, key.Text("username")) {
			continue
		}
		for _, shop := range w.stuckWith(i, key.Text("username")) {
			w.goWay(i, key, shop)
		}
	}
}

// refuses reports whether a run refused to delete a key because a shop uses it.
func refuses(errors []string, username string) bool {
	return slices.ContainsFunc(errors, func(text string) bool {
		return strings.Contains(text, "The key "+username+" was not deleted. Shop ")
	})
}

// wants reports whether the estate's configuration has a key.
func (e *estate) wants(key *tfdriver.Instance) bool {
	for shop, wish := range e.wishes {
		if wish.owner == ownerPair && key == e.state.Current[wish.address(keyType, shop)] {
			return true
		}
	}
	return false
}

// stuckWith returns the shops that hold a key and that no run of any estate moves to another one.
func (w *testEnv) stuckWith(estate int, username string) []int {
	var stuck []int
	for _, name := range w.holders(username) {
		shop := slices.Index(shopNames[:], name)
		if !w.owned(shop) || w.estates[1-estate].keeps(shop, username) {
			stuck = append(stuck, shop)
		}
	}
	return stuck
}

// keeps reports whether the estate's configuration and state both have a shop with this key.
func (e *estate) keeps(shop int, username string) bool {
	return e.wishes[shop].owner != ownerNone && slices.ContainsFunc(e.state.Instances(), func(i *tfdriver.Instance) bool {
		return concerns(i, shop) && i.Text("username") == username
	})
}

func (w *testEnv) goWay(i int, key *tfdriver.Instance, shop int) {
	e, other := w.estates[i], w.estates[1-i]
	switch {
	case w.way == wayMove && w.owned(shop):
		w.tell("shop %s gets another key from state %d", shopNames[shop], 1-i)
		wish := other.wishes[shop]
		var replaced []string
		for _, typeName := range []string{keyType, connectionType} {
			replaced = append(replaced, wish.address(typeName, shop))
		}
		w.run(event{verb: replace, estate: 1 - i}, tfdriver.Options{Replace: replaced})
	case w.way == wayMove:
		w.tell("shop %s gets another key by hand", shopNames[shop])
		w.byHand(shop, handNewKey)
	case w.way == wayRetain && key == e.state.Current[key.Address]:
		if !slices.Contains(e.retained, key) && key.Text("deletion_policy") != "retain" {
			w.tell("state %d retains %s", i, key.Text("username"))
			e.retained = append(e.retained, key)
		}
		w.answer(key.Text("username"))
	default:
		w.tell("state %d forgets %s", i, key.Text("username"))
		before := e.state
		e.state = e.state.WithoutInstance(key)
		w.letGo(before)
	}
}

// answer records that a person is responsible for a key.
func (w *testEnv) answer(username string) { w.known[username] = true }

// TestHistories_EveryErrorHasWayOut goes each way that a refused deletion names.
func TestHistories_EveryErrorHasWayOut(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	tests := map[string]struct {
		history []event
		way     way
	}{
		"another state has imported the key, and this one lets go of it":   {imported, wayForget},
		"another state has imported the key, and this one retains it":      {imported, wayRetain},
		"another state has imported the key, and gives the shop a new one": {imported, wayMove},
		"nobody looks after the shop, and the state lets go of the key":    {abandoned, wayForget},
		"nobody looks after the shop, and the state retains the key":       {abandoned, wayRetain},
		"somebody gives the shop another key by hand":                      {abandoned, wayMove},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mustHold(t, d, options{way: test.way}, test.history)
			went := map[way]string{wayForget: "forgets", wayRetain: "retains", wayMove: "gets another key"}[test.way]
			if !strings.Contains(w.String(), went) {
				t.Errorf("nobody went the way:\n%s", w)
			}
			for way, words := range map[way]string{
				wayForget: "To keep the key but not its resource, use a removed block with destroy = false",
				wayRetain: `or apply deletion_policy = "retain" first.`,
				wayMove:   "Give the shop another key first: ",
			} {
				if !slices.ContainsFunc(w.said, func(text string) bool { return strings.Contains(text, words) }) {
					t.Errorf("no refusal names the way %d", way)
				}
			}
		})
	}
}

var (
	// imported is a shop whose key and credentials are in two states. Then the configuration of the first one loses
	// them.
	imported = []event{
		{verb: want, shop: 0, n: 0}, {verb: apply}, {verb: hand, shop: 0, n: handSave}, {verb: want, shop: 0, n: 3},
		{verb: want, estate: 1, shop: 0, n: 0}, {verb: adopt, estate: 1, shop: 0}, {verb: apply, estate: 1},
	}
	// abandoned is a shop that its configuration loses and no other one gains.
	abandoned = []event{{verb: want, shop: 0, n: 0}, {verb: apply}, {verb: want, shop: 0, n: 3}}
)

// If the key is being replaced, one more apply is enough once create_before_destroy is set.
func TestWayOut_CreateBeforeDestroy(t *testing.T) {
	t.Parallel()
	for order := range uint64(4) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			w := mustHold(t, newDriver(t), options{}, []event{
				{verb: want, shop: 2, n: 0}, {verb: tune, shop: 2, n: tuneLate}, {verb: apply}, {verb: tune, shop: 2, n: tuneTurn},
				{verb: apply, order: order}, {verb: tune, shop: 2, n: tuneLate}, {verb: apply, order: order},
			})
			if !strings.Contains(w.String(), "with create_before_destroy = true in the key's lifecycle block and without -target") {
				t.Errorf("no run was refused:\n%s", w)
			}
			if _, converging, _ := strings.Cut(w.String(), "all trouble is over"); strings.Contains(converging, "generate") || strings.Contains(converging, "delete") {
				t.Errorf("one apply was not enough:\n%s", w)
			}
		})
	}
}

// A replaced key follows its old policy. The plan says so if the configuration has another one.
func TestRetain_CountsFromTheNextApply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, now map[string]any
		warns       bool
	}{
		"together with what replaces the key": {nil, map[string]any{"deletion_policy": "retain", "rotate_when_changed": map[string]any{"turn": "1"}}, true},
		"before that":                         {map[string]any{"deletion_policy": "retain"}, map[string]any{"deletion_policy": "retain", "rotate_when_changed": map[string]any{"turn": "1"}}, false},
		"without it":                          {nil, map[string]any{"rotate_when_changed": map[string]any{"turn": "1"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := newTestEnv(newDriver(t), options{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			e := w.estates[0]
			r := &run{world: w, shopTokens: w.tokensFor(e, trouble{}), meetAt: -1}
			key := func(more map[string]any) tfdriver.Config {
				values := tfdriver.Values{"merchant_id": storeIDs[0]}
				for name, value := range more {
					values[name] = value
				}
				return tfdriver.Config{{Address: keyType + ".alfa", Provider: allAccess, CreateBeforeDestroy: true, Values: values}}
			}
			for _, more := range []map[string]any{nil, test.before} {
				state, result := w.driver.Apply(context.Background(), w.driver.Plan(context.Background(), key(more), e.state, r.start, tfdriver.Options{}))
				if result.Failed() {
					t.Fatal(result.Errors)
				}
				e.state = state
			}
			plan := w.driver.Plan(context.Background(), key(test.now), e.state, r.start, tfdriver.Options{})
			says := strings.Contains(strings.Join(plan.Warnings, "\n"), `To keep this key, apply deletion_policy = "retain" before you replace it.`)
			if says != test.warns || plan.Failed() {
				t.Errorf("the plan says %q %q", plan.Warnings, plan.Errors)
			}
			old := e.state.Current[keyType+".alfa"].Text("username")
			if _, result := w.driver.Apply(context.Background(), plan); result.Failed() {
				t.Fatal(result.Errors)
			}
			if _, kept := w.keys()[old]; kept != (test.before != nil) {
				t.Errorf("the key is kept: %t", kept)
			}
		})
	}
}
