package histories_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// resolution is how people resolve a refused deletion: the configuration no longer has the key, and the provider keeps it
// because a shop uses it. The error names each resolution.
type resolution int

// The resolutions.
const (
	// byForgetting removes the key from the state, as a removed block with destroy = false does.
	byForgetting resolution = iota
	// byRetaining restores the key's block for one run, with deletion_policy = "retain".
	byRetaining
	// byReplacing gives the shop another key: by the object of the other state that owns the shop, or by hand.
	byReplacing
	resolutionCount
)

// resolveRefusals resolves the refusal for each key that the last run refused to destroy and that every run will refuse: a shop
// uses the key, and nobody manages the shop, or another workspace manages it with this key.
func (env *testEnv) resolveRefusals(i int, refusals []string) {
	ws := env.workspaces[i]
	for _, key := range ws.state.Instances() {
		if !strings.HasPrefix(key.Address, keyType+".") || ws.wants(key) || !refuses(refusals, key.Text("username")) {
			continue
		}
		for _, shop := range env.shopsStuckWith(i, key.Text("username")) {
			env.resolve(i, key, shop)
		}
	}
}

// refuses reports whether a run refused to delete a key because a shop uses it.
func refuses(errors []string, username string) bool {
	return slices.ContainsFunc(errors, func(text string) bool {
		return strings.Contains(text, "The key "+username+" was not deleted. Shop ")
	})
}

// wants reports whether the workspace's configuration has a key.
func (ws *workspace) wants(key *tfdriver.Instance) bool {
	for shop, cfg := range ws.configs {
		if cfg.owner == ownerPair && key == ws.state.Current[cfg.address(keyType, shop)] {
			return true
		}
	}
	return false
}

// shopsStuckWith returns the shops that hold a key and that no run of any workspace moves to another one.
func (env *testEnv) shopsStuckWith(workspace int, username string) []int {
	var stuck []int
	for _, name := range env.holders(username) {
		shop := slices.Index(shopNames[:], name)
		if !env.owned(shop) || env.workspaces[1-workspace].keeps(shop, username) {
			stuck = append(stuck, shop)
		}
	}
	return stuck
}

// keeps reports whether the workspace's configuration and state both have a shop with this key.
func (ws *workspace) keeps(shop int, username string) bool {
	return ws.configs[shop].owner != ownerNone && slices.ContainsFunc(ws.state.Instances(), func(i *tfdriver.Instance) bool {
		return concerns(i, shop) && i.Text("username") == username
	})
}

func (env *testEnv) resolve(i int, key *tfdriver.Instance, shop int) {
	ws, other := env.workspaces[i], env.workspaces[1-i]
	switch {
	case env.resolution == byReplacing && env.owned(shop):
		env.logf("shop %s gets another key from state %d", shopNames[shop], 1-i)
		cfg := other.configs[shop]
		var replaced []string
		for _, typeName := range []string{keyType, connectionType} {
			replaced = append(replaced, cfg.address(typeName, shop))
		}
		env.run(event{verb: replace, workspace: 1 - i}, tfdriver.Options{Replace: replaced})
	case env.resolution == byReplacing:
		env.logf("shop %s gets another key by hand", shopNames[shop])
		env.byHand(shop, manualNewKey)
	case env.resolution == byRetaining && key == ws.state.Current[key.Address]:
		if !slices.Contains(ws.retained, key) && key.Text("deletion_policy") != "retain" {
			env.logf("state %d retains %s", i, key.Text("username"))
			ws.retained = append(ws.retained, key)
		}
		env.noteKnown(key.Text("username"))
	default:
		env.logf("state %d forgets %s", i, key.Text("username"))
		before := ws.state
		ws.state = ws.state.WithoutInstance(key)
		env.noteForgotten(before)
	}
}

// noteKnown records that a person is responsible for a key.
func (env *testEnv) noteKnown(username string) { env.known[username] = true }

// TestHistories_RefusedDeletionCanBeResolved follows each resolution that a refused deletion names.
func TestHistories_RefusedDeletionCanBeResolved(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	tests := map[string]struct {
		history    []event
		resolution resolution
	}{
		"another state has imported the key, and this one forgets it":      {imported, byForgetting},
		"another state has imported the key, and this one retains it":      {imported, byRetaining},
		"another state has imported the key, and gives the shop a new one": {imported, byReplacing},
		"no state manages the shop, and the state forgets the key":         {abandoned, byForgetting},
		"no state manages the shop, and the state retains the key":         {abandoned, byRetaining},
		"no state manages the shop, and a person replaces its key":         {abandoned, byReplacing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := checkHistory(t, d, options{resolution: test.resolution}, test.history)
			expected := map[resolution]string{byForgetting: "forgets", byRetaining: "retains", byReplacing: "gets another key"}[test.resolution]
			if !strings.Contains(env.String(), expected) {
				t.Errorf("the log does not show the resolution:\n%s", env)
			}
			for resolution, words := range map[resolution]string{
				byForgetting: "To keep the key but not its resource, use a removed block with destroy = false",
				byRetaining:  `or apply deletion_policy = "retain" first.`,
				byReplacing:  "Give the shop another key first: ",
			} {
				if !slices.ContainsFunc(env.messages, func(text string) bool { return strings.Contains(text, words) }) {
					t.Errorf("no error names resolution %d", resolution)
				}
			}
		})
	}
}

