package provider_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// kaffebonna is the store of [sandbox.ThreeShops] that has a second legacy key, which no shop uses.
const (
	kaffebonna      = "M00537204"
	kaffebonnaKey   = "81c4a9d6-0b7c-4c55-8a3b-94f1d0e2c702"
	kaffebonnaSpare = "c2d96b1f-7e44-4a1d-b0a9-6e8f53a7d903"
)

// exclusive is the configuration of a store that may have only the keys with these IDs.
func exclusive(merchantID string, ids ...string) string {
	return exclusiveOf(merchantID, `["`+strings.Join(ids, `", "`)+`"]`)
}

// exclusiveOf is [exclusive] with an expression for the IDs.
func exclusiveOf(merchantID, ids string) string {
	return fmt.Sprintf("resource \"kustom_api_keys_exclusive\" \"store\" {\n  merchant_id = %q\n  credential_ids     = %s\n}\n", merchantID, ids)
}

// newExclusiveEnv returns an environment with [sandbox.ThreeShops] and a fake clock, in this process.
func newExclusiveEnv(t *testing.T) (*testEnv, *hookedClock) {
	t.Helper()
	t.Parallel()
	clock := newHookedClock()
	return newTestEnv(t, testEnvOptions{inProcess: true, clock: clock}), clock
}

// hookedClock is a fake clock that calls onSleep, if set, before each wait.
type hookedClock struct {
	*clocktest.Fake
	onSleep func()
}

func newHookedClock() *hookedClock {
	return &hookedClock{Fake: clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))}
}

func (c *hookedClock) Sleep(ctx context.Context, d time.Duration) error {
	if c.onSleep != nil {
		c.onSleep()
	}
	return c.Fake.Sleep(ctx, d)
}

// use writes the configuration.
func (w *testEnv) use(t *testing.T, hcl string) {
	t.Helper()
	w.write(t, "main.tf", example(t, "resources/kustom_api_keys_exclusive/terraform.tf")+hcl)
}

// deletion is an element of keys_to_delete.
type deletion struct {
	MerchantID   string  `json:"merchant_id"`
	CredentialID string  `json:"credential_id"`
	Username     string  `json:"username"`
	Host         string  `json:"host"`
	WaitsFor     *string `json:"waits_for"`

	// use is what the plan's warning says about the key's use. Empty expects nothing of the warning.
	use string
}

const neverUsed, usedByShop = "never used", "in use by shop kaffebonna"

func deletionOf(key sandbox.Key, use string) deletion {
	return deletion{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, Host: key.Host, use: use}
}

// storePlan is what a saved plan does to a store's keys.
type storePlan struct {
	run
	actions  string
	toDelete []deletion
	// before are the IDs of the keys that the store had.
	before []string
	// unknown is whether keys_to_delete is unknown.
	unknown bool
}

func (w *testEnv) savePlan(t *testing.T) storePlan {
	t.Helper()
	got := w.terraform(t, "plan", "-input=false", "-no-color", "-out="+savedPlan)
	if got.code != 0 {
		t.Fatalf("no plan:\n%s", got.output)
	}
	var change struct {
		Actions []string
		Before  struct {
			CredentialIDs []string `json:"credential_ids"`
		}
		After struct {
			ToDelete []deletion `json:"keys_to_delete"`
		}
		Unknown struct {
			ToDelete any `json:"keys_to_delete"`
		} `json:"after_unknown"`
	}
	w.showChange(t, exclusiveType, &change)
	return storePlan{
		run: got, actions: strings.Join(change.Actions, ", "), before: change.Before.CredentialIDs, toDelete: change.After.ToDelete,
		unknown: change.Unknown.ToDelete == true,
	}
}

