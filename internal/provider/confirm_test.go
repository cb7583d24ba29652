package provider_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccConfirmExample_SaysWhatIsLeft plans the published example before, halfway through and after a switch by hand.
func TestAccConfirmExample_SaysWhatIsLeft(t *testing.T) {
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
	key := w.sandbox.mustGenerate(shop.MerchantID, "by hand")
	w.sandbox.mustInstall(name, key.Username, key.Secret)
	for _, key := range old {
		w.sandbox.mustDeleteKey(shop.MerchantID, key.CredentialID)
	}
}

func (w *testEnv) order(t *testing.T, shop string) {
	t.Helper()
	w.sandbox.mustPlaceOrder(shop)
}

// TestAccReport_TellsOfPlanAndState reports on a plan of an example and on the state after it, as the Terraform under test prints them.
func TestAccReport_TellsOfPlanAndState(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		example     string
		plan, state string
		// says is in the plan's report.
		says string
	}{
		{
			"connections",
			"Plan for 3 shops: 3 get a new key; 3 keys deleted now; nothing needs attention",
			"State of 3 shops: 3 done; nothing needs attention",
			"| fjellsport | `M00412871` | new key | `M00412871-qT7vA` → *new* | the shop uses M00412871-qT7vA, a key of api.klarna.com | `M00412871-qT7vA` |",
		},
		{"waves", "Plan for 1 shop: 1 gets a new key; 1 key deleted later; nothing needs attention",
			"State of 1 shop: 1 waiting; 1 key deleted later; 1 needs attention",
			"later: `M00412871-qT7vA` (waits for: no use of the key for 24h)"},
		{"switch", "Plan for 3 shops: 3 get a new key; 3 keys deleted now; nothing needs attention",
			"State of 3 shops: 3 done; nothing needs attention", "`M00412871-qT7vA` (last used "},
	} {
		t.Run(test.example, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, way: waysAPIs}).checkOut(t, test.example)
			w.mustPlan(t)
			w.mustReport(t, []string{test.plan, test.says}, savedPlan)
			w.mustApplySaved(t)
			w.mustReport(t, []string{test.state})
		})
	}
}

// mustReport expects the report of what show -json prints to say something, and no secret.
func (w *testEnv) mustReport(t *testing.T, want []string, args ...string) {
	t.Helper()
	shown := w.terraform(t, append([]string{"show", "-json"}, args...)...)
	r, err := report.Read(strings.NewReader(shown.output))
	if err != nil {
		t.Fatalf("%v:\n%s", err, shown.output)
	}
	var text, page bytes.Buffer
	if err := errors.Join(r.Markdown(&text), r.HTML(&page)); err != nil {
		t.Fatal(err)
	}
	for _, want := range want {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, &text)
		}
	}
	if n := leaks(text.String()+page.String(), w.sandbox.Secrets()); n > 0 {
		t.Errorf("the report shows %d secrets", n)
	}
}
