package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccConfirm plans the published example before, halfway through and after a switch by hand.
func TestAccConfirm(t *testing.T) {
	t.Parallel()
	clock := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed, clock: clock})
	w.useExample(t, "confirm", seed)
	const (
		keysLeft    = "Keys of api.klarna.com are left: M00412871-qT7vA, M00537204-b9LkC, M00537204-xM2pE, M00698335-Zc4hJ."
		trafficLeft = "Traffic still goes to api.klarna.com: M00412871 (checkout), M00412871 (order_management)"
	)
	unused := func(shop string) string {
		return fmt.Sprintf("Shop %s has not used a key of Kustom's since 2026-11-02T09:30:00Z. Place a test order in it.", shop)
	}
	w.wantConfirmed(t, 1, keysLeft, trafficLeft, unused("fjellsport"), unused("kaffebonna"), unused("ullogtre"))

	for _, shop := range seed.Shops {
		w.switchByHand(t, shop.Name)
	}
	// Used, but not after the moment that is named.
	w.order(t, "fjellsport")
	clock.Advance(time.Hour)
	w.wantConfirmed(t, 1, "Traffic still goes to api.klarna.com: M00537204 (checkout)", unused("fjellsport"), unused("kaffebonna"), unused("ullogtre"))

	w.order(t, "fjellsport")
	w.order(t, "kaffebonna")
	w.wantConfirmed(t, 1, unused("ullogtre"), "Traffic still goes to api.klarna.com: M00698335 (checkout)")

	w.order(t, "ullogtre")
	w.wantConfirmed(t, 0)
}

// wantConfirmed plans the example and expects these failed conditions, and as many as them.
func (w *testEnv) wantConfirmed(t *testing.T, code int, want ...string) {
	t.Helper()
	got := w.terraform(t, "plan", "-input=false", "-no-color", "-var=switched_at=2026-11-02T09:30:00Z")
	output := unwrapped(got.output)
	if n := strings.Count(output, "assertion failed") + strings.Count(output, "postcondition failed"); got.code != code || n != len(want) {
		t.Errorf("exit code %d and %d failed conditions, want %d and %d:\n%s", got.code, n, code, len(want), got.output)
	}
	for _, text := range want {
		if !strings.Contains(output, text) {
			t.Errorf("the plan does not say %q:\n%s", text, got.output)
		}
	}
}

// switchByHand gives a shop another key and deletes those that its store had, as a person does.
func (w *testEnv) switchByHand(t *testing.T, name string) {
	t.Helper()
	shop, _ := w.sandbox.Shop(name)
	old := w.sandbox.Keys(shop.MerchantID)
	key, err := w.sandbox.GenerateKey(shop.MerchantID, "by hand")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sandbox.Install(name, key.Username, key.Secret); err != nil {
		t.Fatal(err)
	}
	for _, key := range old {
		if err := w.sandbox.DeleteKey(shop.MerchantID, key.CredentialID); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *testEnv) order(t *testing.T, shop string) {
	t.Helper()
	if err := w.sandbox.PlaceOrder(shop); err != nil {
		t.Fatal(err)
	}
}
