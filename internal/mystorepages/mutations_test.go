package mystorepages_test

import (
	"errors"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// TestMutations_EndDoneOrStoppedBeforeTheClick holds for every single change of the pages that the sandbox
// knows: a shop is given a pair as on the pages of today, or is not written to, or the result is not confirmed.
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
			seeded := b.shop(t, kaffebonna)
			holds, err := b.Credentials(t.Context(), kaffebonna)
			if err != nil {
				t.Logf("read: %v", err)
			} else if holds.KustomID != seeded.KustomID {
				t.Errorf("the shop is taken to hold %q, and holds %q", holds.KustomID, seeded.KustomID)
			}
			username, secret := b.newKey(t, "M00537204")
			holds, err = b.Client.Install(t.Context(), kaffebonna, username, secret)
			var notConfirmed *mystore.NotConfirmedError
			switch {
			case err == nil:
				b.holds(t, kaffebonna, username, secret)
			case errors.As(err, &notConfirmed), transport.IsUncertain(err):
				t.Logf("write: %v", err)
			default:
				t.Logf("write: %v", err)
				b.holds(t, kaffebonna, seeded.KustomID, seeded.KustomSecret)
			}
			b.kept(t)
		})
	}
}
