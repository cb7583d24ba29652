package provider_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccFleet_SwitchesSpreadsheet switches the shops of the published list by a saved plan. The tokens are in a file, and
// Terraform stores none of them. One shop fails in the first apply: the run fails and names it, the report has it, and the
// next run switches only that shop. Then the import of the README keeps all keys.
func TestAccFleet_SwitchesSpreadsheet(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "switch-fleet")
	w.useTokensFile(t)
	w.mustPlan(t, "2 to add, 0 to change, 0 to destroy")
	failing := w.sandbox.Arm(sandbox.Fault{
		API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultAnswer, Status: http.StatusForbidden,
		Match: func(r sandbox.Request) bool { return r.Shop == "kaffebonna" },
	})
	got := w.applySaved(t)
	if got.code == 0 {
		t.Error("the run did not fail")
	}
	mustSay(t, got, "These shops could not be connected: kaffebonna: ")
	w.mustReport(t, []string{"1 failed, 2 done", "| kaffebonna | `M00537204` | failed | `M00537204-xM2pE` |"})
	for _, shop := range seed.Shops {
		w.order(t, shop.Name)
	}

	failing.Disarm()
	w.sandbox.ResetRequests()
	w.mustApply(t)
	w.mustHaveSwitched(t, 1)
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
	w.mustReportShops(t, seed)
	w.mustStoreNoSecret(t, "terraform.tfstate", savedPlan+"!tfplan")

	w.write(t, "terraform.tfstate", "")
	w.write(t, "import.tf", readmeBlock(t, "switch-fleet/README.md", "```hcl\nimport {"))
	w.sandbox.ResetRequests()
	mustSay(t, w.mustApply(t), "2 imported, 0 added, 0 changed, 0 destroyed")
	w.mustHaveSwitched(t, 0)
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
	w.mustReportShops(t, seed)
}

// TestAccFleet_LeavesOldShopsAloneWhenListGrows adds shops to a list in chunks, and changes its order.
func TestAccFleet_LeavesOldShopsAloneWhenListGrows(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(20)
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "switch-fleet")
	w.set("TF_VAR_chunks", "3")
	w.writeShops(t, seed.Shops[7:])
	w.mustApply(t)
	w.mustHaveSwitched(t, 13)

	w.sandbox.ResetRequests()
	slices.Reverse(seed.Shops)
	w.writeShops(t, seed.Shops)
	got := w.mustApply(t)
	if !strings.Contains(got.output, "0 destroyed") {
		t.Errorf("an object is destroyed:\n%s", got.output)
	}
	w.mustHaveSwitched(t, 7)
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
	w.mustReportShops(t, seed)
}

// TestAccFleet_NamesMistakesInList expects the errors before any request, and reads a list in the form of a Norwegian
// spreadsheet.
func TestAccFleet_NamesMistakesInList(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{}).checkOut(t, "switch-fleet")
	w.write(t, "shops.csv", "shop,merchant_id,description\nfjellsport,M00412871,\nullogtre,00698335,\nFjellsport ,M00537204,\n")
	got := w.terraform(t, "plan", "-input=false", "-no-color")
	if got.code != 1 || len(w.sandbox.Requests()) > 0 {
		t.Errorf("exit code %d, after %d requests", got.code, len(w.sandbox.Requests()))
	}
	mustSay(t, got, `Row 3, column B (merchant_id): "00698335" is not a merchant ID.`, "The shop Fjellsport is in the list more than once: row 2 has it too.")
	w.write(t, "shops.csv", "Shop;Merchant ID;Eier\r\n fjellsport ;M00412871;Kj\xf8pmannen\r\n")
	if got := w.terraform(t, "plan", "-input=false", "-no-color"); got.code != 0 {
		t.Errorf("exit code %d:\n%s", got.code, got.output)
	}
}

// TestAccShopList_SwitchesInWaves switches one shop of the published list, and then the others.
func TestAccShopList_SwitchesInWaves(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "functions/shop_list")
	if got := w.mustApply(t); !strings.Contains(got.output, "1 added, 0 changed, 0 destroyed") {
		t.Errorf("the first wave is not one shop:\n%s", got.output)
	}
	w.mustHaveSwitched(t, 1)
	w.set("TF_VAR_wave", "2")
	w.mustApply(t)
	w.mustHaveSwitched(t, len(seed.Shops))
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
}

// TestAccWaves_DeleteReplacedKeysLater switches one shop and then the others. No run deletes the keys that it replaces, and the
// shop of the first wave gets no second key.
func TestAccWaves_DeleteReplacedKeysLater(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "waves")
	for i, shops := range []int{1, len(seed.Shops)} {
		w.set("TF_VAR_wave", strconv.Itoa(i+1))
		w.mustApply(t)
		if got := w.sandbox.Count(sandbox.Mystore, http.MethodPatch, credentialsCall); got != shops {
			t.Errorf("after wave %d, %d shops have new keys, want %d", i+1, got, shops)
		}
		// A later run deletes a key that was unused for a day.
		if got := w.sandbox.Count(sandbox.Portal, http.MethodDelete, keyCall); got >= shops {
			t.Errorf("after wave %d, %d old keys are deleted, also those of this wave", i+1, got)
		}
	}
	waiting := w.terraform(t, "output", "-json", "old_keys_waiting").output
	for i, shop := range seed.Shops {
		w.order(t, shop.Name)
		if i > 0 && !strings.Contains(waiting, shop.KustomID) {
			t.Errorf("the output has no old key %s: %s", shop.KustomID, waiting)
		}
	}
}

