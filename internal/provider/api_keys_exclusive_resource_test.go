package provider_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
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

// exclusive keeps the keys with those IDs in a store.
func exclusive(merchantID string, ids ...string) string {
	return exclusiveOf(merchantID, `["`+strings.Join(ids, `", "`)+`"]`)
}

// exclusiveOf keeps the keys that an expression names.
func exclusiveOf(merchantID, ids string) string {
	return fmt.Sprintf("resource \"kustom_api_keys_exclusive\" \"store\" {\n  merchant_id = %q\n  credential_ids     = %s\n}\n", merchantID, ids)
}

// exclusiveEnv is a world with a store of [sandbox.ThreeShops] and a clock that nobody waits on.
func exclusiveEnv(t *testing.T) (*testEnv, *clocktest.Fake) {
	t.Helper()
	t.Parallel()
	clock := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	return newTestEnv(t, testEnvOptions{inProcess: true, clock: clock}), clock
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

	// use is what the warning says of the key's use; empty where there is to be no warning of it.
	use string
}

const neverUsed, usedByShop = "never used", "in use by shop kaffebonna"

func deletionOf(key sandbox.Key, use string) deletion {
	return deletion{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, Host: key.Host, use: use}
}

// storePlan is what a plan says of a store's keys. It can be applied, then or later.
type storePlan struct {
	actions  []string
	toDelete []deletion
	// before are the IDs of the keys that the store had.
	before []string
	// unknown says that keys_to_delete is not known.
	unknown bool
	output  string
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
		actions: change.Actions, before: change.Before.CredentialIDs, toDelete: change.After.ToDelete,
		unknown: change.Unknown.ToDelete == true, output: unwrapped(got.output),
	}
}

// showChange reads what the saved plan does to the only object of a type.
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

// wantDeletes checks what the plan does, and which keys it says that it deletes.
func (p storePlan) wantDeletes(t *testing.T, action string, want ...deletion) {
	t.Helper()
	planned := append([]deletion{}, want...)
	for i, d := range want {
		warning := fmt.Sprintf("- %s (%s, %s)", d.Username, d.Host, d.use)
		if d.use != "" && !strings.Contains(p.output, warning) {
			t.Errorf("the plan does not warn of %q:\n%s", warning, p.output)
		}
		planned[i].use = ""
	}
	byID := func(a, b deletion) int { return cmp.Compare(a.CredentialID, b.CredentialID) }
	slices.SortFunc(planned, byID)
	got := slices.SortedFunc(slices.Values(p.toDelete), byID)
	if !slices.Equal(p.actions, []string{action}) || p.unknown || !reflect.DeepEqual(append([]deletion{}, got...), planned) {
		t.Errorf("the plan is to %v, and deletes %+v (unknown: %v), want %s and %+v", p.actions, got, p.unknown, action, planned)
	}
}

// applySaved applies the plan that was saved.
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

// wantRefusal checks that a run has failed with exactly these errors, each of which is named by what
// it says.
func wantRefusal(t *testing.T, got run, want ...string) {
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

// wantKeys checks which keys a store has, that the shops take payments, and that no promise was
// broken on the way.
func (w *testEnv) wantKeys(t *testing.T, merchantID string, ids ...string) {
	t.Helper()
	var got []string
	for _, key := range w.sandbox.Keys(merchantID) {
		got = append(got, key.CredentialID)
	}
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		t.Errorf("store %s has the keys %q, want %q", merchantID, got, ids)
	}
	for _, shop := range []string{"fjellsport", "kaffebonna", "ullogtre"} {
		w.sandbox.mustTakePayments(shop)
	}
	w.sandbox.wantViolations(t)
}

// wantDeletions checks how many keys were asked to be deleted since the requests were last reset.
func (w *testEnv) wantDeletions(t *testing.T, want int) {
	t.Helper()
	if got := w.sandbox.Count(sandbox.Portal, http.MethodDelete, ""); got != want {
		t.Errorf("%d deletions were asked for, want %d", got, want)
	}
	w.sandbox.ResetRequests()
}

// generate creates a key as a person does, an hour before whatever comes next.
func (w *testEnv) generate(t *testing.T, description string) sandbox.Key {
	t.Helper()
	key := w.sandbox.mustGenerate(kaffebonna, description)
	w.hourPasses()
	return key
}

