package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// rotatingEnv returns an environment with a fake clock, and with one shop that uses a key that Terraform has generated.
func rotatingEnv(t *testing.T, rotation string, inProcess bool) (*testEnv, *clocktest.Fake) {
	t.Helper()
	seed := oneShop()
	clk := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	w := newTestEnv(t, testEnvOptions{inProcess: inProcess, seed: &seed, clock: clk})
	w.write(t, "main.tf", rotatingKey(rotation))
	w.mustApply(t)
	w.sandbox.ResetRequests()
	return w, clk
}

// oneShop is a store with one shop that has no key yet.
func oneShop() sandbox.Seed {
	seed := exampleSeed()
	seed.Users, seed.Stores, seed.Shops = seed.Users[:1], seed.Stores[:1], seed.Shops[:1]
	seed.Stores[0].Keys = nil
	return seed
}

func rotatingKey(rotation string) string {
	return requiredProviders + fmt.Sprintf(`
resource "kustom_api_key" "checkout" {
  merchant_id = %q
  %s

  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "butikk" {
  provider      = kustom
  shop          = "butikk"
  kustom_id     = kustom_api_key.checkout.username
  kustom_secret = kustom_api_key.checkout.secret
}
`, exampleStore, rotation)
}

// mustPlan plans and expects the output to say all of this.
func (w *testEnv) mustPlan(t testing.TB, says ...string) {
	t.Helper()
	r := w.terraform(t, "plan", "-input=false", "-no-color", "-out="+savedPlan)
	if r.code != 0 {
		t.Fatalf("plan failed:\n%s", r.output)
	}
	for _, text := range says {
		if !strings.Contains(aligned(r.output), text) {
			t.Errorf("the plan does not say %q:\n%s", text, r.output)
		}
	}
}

// aligned undoes the alignment of what Terraform prints in columns.
func aligned(output string) string {
	return regexp.MustCompile(` +`).ReplaceAllString(output, " ")
}

// mustHaveRotated expects a rotation in the safe order, and nothing left to do.
func (w *testEnv) mustHaveRotated(t *testing.T) {
	t.Helper()
	mustHaveChangedInOrder(t, w, http.MethodPost, http.MethodPatch, http.MethodDelete)
	w.mustBeEmpty(t)
	w.mustBeRight(t, oneShop(), 0)
	w.sandbox.ResetRequests()
}

func TestKey_RotatesWhenTriggerChanges(t *testing.T) {
	t.Parallel()
	w, _ := rotatingEnv(t, `rotate_when_changed = { quarter = "2026-q4" }`, true)
	w.write(t, "main.tf", rotatingKey(`rotate_when_changed = { quarter = "2027-q1" }`))
	w.mustPlan(t, "1 to add, 1 to change, 1 to destroy")
	w.mustApplySaved(t)
	w.mustHaveRotated(t)
}

// TestKey_RotatesByUnknownTrigger rotates by a value that is not known while planning, such as that of a time_rotating
// that has run out.
func TestKey_RotatesByUnknownTrigger(t *testing.T) {
	t.Parallel()
	const trigger = `rotate_when_changed = { rotated = terraform_data.late.output }`
	seed := oneShop()
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
	w.write(t, "main.tf", rotatingKey(trigger)+lateSetting("2026-11-02"))
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.sandbox.ResetRequests()
	w.write(t, "main.tf", rotatingKey(trigger)+lateSetting("2027-02-02"))
	w.mustApply(t)
	w.mustHaveRotated(t)
}

func TestAccKey_RotatesByAge(t *testing.T) {
	t.Parallel()
	w, clk := rotatingEnv(t, "rotate_after_days = 90", false)
	clk.Advance(89 * oneDay)
	w.mustBeEmpty(t)
	clk.Advance(oneDay)
	w.mustPlan(t, `- rotation_due = "the key is at least 90 days old: it was generated on 2026-11-02" -> null # forces replacement`)
	// A plan that is reviewed until the next day applies as it was shown.
	clk.Advance(oneDay)
	w.mustApplySaved(t)
	w.mustHaveRotated(t)
}