// showChange decodes the saved plan's change of the only object of a type.
func (w *testEnv) showChange(t *testing.T, typeName string, into any) {
	t.Helper()
	var shown struct {
		Changes []struct {
			Type   string
			Change json.RawMessage
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(w.terraform(t, "show", "-json", savedPlan).output), &shown); err != nil {
		t.Fatal(err)
	}
	for _, c := range shown.Changes {
		if c.Type != typeName {
			continue
		}
		if err := json.Unmarshal(c.Change, into); err != nil {
			t.Fatal(err)
		}
	}
}

// wantDeletes expects the plan to take these actions, and to name and warn of exactly these deletions.
func (p storePlan) wantDeletes(t *testing.T, actions string, want ...deletion) {
	t.Helper()
	for i, d := range want {
		if d.use != "" {
			mustSay(t, p.run, fmt.Sprintf("- %s (%s, %s)", d.Username, d.Host, d.use))
		}
		want[i].use = ""
	}
	byID := func(a, b deletion) int { return cmp.Compare(a.CredentialID, b.CredentialID) }
	slices.SortFunc(want, byID)
	slices.SortFunc(p.toDelete, byID)
	if p.actions != actions || p.unknown || !slices.Equal(p.toDelete, want) {
		t.Errorf("the plan is to %s, and deletes %+v (unknown: %v), want %s and %+v", p.actions, p.toDelete, p.unknown, actions, want)
	}
}

// wantUnknown expects a plan that does not know the deletions yet, and its output to have these texts.
func (p storePlan) wantUnknown(t *testing.T, actions string, texts ...string) {
	t.Helper()
	if p.actions != actions || !p.unknown {
		t.Errorf("the plan is to %s, and deletes %+v (unknown: %v)", p.actions, p.toDelete, p.unknown)
	}
	mustSay(t, p.run, texts...)
}

// applySaved applies the saved plan.
func (w *testEnv) applySaved(t testing.TB) run {
	t.Helper()
	return w.terraform(t, "apply", "-input=false", "-no-color", savedPlan)
}

func (w *testEnv) mustApplySaved(t testing.TB) {
	t.Helper()
	if got := w.applySaved(t); got.code != 0 {
		t.Fatalf("apply failed:\n%s", got.output)
	}
}

// wantErrors expects a run to fail with exactly these errors. Each is given by a part of its text.
func wantErrors(t *testing.T, got run, want ...string) {
	t.Helper()
	output := unwrapped(got.output)
	if n := strings.Count(output, "Error: "); got.code == 0 || n != len(want) {
		t.Errorf("exit code %d and %d errors, want %d:\n%s", got.code, n, len(want), got.output)
	}
	for _, says := range want {
		if !strings.Contains(output, says) {
			t.Errorf("the errors do not say %q:\n%s", says, got.output)
		}
	}
}

// keyIDs returns the IDs of a store's keys, sorted.
func (w *testEnv) keyIDs(merchantID string) []string {
	var ids []string
	for _, key := range w.sandbox.Keys(merchantID) {
		ids = append(ids, key.CredentialID)
	}
	slices.Sort(ids)
	return ids
}

// wantKeys expects a store to have exactly these keys, all shops to take payments, and no violation.
func (w *testEnv) wantKeys(t *testing.T, merchantID string, ids ...string) {
	t.Helper()
	slices.Sort(ids)
	if got := w.keyIDs(merchantID); !slices.Equal(got, ids) {
		t.Errorf("store %s has the keys %q, want %q", merchantID, got, ids)
	}
	w.sandbox.wantWorking(t, "fjellsport", "kaffebonna", "ullogtre")
}

// wantDeletions expects so many requests to delete a key since the requests were last reset, and resets them.
func (w *testEnv) wantDeletions(t *testing.T, want int) {
	t.Helper()
	w.sandbox.wantCount(t, want, sandbox.Portal, http.MethodDelete, "")
	w.sandbox.ResetRequests()
}

// generate generates a key by hand, and lets the hour pass in which the provider must not delete it.
func (w *testEnv) generate(t *testing.T, description string) sandbox.Key {
	t.Helper()
	key := w.sandbox.mustGenerate(kaffebonna, description)
	w.installTimePasses(t)
	return key
}

// installTimePasses advances the clock by the time that another run may take to install a key.
func (w *testEnv) installTimePasses(t *testing.T) {
	t.Helper()
	clock, ok := w.clock.(interface{ Advance(d time.Duration) })
	if !ok {
		t.Fatalf("a %T can't be advanced", w.clock)
	}
	clock.Advance(rotation.InstallTime)
}

// install gives the shop kaffebonna a key of its store.
func (w *testEnv) install(t *testing.T, credentialID string) {
	t.Helper()
	key := w.kaffebonnaKey(t, credentialID)
	w.sandbox.mustInstall("kaffebonna", key.Username, key.Secret)
}

func (w *testEnv) kaffebonnaKey(t *testing.T, credentialID string) sandbox.Key {
	t.Helper()
	keys := w.sandbox.Keys(kaffebonna)
	i := slices.IndexFunc(keys, func(k sandbox.Key) bool { return k.CredentialID == credentialID })
	if i < 0 {
		t.Fatalf("there is no key %s", credentialID)
	}
	return keys[i]
}

// TestExclusive_DeletesUnlistedKeys deletes a spare key and one that a killed run left behind, later one that a shop has
// used, and none when the resource is destroyed.
func TestExclusive_DeletesUnlistedKeys(t *testing.T) {
	w, clock := newExclusiveEnv(t)
	spare, orphan := w.kaffebonnaKey(t, kaffebonnaSpare), w.generate(t, "terraform")
	w.use(t, exclusive(kaffebonna, kaffebonnaKey))
	w.savePlan(t).wantDeletes(t, "create", deletionOf(spare, neverUsed), deletionOf(orphan, neverUsed))
	w.wantDeletions(t, 0)
	w.mustApplySaved(t)
	w.wantDeletions(t, 2)
	w.wantKeys(t, kaffebonna, kaffebonnaKey)
	w.mustBeEmpty(t)

	clock.Advance(24 * time.Hour)
	stray := w.generate(t, "by hand")
	w.install(t, stray.CredentialID)
	w.sandbox.mustPlaceOrder("kaffebonna")
	w.install(t, kaffebonnaKey)
	drift := w.savePlan(t)
	drift.wantDeletes(t, "update", deletionOf(stray, "last use: 2026-11-03"))
	if !slices.Contains(drift.before, stray.CredentialID) {
		t.Errorf("the plan does not show the new key: before it are %q", drift.before)
	}
	if strings.Contains(drift.output, orphan.Username) {
		t.Errorf("the plan shows a key that was deleted before:\n%s", drift.output)
	}
	w.mustApplySaved(t)
	w.wantDeletions(t, 1)
	w.wantKeys(t, kaffebonna, kaffebonnaKey)
	w.mustBeEmpty(t)

	w.use(t, edit(t, exclusive(kaffebonna, kaffebonnaKey), "]\n", "]\n  timeouts {\n    update = \"1m\"\n  }\n"))
	w.savePlan(t).wantDeletes(t, "update", deletionOf(stray, ""))
	w.mustApplySaved(t)
	w.mustBeEmpty(t)

	w.generate(t, "stays")
	w.mustDestroy(t)
	w.wantDeletions(t, 0)
}

func TestExclusive_ImportNamesKeysToDelete(t *testing.T) {
	w, clock := newExclusiveEnv(t)
	spare := w.kaffebonnaKey(t, kaffebonnaSpare)
	const address = "kustom_api_keys_exclusive.store"
	w.use(t, exclusive(kaffebonna, kaffebonnaKey)+importBlock(address, kaffebonna))
	w.savePlan(t).wantDeletes(t, "update", deletionOf(spare, neverUsed))
	clock.Advance(72 * time.Hour)
	later := w.generate(t, "made after the plan")
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, later.CredentialID)
	w.savePlan(t).wantDeletes(t, "update", deletionOf(later, neverUsed))
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, kaffebonnaKey)
	w.mustBeEmpty(t)

	// All keys are listed now, so another import changes nothing.
	w.mustRun(t, "state", "rm", address)
	if got := w.mustApply(t); !strings.Contains(got.output, "1 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("the import is not clean:\n%s", got.output)
	}
	w.mustBeEmpty(t)
}