// hourPasses lets the clock pass the time that another run may take to install a key.
func (w *testEnv) hourPasses() {
	if c, ok := w.clock.(interface{ Advance(d time.Duration) }); ok {
		c.Advance(rotation.InstallTime)
	}
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

// TestExclusive_DeletesUnlistedKeys deletes an old key that nobody uses and one that a killed run has left behind,
// then one that somebody makes and uses later, and no key when its object is destroyed.
func TestExclusive_DeletesUnlistedKeys(t *testing.T) {
	w, clock := exclusiveEnv(t)
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
	w.order(t, "kaffebonna")
	w.install(t, kaffebonnaKey)
	drift := w.savePlan(t)
	drift.wantDeletes(t, "update", deletionOf(stray, "last use: 2026-11-03"))
	if !slices.Contains(drift.before, stray.CredentialID) {
		t.Errorf("the plan does not show what has changed: the keys were %q", drift.before)
	}
	if strings.Contains(drift.output, orphan.Username) {
		t.Errorf("the plan shows a key that is long gone:\n%s", drift.output)
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

// TestExclusive_ImportNamesKeysToDelete takes charge of a store by an import, whose first plan names what goes.
func TestExclusive_ImportNamesKeysToDelete(t *testing.T) {
	w, clock := exclusiveEnv(t)
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

	// Nothing goes where all that there is stays.
	w.mustRun(t, "state", "rm", address)
	if got := w.mustApply(t); !strings.Contains(got.output, "1 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("the import is not clean:\n%s", got.output)
	}
	w.mustBeEmpty(t)
}

// TestExclusive_KeepsKeyInUse_I1 is about a key that a shop uses: the others go, the error names the shop, and
// the next apply finishes when the shop has moved on. At first as a creation, then as an update.
func TestExclusive_KeepsKeyInUse_I1(t *testing.T) {
	w, _ := exclusiveEnv(t)
	spare, held, next := w.kaffebonnaKey(t, kaffebonnaSpare), w.kaffebonnaKey(t, kaffebonnaKey), w.generate(t, "next")
	const refusal = "was not deleted. Shop kaffebonna takes payments with it, and has no other key yet"
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	first := w.savePlan(t)
	first.wantDeletes(t, "create", deletionOf(spare, neverUsed), deletionOf(held, usedByShop))
	wantRefusal(t, w.applySaved(t), "The key M00537204-xM2pE "+refusal)
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
	wantRefusal(t, w.applySaved(t), "The key "+next.Username+" "+refusal)
	w.wantKeys(t, kaffebonna, next.CredentialID, third.CredentialID)
	w.install(t, third.CredentialID)
	w.savePlan(t).wantDeletes(t, "update", deletionOf(next, neverUsed))
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, third.CredentialID)
	w.mustBeEmpty(t)
}

// TestAccExclusive_WaitsForShop_I1 deletes a key whose shop is given another one, by hand, during the apply.
func TestAccExclusive_WaitsForShop_I1(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{})
	next := w.generate(t, "next")
	w.use(t, edit(t, exclusive(kaffebonna, next.CredentialID), "]\n", "]\n  timeouts {\n    create = \"30m\"\n  }\n"))
	w.savePlan(t)
	w.sandbox.ResetRequests()
	apply := w.start(t, "apply", "-input=false", "-no-color", savedPlan)
	// Three shops are read once; the one that holds the key is asked again and again.
	apply.await(t, func() bool { return w.sandbox.Count(sandbox.Mystore, http.MethodGet, "") >= 6 })
	w.install(t, next.CredentialID)
	if got := apply.wait(t); got.code != 0 {
		t.Errorf("the shop has moved on, and the apply failed:\n%s", got.output)
	}
	w.wantKeys(t, kaffebonna, next.CredentialID)
	w.mustBeEmpty(t)
}

// TestExclusive_MovesToAnotherStore lets go of one store and takes charge of another.
func TestExclusive_MovesToAnotherStore(t *testing.T) {
	w, _ := exclusiveEnv(t)
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare))
	w.mustApply(t)
	w.use(t, "resource \"kustom_api_key\" \"spare\" {\n  merchant_id = \"M00412871\"\n}\n\n"+
		exclusiveOf("M00412871", "[\"5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01\", kustom_api_key.spare.credential_id]"))
	plan := w.savePlan(t)
	if !slices.Equal(plan.actions, []string{"delete", "create"}) || plan.unknown || len(plan.toDelete) > 0 {
		t.Errorf("the plan is to %v, and deletes %v (unknown: %v)", plan.actions, plan.toDelete, plan.unknown)
	}
	if strings.Contains(plan.output, "Warning: Keys to delete") {
		t.Errorf("the plan warns of keys of the old store:\n%s", plan.output)
	}
	w.mustApplySaved(t)
	w.wantDeletions(t, 0)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, kaffebonnaSpare)
}

