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
	// cards hide what a list of keys is recognised by, and native is a dialog that nobody can read.
	cards  = "table-cards"
	native = "delete-native"
)

// TestMutations_EndDoneOrStoppedBeforeTheClick holds for every change of the pages that the sandbox knows: a key is
// listed, made and deleted again as on the pages of today, or, where the change is one that can't be got over, nothing is
// clicked that changes something.
func TestMutations_EndDoneOrStoppedBeforeTheClick(t *testing.T) {
	t.Parallel()
	rounds := sandboxtest.Rounds(sandbox.PortalPages, cards, native)
	// What takes its time is tried by itself as well: what another mutation makes a run wait for would hide it.
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
			b := newBench(t, o)
			keys, err := b.all(t, kaffebonna)
			if (err == nil) != lists || lists && len(keys) != len(b.ids(kaffebonna)) {
				t.Errorf("%d keys are listed, and there are %d: %v", len(keys), len(b.ids(kaffebonna)), err)
			}
			key, err := b.Generate(context.WithoutCancel(t.Context()), request())
			if (err == nil) != lists {
				t.Errorf("making a key ends with: %v", err)
			}
			if err != nil {
				b.left(t, kaffebonna, 0)
				return
			}
			b.left(t, kaffebonna, 1)
			err = b.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: kaffebonna, CredentialID: key.CredentialID})
			if (err == nil) != deletes {
				t.Errorf("deleting a key ends with: %v", err)
			}
			if err != nil {
				b.left(t, kaffebonna, 1)
				return
			}
			b.left(t, kaffebonna, 0)
		})
	}
}
