package portalpages_test

import (
	"context"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestMutations_EndDoneOrStoppedBeforeTheClick holds for every single change of the pages that the sandbox
// knows: a key is made and deleted again as on the pages of today, or nothing is clicked that changes
// something.
func TestMutations_EndDoneOrStoppedBeforeTheClick(t *testing.T) {
	t.Parallel()
	for _, mutation := range append(sandbox.Mutations(), sandbox.Mutation{Name: ""}) {
		t.Run(mutation.Name, func(t *testing.T) {
			t.Parallel()
			var names []string
			if mutation.Name != "" {
				names = []string{mutation.Name}
			}
			b := newBench(t, setup{options: sandbox.Options{Pages: sandbox.PagesOptions{Mutations: names}}, timeout: 2 * short})
			keys, err := b.all(t, kaffebonna)
			if err != nil {
				t.Logf("list: %v", err)
			} else if len(keys) != len(b.ids(kaffebonna)) {
				t.Errorf("%d keys are listed, and there are %d", len(keys), len(b.ids(kaffebonna)))
			}
			key, err := b.Generate(context.WithoutCancel(t.Context()), request())
			if err != nil {
				t.Logf("generate: %v", err)
				b.left(t, kaffebonna, 0)
				return
			}
			b.left(t, kaffebonna, 1)
			if err := b.Discard(t.Context(), kustom.Orphan{MerchantID: kaffebonna, CredentialID: key.CredentialID}); err != nil {
				t.Logf("delete: %v", err)
				return
			}
			b.left(t, kaffebonna, 0)
		})
	}
}