// TestExclusive_KeepsKeyInUse_I1 removes a key from the list that a shop uses, first in a create and then in an update.
// The other keys are deleted. After the shop got another key, the next apply deletes this one too.
func TestExclusive_KeepsKeyInUse_I1(t *testing.T) {
	w, _ := newExclusiveEnv(t)
	spare, held, next := w.kaffebonnaKey(t, kaffebonnaSpare), w.kaffebonnaKey(t, kaffebonnaKey), w.generate(t, "next")
	const refusal = "was not deleted. Shop kaffebonna takes payments with it, and has no other key yet"
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	first := w.savePlan(t)
	first.wantDeletes(t, "create", deletionOf(spare, neverUsed), deletionOf(held, usedByShop))
	wantErrors(t, w.applySaved(t), "The key M00537204-xM2pE "+refusal)
	w.wantDeletions(t, 1)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, next.CredentialID)

	w.install(t, next.CredentialID)
	w.savePlan(t).wantDeletes(t, "create", deletionOf(held, "last use: 2026-03-02"))
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, next.CredentialID)
	w.mustBeEmpty(t)

	third, stray := w.generate(t, "third"), w.generate(t, "stray")
	w.use(t, exclusive(kaffebonna, third.CredentialID))
	w.savePlan(t).wantDeletes(t, "update", deletionOf(next, usedByShop), deletionOf(stray, neverUsed))
	wantErrors(t, w.applySaved(t), "The key "+next.Username+" "+refusal)
	w.wantKeys(t, kaffebonna, next.CredentialID, third.CredentialID)
	w.install(t, third.CredentialID)
	w.savePlan(t).wantDeletes(t, "update", deletionOf(next, neverUsed))
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, third.CredentialID)
	w.mustBeEmpty(t)
}

