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

// hidden is a page that does not show the Kustom ID.
const hidden = "id-not-shown"

// With every mutation, the client reads a shop and installs a pair. If the page does not show the Kustom ID, the client
// returns a NotConfirmedError.
func TestMutations_SucceedOrReportNotConfirmed(t *testing.T) {
	t.Parallel()
	for _, names := range sandboxtest.Rounds(sandbox.MystorePages, hidden) {
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			t.Parallel()
			shows := !slices.Contains(names, hidden)
			e := newEnv(t, setup{options: sandbox.Options{Pages: sandbox.PagesOptions{Mutations: names}}})
			seeded := e.shop(t, kaffebonna)
			holds, err := e.Credentials(t.Context(), kaffebonna)
			if (err == nil) != shows || shows && holds.KustomID != seeded.KustomID {
				t.Errorf("the Kustom ID is read as %q, want %q: %v", holds.KustomID, seeded.KustomID, err)
			}
			username, secret := e.generateKey(t, kaffebonnaStore)
			_, err = e.Install(t.Context(), kaffebonna, username, secret)
			var notConfirmed *mystore.NotConfirmedError
			if shows && err != nil || !shows && !errors.As(err, &notConfirmed) {
				t.Errorf("installing a pair ends with: %v", err)
			}
			e.wantPair(t, kaffebonna, username, secret)
			e.WantNoViolations(t)
		})
	}
}
