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

// TestAccFleet_SwitchesListOfASpreadsheet switches the published list of shops by a saved plan, with the tokens in
// a file, none of which gets into what Terraform stores. One shop fails in the first apply: the others are switched, the run
// fails and names it, the report has it, and the next run has just that shop to do. Then an import, as in the README, lets
// the shops keep their keys.
func TestAccFleet_SwitchesListOfASpreadsheet(t *testing.T) {
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
		t.Error("the run does not fail")
	}
	mustSay(t, got, "These shops could not be connected: kaffebonna: ")
	w.mustReport(t, []string{"1 failed, 2 done", "| kaffebonna | `M00537204` | failed | `M00537204-xM2pE` |"})
	for _, shop := range seed.Shops {
		w.order(t, shop.Name)
	}

	failing.Disarm()
	w.sandbox.ResetRequests()
	w.mustApply(t)
	w.mustHaveWritten(t, 1)
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
	w.mustReportShops(t, seed)
	w.mustStoreNoSecret(t, "terraform.tfstate", savedPlan+"!tfplan")

	w.write(t, "terraform.tfstate", "")
	w.write(t, "import.tf", readmeBlock(t, "switch-fleet/README.md", "```hcl\nimport {"))
	w.sandbox.ResetRequests()
	mustSay(t, w.mustApply(t), "2 imported, 0 added, 0 changed, 0 destroyed")
	w.mustHaveWritten(t, 0)
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
	w.mustReportShops(t, seed)
}

// TestAccFleet_LeavesShopsAloneWhenTheListGrows adds shops to a list in chunks: nothing is done to those that are there, in
// whatever order the list has them.
func TestAccFleet_LeavesShopsAloneWhenTheListGrows(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(20)
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "switch-fleet")
	w.set("TF_VAR_chunks", "3")
	w.writeShops(t, seed.Shops[7:])
	w.mustApply(t)
	w.mustHaveWritten(t, 13)

	w.sandbox.ResetRequests()
	slices.Reverse(seed.Shops)
	w.writeShops(t, seed.Shops)
	got := w.mustApply(t)
	if !strings.Contains(got.output, "0 destroyed") {
		t.Errorf("the list has grown, and an object is destroyed:\n%s", got.output)
	}
	w.mustHaveWritten(t, 7)
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
	w.mustReportShops(t, seed)
}

// TestAccFleet_NamesMistakesOfTheList before it asks a vendor anything, and reads the list as a Norwegian spreadsheet saves it.
func TestAccFleet_NamesMistakesOfTheList(t *testing.T) {
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

// TestAccShopList_SwitchesInWaves switches the shops of the published list in two waves: one shop, and then the others.
func TestAccShopList_SwitchesInWaves(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "functions/shop_list")
	if got := w.mustApply(t); !strings.Contains(got.output, "1 added, 0 changed, 0 destroyed") {
		t.Errorf("the first wave is not one shop:\n%s", got.output)
	}
	w.mustHaveWritten(t, 1)
	w.set("TF_VAR_wave", "2")
	w.mustApply(t)
	w.mustHaveWritten(t, len(seed.Shops))
	w.mustBeEmpty(t)
	w.mustBeSwitched(t, seed)
}

// TestAccWaves_LeaveReplacedKeysToALaterRun switches one shop first and then the rest. No run deletes a key that it has just replaced,
// and the shop of the first wave gets no second key.
func TestAccWaves_LeaveReplacedKeysToALaterRun(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed}).checkOut(t, "waves")
	for wave, shops := range []int{0, 1, len(seed.Shops)} {
		if wave == 0 {
			continue // Waves are counted from 1.
		}
		w.set("TF_VAR_wave", strconv.Itoa(wave))
		w.mustApply(t)
		if got := w.sandbox.Count(sandbox.Mystore, http.MethodPatch, credentialsCall); got != shops {
			t.Errorf("after wave %d, %d shops were given a key, want %d", wave, got, shops)
		}
		// A later run deletes what the portal shows to be unused.
		if got := w.sandbox.Count(sandbox.Portal, http.MethodDelete, keyCall); got >= shops {
			t.Errorf("after wave %d, %d old keys are deleted: the shops of this wave have lost theirs at once", wave, got)
		}
	}
	waiting := w.terraform(t, "output", "-json", "old_keys_waiting").output
	for wave, shop := range seed.Shops {
		w.order(t, shop.Name)
		if wave > 0 && !strings.Contains(waiting, shop.KustomID) {
			t.Errorf("the output does not name the old key %s: %s", shop.KustomID, waiting)
		}
	}
}