// TestExclusive_WaitsForShop_I1 deletes a key whose shop gets another one by hand during the apply.
func TestExclusive_WaitsForShop_I1(t *testing.T) {
	w, clock := newExclusiveEnv(t)
	next := w.generate(t, "next")
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	w.savePlan(t)
	waits := 0
	clock.onSleep = func() {
		if waits++; waits == 3 {
			w.install(t, next.CredentialID)
		}
	}
	w.mustApplySaved(t)
	if waits < 3 {
		t.Errorf("the apply waited %d times: it ended before the shop got its key", waits)
	}
	w.wantKeys(t, kaffebonna, next.CredentialID)
	w.mustBeEmpty(t)
}

// TestExclusive_MovesToAnotherStore replaces the resource. The keys of the old store stay.
func TestExclusive_MovesToAnotherStore(t *testing.T) {
	w, _ := newExclusiveEnv(t)
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare))
	w.mustApply(t)
	w.use(t, "resource \"kustom_api_key\" \"spare\" {\n  merchant_id = \"M00412871\"\n}\n\n"+
		exclusiveOf("M00412871", "[\"5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01\", kustom_api_key.spare.credential_id]"))
	plan := w.savePlan(t)
	plan.wantDeletes(t, "delete, create")
	if strings.Contains(plan.output, "Warning: Keys to delete") {
		t.Errorf("the plan warns of keys of the old store:\n%s", plan.output)
	}
	w.mustApplySaved(t)
	w.wantDeletions(t, 0)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, kaffebonnaSpare)
}

