package portalpages_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// TestGenerate_TwoRunsLoseNoKey: two runs can't tell their keys apart by pages. Each gets its key, or an error; no run
// deletes the key that the other has got, and whatever is left in the store is got or named.
func TestGenerate_TwoRunsLoseNoKey(t *testing.T) {
	t.Parallel()
	const rounds = 3
	b := newBench(t, setup{})
	first := b.Portal
	b.signIn(t)
	runs := []*portalpages.Portal{first, b.Portal}
	accounted := b.ids(kaffebonna)
	for range rounds {
		keys, errs := make([]kustom.NewKey, len(runs)), make([]error, len(runs))
		var group sync.WaitGroup
		for i, run := range runs {
			group.Go(func() { keys[i], errs[i] = run.Generate(t.Context(), request()) })
		}
		group.Wait()
		now := b.ids(kaffebonna)
		for i, err := range errs {
			if err != nil {
				accounted = append(accounted, named(err)...)
				continue
			}
			if accounted = append(accounted, keys[i].Username); !slices.Contains(now, keys[i].Username) {
				t.Errorf("%s was deleted, the other run ended with %v", keys[i].Username, errs[1-i])
			}
		}
		for _, username := range now {
			if !slices.Contains(accounted, username) {
				t.Errorf("nobody knows of %s: %v", username, errs)
			}
		}
	}
	for _, key := range b.seeded[kaffebonna] {
		if !slices.Contains(b.ids(kaffebonna), key.Username) {
			t.Errorf("%s is gone", key.Username)
		}
	}
	b.kept(t)
}

// named are the usernames that an error tells of.
func named(err error) []string {
	var usernames []string
	if unexplained := (*portalpages.UnexplainedError)(nil); errors.As(err, &unexplained) {
		usernames = append(usernames, unexplained.Usernames...)
	}
	if orphan, ok := orphanOf(err); ok {
		usernames = append(usernames, strings.Split(orphan.Username, kustom.Bar)...)
	}
	return usernames
}