// TestExclusive_UpdatesFromSavedPlanLater_I4 applies plans some days after they were made. The keys were used
// meanwhile and the shop has moved on, which is no reason to refuse them; and a key that was made
// meanwhile, which no plan has named, stays.
func TestExclusive_UpdatesFromSavedPlanLater_I4(t *testing.T) {
	w, clock := exclusiveEnv(t)
	spare, old := w.kaffebonnaKey(t, kaffebonnaSpare), w.kaffebonnaKey(t, kaffebonnaKey)
	next := w.generate(t, "next")
	moveOn := func() {
		w.order(t, "kaffebonna")
		w.install(t, next.CredentialID)
		clock.Advance(72 * time.Hour)
		w.order(t, "kaffebonna")
	}

	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare, next.CredentialID))
	w.mustApply(t)
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	w.savePlan(t).wantDeletes(t, "update", deletionOf(spare, neverUsed), deletionOf(old, usedByShop))
	moveOn()
	later := w.generate(t, "made after the plan")
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, next.CredentialID, later.CredentialID)
	w.savePlan(t).wantDeletes(t, "update", deletionOf(later, neverUsed))
}

// TestExclusive_CreatesFromSavedPlanLater_I4 is the same for a creation, except that a change of the store's keys
// makes Terraform refuse the plan.
func TestExclusive_CreatesFromSavedPlanLater_I4(t *testing.T) {
	w, clock := exclusiveEnv(t)
	next := w.generate(t, "next")
	w.use(t, exclusive(kaffebonna, next.CredentialID))
	w.savePlan(t)
	later := w.generate(t, "made after the plan")
	w.wantDeletions(t, 0)
	wantRefusal(t, w.applySaved(t), "provider produced inconsistent final plan")
	w.wantDeletions(t, 0)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, kaffebonnaSpare, next.CredentialID, later.CredentialID)

	w.savePlan(t)
	w.order(t, "kaffebonna")
	w.install(t, next.CredentialID)
	clock.Advance(72 * time.Hour)
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, next.CredentialID)
	w.mustBeEmpty(t)
}