// TestExclusive_UpdatesFromSavedPlanLater_I4 applies a plan three days later. That the shop has changed keys since is no
// reason to reject it. A key generated since stays: the plan does not name it.
func TestExclusive_UpdatesFromSavedPlanLater_I4(t *testing.T) {
	w, clock := newExclusiveEnv(t)
	spare, old := w.kaffebonnaKey(t, kaffebonnaSpare), w.kaffebonnaKey(t, kaffebonnaKey)
	next := w.generate(t, "next")
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare, next.CredentialID))
	w.mustApply(t)
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	w.savePlan(t).wantDeletes(t, "update", deletionOf(spare, neverUsed), deletionOf(old, usedByShop))
	w.sandbox.mustPlaceOrder("kaffebonna")
	w.install(t, next.CredentialID)
	clock.Advance(72 * time.Hour)
	w.sandbox.mustPlaceOrder("kaffebonna")
	later := w.generate(t, "made after the plan")
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, next.CredentialID, later.CredentialID)
	w.savePlan(t).wantDeletes(t, "update", deletionOf(later, neverUsed))
}

// TestExclusive_CreatesFromSavedPlanLater_I4 does the same with a create, whose plan Terraform rejects if the store's
// keys have changed.
func TestExclusive_CreatesFromSavedPlanLater_I4(t *testing.T) {
	w, clock := newExclusiveEnv(t)
	next := w.generate(t, "next")
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	w.savePlan(t)
	later := w.generate(t, "made after the plan")
	w.wantDeletions(t, 0)
	wantErrors(t, w.applySaved(t), "provider produced inconsistent final plan")
	w.wantDeletions(t, 0)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, kaffebonnaSpare, next.CredentialID, later.CredentialID)

	w.savePlan(t)
	w.sandbox.mustPlaceOrder("kaffebonna")
	w.install(t, next.CredentialID)
	clock.Advance(72 * time.Hour)
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, next.CredentialID)
	w.mustBeEmpty(t)
}

// kaffebonnaPair is the shop kaffebonna with a key that Terraform generates.
const kaffebonnaPair = `
resource "kustom_api_key" "checkout" {
  merchant_id = "M00537204"
  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "shop" {
  provider      = kustom
  shop          = "kaffebonna"
  kustom_id     = kustom_api_key.checkout.username
  kustom_secret = kustom_api_key.checkout.secret
}
`

// TestAccExclusive_KeepsKeysMadeInTheSameRun lists a key that the same run generates. The plan can't know the deletions,
// so it warns of all keys. Then the key is rotated, and two resources want to delete the old one.
func TestAccExclusive_KeepsKeysMadeInTheSameRun(t *testing.T) {
	t.Parallel()
	// The shop gets its key while the deletion of the old one waits for that, so the clock has to run.
	w := newTestEnv(t, testEnvOptions{})
	w.use(t, kaffebonnaPair+edit(t, exclusiveOf(kaffebonna, "[kustom_api_key.checkout.credential_id]"), "]\n",
		"]\n  timeouts {\n    create = \"30m\"\n    update = \"30m\"\n  }\n"))
	w.savePlan(t).wantUnknown(t, "create", "Warning: Keys to delete not known yet",
		"- M00537204-b9LkC (api.klarna.com, never used)", "- M00537204-xM2pE (api.klarna.com, in use by shop kaffebonna)")
	w.mustApplySaved(t)
	first := w.mustHaveOnlyKey(t)
	w.mustBeEmpty(t)

	w.mustRun(t, "taint", "kustom_api_key.checkout")
	stray := w.generate(t, "stray")
	w.savePlan(t).wantUnknown(t, "update",
		first.Username+" (api.kustom.co, in use by shop kaffebonna)", stray.Username+" (api.kustom.co, never used)")
	later := w.generate(t, "made after the plan")
	w.mustApplySaved(t)
	if !slices.Contains(w.keyIDs(kaffebonna), later.CredentialID) {
		t.Error("a key was deleted that no plan named")
	}
	w.savePlan(t).wantDeletes(t, "update", deletionOf(later, neverUsed))
	w.mustApplySaved(t)
	if second := w.mustHaveOnlyKey(t); second.CredentialID == first.CredentialID {
		t.Error("the key was not rotated")
	}
	w.mustBeEmpty(t)
}

