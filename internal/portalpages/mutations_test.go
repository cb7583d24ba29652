package portalpages_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

const (
	// cards is a list that the client does not recognize. native is a dialog that it can't read.
	cards  = "table-cards"
	native = "delete-native"
)

// With every mutation, the client lists, generates and deletes a key, or stops before it changes something.
func TestMutations_SucceedOrStopBeforeClick(t *testing.T) {
	t.Parallel()
	rounds := sandboxtest.Rounds(sandbox.PortalPages, cards, native)
	// In a round with others, the waits for another mutation could hide a missing wait for a slow one.
	for _, slow := range []string{"empty-first", "rows-late", "skeleton-rows"} {
		rounds = append(rounds, []string{slow})
	}
	for _, names := range rounds {
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			t.Parallel()
			lists, deletes := !slices.Contains(names, cards), !slices.Contains(names, native)
			o := setup{options: sandbox.Options{Pages: sandbox.PagesOptions{Mutations: names}}}
			if !lists || !deletes {
				o.timeout = 2 * short
			}
			e := newEnv(t, o)
			keys, err := e.listKeys(t, kaffebonna)
			if (err == nil) != lists || lists && len(keys) != len(e.usernames(kaffebonna)) {
				t.Errorf("%d of %d keys are listed: %v", len(keys), len(e.usernames(kaffebonna)), err)
			}
			key, err := e.Generate(context.WithoutCancel(t.Context()), request())
			if (err == nil) != lists {
				t.Errorf("generating a key ends with: %v", err)
			}
			if err != nil {
				e.wantNewKeys(t, kaffebonna, 0)
				return
			}
			e.wantNewKeys(t, kaffebonna, 1)
			err = e.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: kaffebonna, CredentialID: key.CredentialID})
			if (err == nil) != deletes {
				t.Errorf("deleting a key ends with: %v", err)
			}
			if err != nil {
				e.wantNewKeys(t, kaffebonna, 1)
				return
			}
			e.wantNewKeys(t, kaffebonna, 0)
		})
	}
}