// readmeBlock returns the content of the code block of a published README that begins like that.
func readmeBlock(t *testing.T, file, beginning string) string {
	t.Helper()
	content, err := fs.ReadFile(examples.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), beginning)
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatalf("%s has no code block that begins with %q", file, beginning)
	}
	_, first, _ := strings.Cut(beginning, "\n")
	return first + block
}

// useTokensFile gives the Mystore tokens as a file, and no longer in the environment.
func (w *testEnv) useTokensFile(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(file, []byte(w.server.Env()["MYSTORE_TOKENS"]), 0o600); err != nil {
		t.Fatal(err)
	}
	w.unset("MYSTORE_TOKENS")
	w.set("TF_VAR_tokens_file", file)
}

// writeShops writes the list of shops.
func (w *testEnv) writeShops(t *testing.T, shops []sandbox.Shop) {
	t.Helper()
	var list strings.Builder
	list.WriteString("shop,merchant_id,description\n")
	for _, shop := range shops {
		fmt.Fprintf(&list, "%s,%s,\n", shop.Name, shop.MerchantID)
	}
	w.write(t, "shops.csv", list.String())
}

// mustHaveWritten expects that n keys were made, each once, given to a shop and put in place of
// another one, and that nothing else was written.
func (w *testEnv) mustHaveWritten(t *testing.T, n int) {
	t.Helper()
	for call, got := range map[string]int{
		"POST":   len(slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool { return !makesKey(r) })),
		"PATCH":  w.sandbox.Count(sandbox.Mystore, http.MethodPatch, credentialsCall),
		"DELETE": w.sandbox.Count(sandbox.Portal, http.MethodDelete, keyCall),
	} {
		if got != n {
			t.Errorf("%d × %s, want %d", got, call, n)
		}
	}
	writes := slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool { return r.Method == http.MethodGet || asksAgain(r) })
	if len(writes) != 3*n {
		t.Errorf("%d requests have written something, want %d", len(writes), 3*n)
	}
}

// makesKey tells whether a request has made a key.
func makesKey(r sandbox.Request) bool {
	return r.API == sandbox.Portal && r.Method == http.MethodPost && r.Status/100 == 2
}

// asksAgain tells whether a request for a key was an earlier run's, whose answer says what became of that one.
func asksAgain(r sandbox.Request) bool {
	return r.API == sandbox.Portal && r.Method == http.MethodPost && r.Status == http.StatusConflict
}

// mustBeSwitched expects every shop of the seed to take payments with a key of Kustom's, their stores to
// have no other keys than theirs and those that no shop used, and no promise to have been broken on
// the way.
func (w *testEnv) mustBeSwitched(t *testing.T, seed sandbox.Seed) {
	t.Helper()
	expected := unused(seed)
	for _, seeded := range seed.Shops {
		shop, _ := w.sandbox.Shop(seeded.Name)
		expected[shop.KustomID] = true
		if err := w.sandbox.PlaceOrder(seeded.Name); err != nil {
			t.Errorf("shop %s, holding %s, takes no payments: %v", seeded.Name, shop.KustomID, err)
		}
	}
	for _, shop := range seed.Shops {
		for _, key := range w.sandbox.Keys(shop.MerchantID) {
			if !expected[key.Username] || (key.Host != kustomHost && !unused(seed)[key.Username]) {
				t.Errorf("store %s has the key %s of %s", shop.MerchantID, key.Username, key.Host)
			}
		}
	}
	for _, v := range w.sandbox.Violations() {
		t.Errorf("violation: %v", v)
	}
}

// mustReportShops expects the report of the state to have one line for each shop, with the key that it holds.
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

// mustStoreNoSecret expects neither a key's secret nor a token in anything that Terraform has left
// behind, which these are among.
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
			t.Errorf("%s holds %d secrets", name, n)
		}
	}
}