// mustHaveOnlyKey expects the store kaffebonna to have one key, which its shop uses, and returns it.
func (w *testEnv) mustHaveOnlyKey(t *testing.T) sandbox.Key {
	t.Helper()
	keys := w.sandbox.Keys(kaffebonna)
	if len(keys) != 1 {
		t.Fatalf("the store has %d keys", len(keys))
	}
	w.wantKeys(t, kaffebonna, keys[0].CredentialID)
	if shop := w.sandbox.shop(t, "kaffebonna"); shop.KustomID != keys[0].Username {
		t.Errorf("the shop uses %s", shop.KustomID)
	}
	return keys[0]
}

// TestExclusive_SparesKeysThatNoPlanNamed_I1 generates two keys in one run and lists only one. Another run may be about
// to install the other, so it stays until it is an hour old and a plan names it.
func TestExclusive_SparesKeysThatNoPlanNamed_I1(t *testing.T) {
	t.Parallel()
	const empty = "M00999999"
	seed := exampleSeed()
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
	w.use(t, `
resource "kustom_api_key" "kept" {
  merchant_id = "M00999999"
}

resource "kustom_api_key" "forgotten" {
  merchant_id = "M00999999"
  depends_on  = [kustom_api_key.kept]
}

`+edit(t, exclusiveOf(empty, "[kustom_api_key.kept.credential_id]"), "\n}\n", "\n  depends_on  = [kustom_api_key.forgotten]\n}\n"))
	// The store has no key yet, so the plan knows that it deletes none.
	w.savePlan(t).wantDeletes(t, "create")
	w.mustApplySaved(t)
	keys := w.sandbox.Keys(empty)
	if len(keys) != 2 {
		t.Fatalf("the store has %d keys", len(keys))
	}
	w.wantDeletions(t, 0)
	forgotten := keys[1]
	w.savePlan(t).wantDeletes(t, "update", deletionOf(forgotten, "less than an hour old"))
	wantErrors(t, w.applySaved(t), "is less than an hour old, and no shop uses it yet. Another run may be about to install it.")
	w.wantDeletions(t, 0)
	w.installTimePasses(t)
	w.mustApply(t)
	if left := w.keyIDs(empty); !slices.Equal(left, []string{keys[0].CredentialID}) {
		t.Errorf("the store has the keys %q", left)
	}
	w.sandbox.wantViolations(t)
}

func TestExclusive_DeletesNothingIfListedKeyIsMissing(t *testing.T) {
	w, _ := newExclusiveEnv(t)
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare))
	w.mustApply(t)
	stray := w.generate(t, "stray")
	const mistyped = "00000000-0000-4000-8000-000000000000"
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, mistyped))
	w.savePlan(t)
	w.wantDeletions(t, 0)
	wantErrors(t, w.applySaved(t), "Store M00537204 has no API key with the ID "+mistyped+". Perhaps someone deleted it, or it belongs to another store. No key was deleted.")
	w.wantDeletions(t, 0)

	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare))
	w.mustApply(t)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, kaffebonnaSpare)

	// Someone deletes a listed key.
	w.sandbox.mustDeleteKey(kaffebonna, kaffebonnaSpare)
	w.wantDeletions(t, 1)
	w.savePlan(t).wantDeletes(t, "update")
	wantErrors(t, w.applySaved(t), "Store M00537204 has no API key with the ID "+kaffebonnaSpare)
	if slices.Contains(w.keyIDs(kaffebonna), stray.CredentialID) {
		t.Error("the stray key was not deleted")
	}
}

