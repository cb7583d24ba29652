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

// On pages, two runs can't tell their keys apart. Each run returns a key or an error, and deletes no key that the other one
// returns. Every key that is left in the store is returned, or named in an error.
func TestGenerate_TwoRunsLoseNoKey(t *testing.T) {
	t.Parallel()
	const rounds = 3
	e := newEnv(t, setup{})
	first := e.Portal
	e.newClient(t)
	runs := []*portalpages.Portal{first, e.Portal}
	accounted := e.usernames(kaffebonna)
	for range rounds {
		keys, errs := make([]kustom.NewKey, len(runs)), make([]error, len(runs))
		var group sync.WaitGroup
		for i, run := range runs {
			group.Go(func() { keys[i], errs[i] = run.Generate(t.Context(), request()) })
		}
		group.Wait()
		now := e.usernames(kaffebonna)
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
				t.Errorf("no run returns or names %s: %v", username, errs)
			}
		}
	}
	for _, username := range e.seeded[kaffebonna] {
		if !slices.Contains(e.usernames(kaffebonna), username) {
			t.Errorf("the initial key %s is deleted", username)
		}
	}
	e.WantNoViolations(t)
}

// named returns the usernames in an error.
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