// pairOf is the shop kaffebonna on a key that is made for it.
const pairOf = `
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

// TestAccExclusive_KeepsKeysMadeInTheSameRun keeps keys that are made in the same run. What goes is not known before,
// but the plan lists what there is. Then the key is rotated: the old one is deleted once, by
// whichever of the two that want it gone comes first.
func TestAccExclusive_KeepsKeysMadeInTheSameRun(t *testing.T) {
	t.Parallel()
	// The shop is given its key while the old one's deletion waits for that, so time has to pass.
	w := newTestEnv(t, testEnvOptions{})
	w.use(t, pairOf+edit(t, exclusiveOf(kaffebonna, "[kustom_api_key.checkout.credential_id]"), "]\n",
		"]\n  timeouts {\n    create = \"30m\"\n    update = \"30m\"\n  }\n"))
	wantUnknown := func(plan storePlan, action string, lists ...string) {
		t.Helper()
		if !plan.unknown || !slices.Equal(plan.actions, []string{action}) {
			t.Errorf("the plan is to %v, keys_to_delete unknown: %v", plan.actions, plan.unknown)
		}
		for _, says := range lists {
			if !strings.Contains(plan.output, says) {
				t.Errorf("the plan does not list %q:\n%s", says, plan.output)
			}
		}
	}
	wantUnknown(w.savePlan(t), "create", "Warning: Keys to delete not known yet",
		"- M00537204-b9LkC (api.klarna.com, never used)", "- M00537204-xM2pE (api.klarna.com, in use by shop kaffebonna)")
	w.mustApplySaved(t)
	first := w.onlyKey(t)
	w.mustBeEmpty(t)

	w.mustRun(t, "taint", "kustom_api_key.checkout")
	stray := w.generate(t, "stray")
	wantUnknown(w.savePlan(t), "update", first.Username+" (api.kustom.co, in use by shop kaffebonna)", stray.Username+" (api.kustom.co, never used)")
	later := w.generate(t, "made after the plan")
	w.mustApplySaved(t)
	if _, found := w.find(later.CredentialID); !found {
		t.Error("a key is gone that no plan has named")
	}
	w.savePlan(t).wantDeletes(t, "update", deletionOf(later, neverUsed))
	w.mustApplySaved(t)
	if second := w.onlyKey(t); second.CredentialID == first.CredentialID {
		t.Error("the key was not rotated")
	}
	w.mustBeEmpty(t)
}

func (w *testEnv) find(credentialID string) (sandbox.Key, bool) {
	for _, key := range w.sandbox.Keys(kaffebonna) {
		if key.CredentialID == credentialID {
			return key, true
		}
	}
	return sandbox.Key{}, false
}

// onlyKey returns the only key that the store has, which is the one that its shop uses.
func (w *testEnv) onlyKey(t *testing.T) sandbox.Key {
	t.Helper()
	keys := w.sandbox.Keys(kaffebonna)
	if len(keys) != 1 {
		t.Fatalf("the store has %d keys", len(keys))
	}
	w.wantKeys(t, kaffebonna, keys[0].CredentialID)
	if shop, _ := w.sandbox.Shop("kaffebonna"); shop.KustomID != keys[0].Username {
		t.Errorf("the shop uses %s", shop.KustomID)
	}
	return keys[0]
}

// TestExclusive_SparesKeysThatNoPlanNamed_I1 makes two keys in one run and keeps only one of them. The other may
// be on its way into a shop, so it stays until it is an hour old, and a plan has named it.
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
	// Where there is no key that could go, it is known that none does.
	w.savePlan(t).wantDeletes(t, "create")
	w.mustApplySaved(t)
	keys := w.sandbox.Keys(empty)
	if len(keys) != 2 {
		t.Fatalf("the store has %d keys", len(keys))
	}
	w.wantDeletions(t, 0)
	forgotten := keys[1]
	w.savePlan(t).wantDeletes(t, "update", deletionOf(forgotten, "less than an hour old"))
	wantRefusal(t, w.applySaved(t), "is less than an hour old, and no shop uses it yet. Another run may be about to install it.")
	w.wantDeletions(t, 0)
	w.hourPasses()
	w.mustApply(t)
	if left := w.sandbox.Keys(empty); len(left) != 1 || left[0].CredentialID != keys[0].CredentialID {
		t.Errorf("the store has the keys %+v", left)
	}
	w.sandbox.wantViolations(t)
}

// TestExclusive_DeletesNothingIfListedKeyIsMissing keeps a key that the store does not have: no other is deleted.
func TestExclusive_DeletesNothingIfListedKeyIsMissing(t *testing.T) {
	w, _ := exclusiveEnv(t)
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare))
	w.mustApply(t)
	stray := w.generate(t, "stray")
	const mistyped = "00000000-0000-4000-8000-000000000000"
	w.use(t, exclusive(kaffebonna, kaffebonnaKey, mistyped))
	w.savePlan(t)
	w.wantDeletions(t, 0)
	wantRefusal(t, w.applySaved(t), "Store M00537204 has no API key with the ID "+mistyped+". Perhaps someone deleted it, or it belongs to another store. No key was deleted.")
	w.wantDeletions(t, 0)

	w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare))
	w.mustApply(t)
	w.wantKeys(t, kaffebonna, kaffebonnaKey, kaffebonnaSpare)

	// Somebody deletes a key that stays.
	w.sandbox.mustDeleteKey(kaffebonna, kaffebonnaSpare)
	w.wantDeletions(t, 1)
	w.savePlan(t).wantDeletes(t, "update")
	wantRefusal(t, w.applySaved(t), "Store M00537204 has no API key with the ID "+kaffebonnaSpare)
	if _, found := w.find(stray.CredentialID); found {
		t.Error("the stray is still there")
	}
}

// TestExclusive_RejectsListThatTurnsOutEmpty keeps what turns out to be nothing.
func TestExclusive_RejectsListThatTurnsOutEmpty(t *testing.T) {
	w, _ := exclusiveEnv(t)
	w.use(t, `
resource "terraform_data" "keys" {
  input = []
}