func TestExclusive_RejectsListThatTurnsOutEmpty(t *testing.T) {
	w, _ := newExclusiveEnv(t)
	w.use(t, `
resource "terraform_data" "keys" {
  input = []
}

`+exclusiveOf(kaffebonna, "terraform_data.keys.output"))
	w.savePlan(t).wantUnknown(t, "create")
	wantErrors(t, w.applySaved(t), "set must contain at least 1 elements")
	w.wantDeletions(t, 0)
}

func TestExclusive_PlansBeforeTokenIsKnown(t *testing.T) {
	w, _ := newExclusiveEnv(t)
	w.write(t, "provider.tf", `
resource "terraform_data" "token" {
  input = "`+w.server.Env()["KUSTOM_PORTAL_TOKEN"]+`"
}

provider "kustom" {
  portal_token = terraform_data.token.output
}
`)
	w.use(t, exclusive(kaffebonna, kaffebonnaKey))
	w.savePlan(t).wantUnknown(t, "create")
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, kaffebonnaKey)
}

// TestExclusive_ResumesAfterFailure lets requests for the deletion of two keys fail. The apply deletes the keys that it
// can, and its errors name the others. The next apply finishes.
func TestExclusive_ResumesAfterFailure(t *testing.T) {
	for name, test := range map[string]struct {
		fault sandbox.Fault
		// left is how many of the two keys the first apply does not delete.
		left int
		// errors are all errors of the first apply, and warning is what its output says besides.
		errors  []string
		warning string
	}{
		"one deletion fails": {
			sandbox.Fault{API: sandbox.Portal, Method: http.MethodDelete, Match: func(r sandbox.Request) bool {
				return strings.HasSuffix(r.Path, kaffebonnaSpare)
			}},
			1, []string{"The key M00537204-b9LkC was not deleted. Kustom Portal accepted the deletion of the key"}, "",
		},
		"the shops can't be asked": {
			sandbox.Fault{API: sandbox.Mystore, Kind: sandbox.FaultAnswer, Status: http.StatusUnauthorized},
			2, []string{"The key M00537204-b9LkC was not deleted. Shop", "Shop fjellsport, kaffebonna, ullogtre may use it, but the provider can't read that shop."},
			"Shop not read: ullogtre",
		},
		"the answers are lost": {
			sandbox.Fault{API: sandbox.Portal, Method: http.MethodDelete, Kind: sandbox.FaultLoseAnswer, Times: 1}, 0, nil, "",
		},
		"the list has no usernames": {
			sandbox.Fault{API: sandbox.Portal, Method: http.MethodGet, Template: "/credentials", Status: http.StatusOK, ContentType: "application/json",
				Body: `{"credentials":[{"merchant_id":"M00537204","credential_id":"` + kaffebonnaKey + `"}]}`},
			2, []string{"Store M00537204 has no API key with the ID"}, "it has no merchant ID, ID or username.",
		},
		"the list is of another store": {
			sandbox.Fault{API: sandbox.Portal, Method: http.MethodGet, Template: "/credentials", Status: http.StatusOK, ContentType: "application/json",
				Body: `{"credentials":[{"merchant_id":"M00412871","credential_id":"` + kaffebonnaSpare + `","username":"M00412871-a"}]}`},
			2, []string{"Store M00537204 has no API key with the ID"}, "it belongs to store M00412871, but the request was for store M00537204.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := newExclusiveEnv(t)
			stray := w.generate(t, "stray")
			w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare, stray.CredentialID))
			w.mustApply(t)
			w.use(t, exclusive(kaffebonna, kaffebonnaKey))
			w.savePlan(t)
			armed := w.sandbox.Arm(test.fault)
			got := w.applySaved(t)
			mustSay(t, got, test.warning)
			if len(test.errors) > 0 {
				wantErrors(t, got, test.errors...)
			} else if got.code != 0 {
				t.Error(got.output)
			}
			if armed.Fired() == 0 {
				t.Error("the fault never happened")
			}
			if got := len(w.keyIDs(kaffebonna)) - 1; got != test.left {
				t.Errorf("%d keys are left to delete, want %d", got, test.left)
			}
			armed.Disarm()
			w.mustApply(t)
			w.wantKeys(t, kaffebonna, kaffebonnaKey)
			w.mustBeEmpty(t)
		})
	}
}

