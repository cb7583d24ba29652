package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestUpdate_FailsWhereOldKeyStays: the portal refuses to delete the key that was replaced. The run must not end as if
// all were done, the shop's new key is in the state, and nothing is replaced for it.
func TestUpdate_FailsWhereOldKeyStays(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayConnection, wayFleet} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { mustFailWhereOldKeyStays(t, way) })
		})
	}
}

func mustFailWhereOldKeyStays(t *testing.T, way string) {
	t.Helper()
	seed := loneShop()
	r, ok := rehearse(t, testEnvOptions{seed: &seed}, way).(*rehearsal)
	if !ok {
		t.Fatal("it is another rehearsal")
	}
	r.mustApply(t)
	shop := seed.Shops[0]
	before, _ := r.box.Shop(shop.Name)
	r.rotate(shop)
	armed := r.box.Arm(answered(sandbox.Portal, http.MethodDelete, http.StatusForbidden))
	got := r.apply(t)
	armed.Disarm()
	if got.code == 0 || !strings.Contains(got.output, "Replaced key not deleted yet") {
		t.Errorf("the run ended with %d:\n%s", got.code, got.output)
	}
	after, _ := r.box.Shop(shop.Name)
	if after.KustomID == before.KustomID || len(r.tainted) > 0 {
		t.Errorf("the shop holds %s, and these are tainted: %v", after.KustomID, r.tainted)
	}
	r.mustApply(t)
	r.mustBeEmpty(t)
	if last, _ := r.box.Shop(shop.Name); last.KustomID != after.KustomID {
		t.Error("the shop has got another key for it")
	}
	r.mustBeRight(t, seed, 0)
}

// rotate asks for another key of the only shop.
func (r *rehearsal) rotate(shop sandbox.Shop) {
	trigger := map[string]any{"merchant_id": shop.MerchantID, "rotate_when_changed": map[string]any{"incident": "2026-11"}}
	arguments := map[string]any{"shops": map[string]any{shop.Name: trigger}}
	if r.chains[0][0].typeName == "kustom_mystore_connection" {
		trigger["shop"] = shop.Name
		arguments = trigger
	}
	r.chains[0][0].config = func(map[string]tftypes.Value) map[string]any { return arguments }
}