// TestKey_AppliesPlanMadeBeforeItIsDue applies a plan that was made before the key was due.
func TestKey_AppliesPlanMadeBeforeItIsDue(t *testing.T) {
	t.Parallel()
	w, clk := rotatingEnv(t, "rotate_after_days = 90", true)
	w.write(t, "main.tf", rotatingKey("rotate_after_days = 90\n  force_destroy = true"))
	clk.Advance(90*oneDay - time.Hour)
	w.mustPlan(t, "0 to add, 1 to change, 0 to destroy")
	clk.Advance(2 * time.Hour)
	w.mustApplySaved(t)
	mustHaveChangedInOrder(t, w)
	w.mustPlan(t, "1 to add, 1 to change, 1 to destroy")
	w.mustApplySaved(t)
	w.mustHaveRotated(t)
}

// TestKey_RotatesByNewAge gives an age to a key that has reached it already: the plan that
// brings the age brings the rotation too.
func TestKey_RotatesByNewAge(t *testing.T) {
	t.Parallel()
	w, clk := rotatingEnv(t, "", true)
	clk.Advance(200 * oneDay)
	w.write(t, "main.tf", rotatingKey("rotate_after_days = 365"))
	w.mustPlan(t, "0 to add, 1 to change, 0 to destroy")
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
	w.write(t, "main.tf", rotatingKey("rotate_after_days = 180"))
	w.mustPlan(t, "1 to add, 1 to change, 1 to destroy")
	w.mustApplySaved(t)
	w.mustHaveRotated(t)
}

// TestKey_KeepsImportedKeyWithFirstTriggers gives triggers to a key that has just been imported.
func TestKey_KeepsImportedKeyWithFirstTriggers(t *testing.T) {
	t.Parallel()
	seed := exampleSeed()
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
	configuration := func(quarter string) string {
		return example(t, keyExample+"terraform.tf") + fmt.Sprintf(`
import {
  to = kustom_api_key.checkout
  id = %q
}

resource "kustom_api_key" "checkout" {
  merchant_id         = %q
  rotate_when_changed = { quarter = %q }
}`, exampleKeyID, exampleStore, quarter)
	}
	w.write(t, "main.tf", configuration("2026-q4"))
	w.mustPlan(t, "1 to import, 0 to add, 1 to change, 0 to destroy")
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
	mustHaveChangedInOrder(t, w)
	w.write(t, "main.tf", configuration("2027-q1"))
	w.mustPlan(t, "1 to add, 0 to change, 1 to destroy")
}

// TestAccRotateExample_RotatesInWaves rotates the keys of twelve shops in waves, a quarter at a time.
func TestAccRotateExample_RotatesInWaves(t *testing.T) {
	t.Parallel()
	const shops = 12
	seed := sandbox.FleetSeed(shops)
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	w.useExample(t, "rotate", seed)
	w.write(t, "import.tf", importCurrentKeys)
	w.mustApply(t)
	before := w.keysInState(t)
	rotated := 0
	for _, waves := range []int{1, 4} {
		w.mustApply(t, fmt.Sprintf("-var=waves=%d", waves))
		after := w.keysInState(t)
		changed := 0
		for store, key := range after {
			if key["username"] != before[store]["username"] {
				changed++
			}
		}
		if changed <= rotated || changed == shops && waves == 1 {
			t.Errorf("waves %d: %d of %d keys are rotated, before it were %d", waves, changed, shops, rotated)
		}
		rotated = changed
	}
	if rotated != shops {
		t.Errorf("%d of %d keys are rotated in the end", rotated, shops)
	}
	w.mustBeRight(t, seed, 0)
}

const importCurrentKeys = `
data "kustom_legacy_integrations" "all" {}

import {
  for_each = { for i in data.kustom_legacy_integrations.all.integrations : i.merchant_id => i if i.current }
  to       = kustom_api_key.checkout[each.key]
  id       = each.value.id
}`