func TestExclusive_RejectsBadInput(t *testing.T) {
	id := strings.TrimPrefix(exampleKeyID, exampleStore+"/")
	const block = `resource "kustom_api_keys_exclusive" "store" {`
	rejectAll(t, []badInput{
		{name: "store not visible", hcl: raw(exclusive(exampleStore, id)), env: portalTokenIs("example-token-stranger"), planned: true,
			summary: "API keys not read", at: "merchant_id", says: []string{"can't see such a store."}},
		{name: "no admin", hcl: raw(exclusive(exampleStore, id)), env: portalTokenIs("example-token-staff"), planned: true,
			summary: "API keys not read", at: block,
			says: []string{"Ask your account administrator for access via User Manager. Then run again."}},
		{name: "no portal token", hcl: raw(exclusive(exampleStore, id)), env: portalTokenIs(""), planned: true,
			summary: "API keys not read", at: block, says: []string{"The provider's portal_token is not set."}},
		{name: "no such key", hcl: raw(exclusive(exampleStore, "b", id, "a")), planned: true,
			summary: "No such API key", at: "credential_ids"},
		{name: "import ID instead of key ID", hcl: raw(exclusive(exampleStore, exampleKeyID)), planned: true,
			summary: "Malformed key ID", at: "credential_ids"},
		{name: "no key at all", hcl: raw(exclusiveOf(exampleStore, "[]")), planned: true,
			summary: "Invalid Attribute Value", at: "credential_ids"},
		{name: "null among the keys", hcl: raw(exclusiveOf(exampleStore, "[null]")), planned: true,
			summary: "Null Set Value", at: "credential_ids"},
		{name: "store of the playground", hcl: raw(exclusive("PM00123456", id)), planned: true,
			summary: "The store belongs to the playground environment", at: "merchant_id"},
		{name: "import ID malformed", hcl: raw(exclusive(exampleStore, id) + importBlock("kustom_api_keys_exclusive.store", exampleKeyID)), planned: true,
			summary: "Malformed import ID",
			says:    []string{"is not the import ID of a store's keys, which is its merchant ID, such as M00123456."}},
	})
}

func TestExclusive_RotatesInExample(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	v.release(t, "nettbutikk")
	const files = "resources/kustom_api_keys_exclusive/"
	hcl := example(t, files+"terraform.tf", files+"resource.tf")
	var first string
	onlyKey := func() string {
		v.wantWorking(t, "butikk")
		keys, used := v.Keys(exampleStore), v.shop(t, "butikk").KustomID
		if len(keys) != 1 || keys[0].Username != used {
			t.Errorf("the store has %d keys, and the shop uses %s", len(keys), used)
		}
		return used
	}
	unknown := plancheck.ExpectUnknownValue("kustom_api_keys_exclusive.butikk", tfjsonpath.New("keys_to_delete"))
	runInProcess(t, v, []resource.TestStep{
		{Config: hcl, ConfigPlanChecks: plans(unknown), PostApplyFunc: func() { first = onlyKey() }},
		{
			ResourceName: "kustom_api_keys_exclusive.butikk", ImportState: true, ImportStateVerify: true,
			// Only the apply that deleted the keys knows them.
			ImportStateVerifyIgnore: []string{"keys_to_delete"},
		},
		{
			Config: edit(t, hcl, "shop        = \"butikk\"", "shop = \"butikk\"\n  description = \"autumn\""),
			ConfigPlanChecks: plans(unknown, planned{
				"kustom_mystore_connection.butikk": "update", "kustom_api_keys_exclusive.butikk": "update",
			}),
			PostApplyFunc: func() {
				if second := onlyKey(); second == first {
					t.Error("the key was not rotated")
				}
			},
		},
	})
}
