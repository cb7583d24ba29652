package mystorepages_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

// hidden keeps what a shop holds from being read.
const hidden = "id-not-shown"

// TestMutations_EndDoneOrNotConfirmed holds for every change of the pages that the sandbox knows: a shop is read and given
// a pair as on the pages of today, or, where what it holds is not shown, the result is not confirmed.
func TestMutations_EndDoneOrNotConfirmed(t *testing.T) {
	t.Parallel()
	for _, names := range sandboxtest.Rounds(sandbox.MystorePages, hidden) {
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			t.Parallel()
			shows := !slices.Contains(names, hidden)
			b := newBench(t, setup{options: sandbox.Options{Pages: sandbox.PagesOptions{Mutations: names}}})
			seeded := b.shop(t, kaffebonna)
			holds, err := b.Credentials(t.Context(), kaffebonna)
			if (err == nil) != shows || shows && holds.KustomID != seeded.KustomID {
				t.Errorf("the shop is taken to hold %q, and holds %q: %v", holds.KustomID, seeded.KustomID, err)
			}
			username, secret := b.newKey(t, "M00537204")
			_, err = b.Client.Install(t.Context(), kaffebonna, username, secret)
			var notConfirmed *mystore.NotConfirmedError
			if shows && err != nil || !shows && !errors.As(err, &notConfirmed) {
				t.Errorf("writing ends with: %v", err)
			}
			b.holds(t, kaffebonna, username, secret)
			b.kept(t)
		})
	}
}