var (
	// imported is a shop whose key and credentials are in two states. Then the configuration of the first one loses
	// them.
	imported = []event{
		{verb: assign, shop: 0, n: 0}, {verb: apply}, {verb: manual, shop: 0, n: manualSave}, {verb: assign, shop: 0, n: 3},
		{verb: assign, workspace: 1, shop: 0, n: 0}, {verb: importKeys, workspace: 1, shop: 0}, {verb: apply, workspace: 1},
	}
	// abandoned is a shop that its configuration loses and no other configuration has.
	abandoned = []event{{verb: assign, shop: 0, n: 0}, {verb: apply}, {verb: assign, shop: 0, n: 3}}
)

// If the key is being replaced, one more apply succeeds once create_before_destroy is set.
func TestHistories_CreateBeforeDestroyResolvesRefusal(t *testing.T) {
	t.Parallel()
	for order := range uint64(4) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			env := checkHistory(t, newDriver(t), options{}, []event{
				{verb: assign, shop: 2, n: 0}, {verb: toggle, shop: 2, n: toggleDestroyFirst}, {verb: apply}, {verb: toggle, shop: 2, n: toggleTriggers},
				{verb: apply, order: order}, {verb: toggle, shop: 2, n: toggleDestroyFirst}, {verb: apply, order: order},
			})
			if !strings.Contains(env.String(), "with create_before_destroy = true in the key's lifecycle block and without -target") {
				t.Errorf("no run was refused:\n%s", env)
			}
			if _, converging, _ := strings.Cut(env.String(), "no more faults"); strings.Contains(converging, "generate") || strings.Contains(converging, "delete") {
				t.Errorf("one apply was not enough:\n%s", env)
			}
		})
	}
}

// A replaced key follows its old policy. The plan says so if the configuration has another one.
func TestRetain_AppliesFromNextApply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, now map[string]any
		warns       bool
	}{
		"in the apply that replaces the key": {nil, map[string]any{"deletion_policy": "retain", "rotate_when_changed": map[string]any{"turn": "1"}}, true},
		"in the apply before that":           {map[string]any{"deletion_policy": "retain"}, map[string]any{"deletion_policy": "retain", "rotate_when_changed": map[string]any{"turn": "1"}}, false},
		"never":                              {nil, map[string]any{"rotate_when_changed": map[string]any{"turn": "1"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, err := newTestEnv(newDriver(t), options{})
			if err != nil {
				t.Fatal(err)
			}
			defer env.close()
			ws := env.workspaces[0]
			r := &run{env: env, shopTokens: env.tokensFor(ws, fault{}), yieldAt: -1}
			key := func(more map[string]any) tfdriver.Config {
				values := tfdriver.Values{"merchant_id": storeIDs[0]}
				maps.Copy(values, more)
				return tfdriver.Config{{Address: keyType + ".alfa", Provider: allAccess, CreateBeforeDestroy: true, Values: values}}
			}
			for _, more := range []map[string]any{nil, test.before} {
				state, result := env.driver.Apply(context.Background(), env.driver.Plan(context.Background(), key(more), ws.state, r.start, tfdriver.Options{}))
				if result.Failed() {
					t.Fatal(result.Errors)
				}
				ws.state = state
			}
			plan := env.driver.Plan(context.Background(), key(test.now), ws.state, r.start, tfdriver.Options{})
			says := strings.Contains(strings.Join(plan.Warnings, "\n"), `To keep this key, apply deletion_policy = "retain" before you replace it.`)
			if says != test.warns || plan.Failed() {
				t.Errorf("the plan says %q %q", plan.Warnings, plan.Errors)
			}
			old := ws.state.Current[keyType+".alfa"].Text("username")
			if _, result := env.driver.Apply(context.Background(), plan); result.Failed() {
				t.Fatal(result.Errors)
			}
			if _, kept := env.keys()[old]; kept != (test.before != nil) {
				t.Errorf("the key is kept: %t", kept)
			}
		})
	}
}