`+exclusiveOf(kaffebonna, "terraform_data.keys.output"))
	if plan := w.savePlan(t); !plan.unknown {
		t.Errorf("keys_to_delete is known: %v", plan.toDelete)
	}
	wantRefusal(t, w.applySaved(t), "set must contain at least 1 elements")
	w.wantDeletions(t, 0)
}

// TestExclusive_PlansBeforeTokenIsKnown plans before the provider has a token.
func TestExclusive_PlansBeforeTokenIsKnown(t *testing.T) {
	w, _ := exclusiveEnv(t)
	w.write(t, "provider.tf", `
resource "terraform_data" "token" {
  input = "`+w.server.Env()["KUSTOM_PORTAL_TOKEN"]+`"
}

provider "kustom" {
  portal_token = terraform_data.token.output
}
`)
	w.use(t, exclusive(kaffebonna, kaffebonnaKey))
	if plan := w.savePlan(t); !plan.unknown {
		t.Errorf("keys_to_delete is known: %v", plan.toDelete)
	}
	w.mustApplySaved(t)
	w.wantKeys(t, kaffebonna, kaffebonnaKey)
}

// TestExclusive_ResumesAfterFailure lets the vendors fail at the deletion of keys: what can go goes, the error says
// what is the matter with the rest, and the next apply finishes.
func TestExclusive_ResumesAfterFailure(t *testing.T) {
	for name, test := range map[string]struct {
		fault sandbox.Fault
		left  int
		says  []string
		// warns is what a warning says beside the errors.
		warns string
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
			w, _ := exclusiveEnv(t)
			stray := w.generate(t, "stray")
			w.use(t, exclusive(kaffebonna, kaffebonnaKey, kaffebonnaSpare, stray.CredentialID))
			w.mustApply(t)
			w.use(t, exclusive(kaffebonna, kaffebonnaKey))
			w.savePlan(t)
			armed := w.sandbox.Arm(test.fault)
			got := w.applySaved(t)
			if !strings.Contains(unwrapped(got.output), test.warns) {
				t.Errorf("no warning says %q:\n%s", test.warns, got.output)
			}
			if len(test.says) > 0 {
				wantRefusal(t, got, test.says...)
			} else if got.code != 0 {
				t.Error(got.output)
			}
			if armed.Fired() == 0 {
				t.Error("nothing went wrong: the test shows nothing")
			}
			if got := len(w.sandbox.Keys(kaffebonna)) - 1; got != test.left {
				t.Errorf("%d keys are left to delete, want %d", got, test.left)
			}
			armed.Disarm()
			w.mustApply(t)
			w.wantKeys(t, kaffebonna, kaffebonnaKey)
			w.mustBeEmpty(t)
		})
	}
}

// TestExclusive_RejectsBadInput expects one clear error for every mistake.
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

// TestExclusive_RotatesInExample runs the published example, and rotates its key.
func TestExclusive_RotatesInExample(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	v.release(t, "nettbutikk")
	const files = "resources/kustom_api_keys_exclusive/"
	hcl := example(t, files+"terraform.tf", files+"resource.tf")
	var first string
	only := func(t *testing.T) string {
		t.Helper()
		v.wantWorking(t, "butikk")
		keys := v.Keys(exampleStore)
		if len(keys) != 1 || keys[0].Username != v.shop(t, "butikk").KustomID {
			t.Errorf("the store has %d keys, and the shop uses %s", len(keys), v.shop(t, "butikk").KustomID)
		}
		return keys[0].Username
	}
	unknown := plancheck.ExpectUnknownValue("kustom_api_keys_exclusive.butikk", tfjsonpath.New("keys_to_delete"))
	runInProcess(t, v, []resource.TestStep{
		{Config: hcl, ConfigPlanChecks: plans(unknown), PostApplyFunc: func() { first = only(t) }},
		{
			ResourceName: "kustom_api_keys_exclusive.butikk", ImportState: true, ImportStateVerify: true,
			// What an apply has deleted is nowhere to be found.
			ImportStateVerifyIgnore: []string{"keys_to_delete"},
		},
		{
			Config: edit(t, hcl, "shop        = \"butikk\"", "shop = \"butikk\"\n  description = \"autumn\""),
			ConfigPlanChecks: plans(unknown, planned{
				"kustom_mystore_connection.butikk": "update", "kustom_api_keys_exclusive.butikk": "update",
			}),
			PostApplyFunc: func() {
				if second := only(t); second == first {
					t.Error("the key was not rotated")
				}
			},
		},
	})
}