// readmeBlock returns the code block of a published README that has this beginning.
func readmeBlock(t *testing.T, file, beginning string) string {
	t.Helper()
	content, err := fs.ReadFile(examples.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), beginning)
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatalf("%s has no code block %q", file, beginning)
	}
	_, first, _ := strings.Cut(beginning, "\n")
	return first + block
}

// useTokensFile moves the Mystore tokens from the environment to a file.
func (w *testEnv) useTokensFile(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(file, []byte(w.server.Env()["MYSTORE_TOKENS"]), 0o600); err != nil {
		t.Fatal(err)
	}
	w.unset("MYSTORE_TOKENS")
	w.set("TF_VAR_tokens_file", file)
}

// writeShops writes shops.csv.
func (w *testEnv) writeShops(t *testing.T, shops []sandbox.Shop) {
	t.Helper()
	var list strings.Builder
	list.WriteString("shop,merchant_id,description\n")
	for _, shop := range shops {
		fmt.Fprintf(&list, "%s,%s,\n", shop.Name, shop.MerchantID)
	}
	w.write(t, "shops.csv", list.String())
}

// mustHaveSwitched expects that n keys were generated, installed and replaced, and no other writes.
func (w *testEnv) mustHaveSwitched(t *testing.T, n int) {
	t.Helper()
	for call, got := range map[string]int{
		"POST":   len(slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool { return !generatedKey(r) })),
		"PATCH":  w.sandbox.Count(sandbox.Mystore, http.MethodPatch, credentialsCall),
		"DELETE": w.sandbox.Count(sandbox.Portal, http.MethodDelete, keyCall),
	} {
		if got != n {
			t.Errorf("%d × %s, want %d", got, call, n)
		}
	}
	writes := slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool { return r.Method == http.MethodGet || repeatsCreation(r) })
	if len(writes) != 3*n {
		t.Errorf("%d writes, want %d", len(writes), 3*n)
	}
}

// generatedKey reports whether a request has generated a key.
func generatedKey(r sandbox.Request) bool {
	return r.API == sandbox.Portal && r.Method == http.MethodPost && r.Status/100 == 2
}

// repeatsCreation reports whether a request repeats the idempotency key of an earlier run, to find out its outcome.
func repeatsCreation(r sandbox.Request) bool {
	return r.API == sandbox.Portal && r.Method == http.MethodPost && r.Status == http.StatusConflict
}

// mustBeSwitched expects that every shop of the seed takes payments with a Kustom key. Their stores must have no other keys
// than these and the ones that no shop used. The sandbox must have seen no violation.
func (w *testEnv) mustBeSwitched(t *testing.T, seed sandbox.Seed) {
	t.Helper()
	expected := unused(seed)
	for _, seeded := range seed.Shops {
		shop, _ := w.sandbox.Shop(seeded.Name)
		expected[shop.KustomID] = true
		if err := w.sandbox.PlaceOrder(seeded.Name); err != nil {
			t.Errorf("shop %s holds %s and takes no payments: %v", seeded.Name, shop.KustomID, err)
		}
	}
	for _, shop := range seed.Shops {
		for _, key := range w.sandbox.Keys(shop.MerchantID) {
			if !expected[key.Username] || (key.Host != kustomHost && !unused(seed)[key.Username]) {
				t.Errorf("store %s still has the key %s of %s", shop.MerchantID, key.Username, key.Host)
			}
		}
	}
	w.sandbox.wantViolations(t)
}

// mustReportShops expects one line for each shop in the report of the state, with the key that the shop holds.
func (w *testEnv) mustReportShops(t *testing.T, seed sandbox.Seed) {
	t.Helper()
	r, err := report.Read(strings.NewReader(w.terraform(t, "show", "-json").output))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, s := range r.Shops {
		got = append(got, fmt.Sprint(s.Name, s.Store, s.Status, s.New))
	}
	for _, seeded := range seed.Shops {
		shop, _ := w.sandbox.Shop(seeded.Name)
		want = append(want, fmt.Sprint(shop.Name, shop.MerchantID, report.Done, shop.KustomID))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the report has %q, want %q", got, want)
	}
}

// mustStoreNoSecret expects no secret and no token in the files that Terraform has written, among them the named ones.
func (w *testEnv) mustStoreNoSecret(t *testing.T, have ...string) {
	t.Helper()
	stored := w.everything(t)
	for _, name := range have {
		if stored[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	for name, content := range stored {
		if n := leaks(content, w.sandbox.Secrets()); n > 0 {
			t.Errorf("%s has %d secrets", name, n)
		}
	}
}
