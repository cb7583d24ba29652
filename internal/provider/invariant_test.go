package provider_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// importShops also imports the Mystore objects, after which Terraform 1.11.4 does not order the
// deletion of the old key after the update of the shop.
const importShops = `
import {
  for_each = var.stores
  provider = kustom
  to       = mystore_klarna_checkout_credentials.shop[each.key]
  id       = each.value
}`

// TestAccSwitch_WaitsForImportedShops_I1 migrates shops in an order in which Terraform deletes keys before their shops have
// new ones: with the default parallelism, and with one slot only, which a waiting deletion occupies.
func TestAccSwitch_WaitsForImportedShops_I1(t *testing.T) {
	t.Parallel()
	for _, parallelism := range []string{"10", "1"} {
		t.Run("parallelism "+parallelism, func(t *testing.T) {
			t.Parallel()
			const runs = 2
			// More than twice as many as Terraform has slots.
			shops := 24
			if byPages() {
				// Twenty of them are switched over pages elsewhere. Here it is the order that counts.
				shops = 5
			}
			seed := sandbox.FleetSeed(shops)
			w := newTestEnv(t, testEnvOptions{seed: &seed})
			w.useExample(t, "switch", seed)
			w.write(t, "import.tf", importShops)
			var last run
			for range runs {
				if last = w.apply(t, "-parallelism="+parallelism); last.code == 0 {
					break
				}
				mustBeOnlyHeldKeys(t, last.output)
			}
			if last.code != 0 {
				t.Fatalf("the migration did not converge in %d runs:\n%s", runs, last.output)
			}
			w.mustBeEmpty(t)
			w.mustBeRight(t, seed, 0)
		})
	}
}

var errorSummary = regexp.MustCompile(`Error: (.*)`)

// mustBeOnlyHeldKeys expects a failed run to have failed for the protection of keys only.
func mustBeOnlyHeldKeys(t *testing.T, output string) {
	t.Helper()
	for _, found := range errorSummary.FindAllStringSubmatch(output, -1) {
		if found[1] != "API key not deleted" && !strings.Contains(found[1], "is still held by") {
			t.Errorf("unexpected error %q in\n%s", found[1], output)
		}
	}
}

// TestKeyDelete_WaitsForShop_I1 deletes a key whose shop gets another one by hand during the wait.
func TestKeyDelete_WaitsForShop_I1(t *testing.T) {
	t.Parallel()
	clk := newHookedClock()
	w, key := oneKeyEnv(t, "10m", testEnvOptions{inProcess: true, clock: clk})
	byHand := w.sandbox.mustGenerate(key.MerchantID, "by hand")
	waits := 0
	clk.onSleep = func() {
		if waits++; waits == 3 {
			w.sandbox.mustInstall("fjellsport", byHand.Username, byHand.Secret)
		}
	}
	w.mustDestroy(t)
	if waits < 3 {
		t.Errorf("the run waited %d times: it ended before the shop got its key", waits)
	}
	if keys := w.sandbox.Keys(key.MerchantID); slices.ContainsFunc(keys, func(k sandbox.Key) bool { return k.Username == key.Username }) {
		t.Error("the key is still there")
	}
	w.sandbox.wantViolations(t)
}

// TestKeyDelete_RefusesKeyInUse_I1 destroys keys that a shop uses or may use. The error says why, and no key is deleted.
func TestKeyDelete_RefusesKeyInUse_I1(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want string
		arm        sandbox.Fault
		// moved says that the shop has got another key.
		moved bool
	}{
		{name: "the shop does not move on", want: "Shop fjellsport takes payments with it"},
		{name: "Mystore is unreachable", want: "Shop fjellsport, kaffebonna, ullogtre may use it, but the provider can't read that shop. 127.0.0.1",
			arm: sandbox.Fault{API: sandbox.Mystore, Kind: sandbox.FaultDrop}},
		{
			name: "the token of another shop has expired", moved: true,
			want: "Shop ullogtre may use it, but the provider can't read that shop. Mystore rejects the shop's token",
			arm: sandbox.Fault{
				API: sandbox.Mystore, Kind: sandbox.FaultAnswer, Status: http.StatusUnauthorized,
				Match: func(r sandbox.Request) bool { return r.Shop == "ullogtre" },
			},
		},
		{
			name: "a shop claims to have no credentials", want: "may use it, but the provider can't read that shop. Mystore rejects the request. Its reason is below.",
			arm: sandbox.Fault{
				API: sandbox.Mystore, Template: credentialsCall, Kind: sandbox.FaultAnswer, Status: http.StatusNotFound,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, key := oneKeyEnv(t, "1m", testEnvOptions{inProcess: true})
			if test.moved {
				w.moveBack(t, key)
			}
			if test.arm.API != "" {
				defer w.sandbox.Arm(test.arm).Disarm()
			}
			got := w.destroy(t)
			if got.code == 0 || !strings.Contains(unwrapped(got.output), test.want) {
				t.Errorf("exit code %d, want the error %q in\n%s", got.code, test.want, got.output)
			}
			w.sandbox.wantCount(t, 0, sandbox.Portal, http.MethodDelete, "")
			w.sandbox.mustTakePayments("fjellsport")
			if w.keysInState(t)[key.MerchantID]["username"] != key.Username {
				t.Error("the key is not in the state any more")
			}
			w.sandbox.wantViolations(t)
		})
	}
}

var framing = regexp.MustCompile(`\s*\n[│╷╵ ]*`)

// unwrapped undoes Terraform's wrapping of long lines.
func unwrapped(output string) string { return framing.ReplaceAllString(output, " ") }

// moveBack gives the shop of a oneKeyEnv the key that it had before.
func (w *testEnv) moveBack(t *testing.T, key sandbox.Key) {
	t.Helper()
	for _, other := range w.sandbox.Keys(key.MerchantID) {
		if other.CredentialID != key.CredentialID {
			w.sandbox.mustInstall("fjellsport", other.Username, other.Secret)
		}
	}
}

// oneKeyEnv returns an environment with a key that Terraform has generated, and that a person has installed in shop
// fjellsport.
func oneKeyEnv(t *testing.T, deleteTimeout string, o testEnvOptions) (*testEnv, sandbox.Key) {
	t.Helper()
	const merchantID = "M00412871"
	w := newTestEnv(t, o)
	w.write(t, "main.tf", requiredProviders+`
resource "kustom_api_key" "key" {
  merchant_id = "`+merchantID+`"
  timeouts {
    delete = "`+deleteTimeout+`"
  }
}`)
	w.mustApply(t)
	for _, key := range w.sandbox.Keys(merchantID) {
		if key.Username == w.keysInState(t)[merchantID]["username"] {
			w.sandbox.mustInstall("fjellsport", key.Username, key.Secret)
			return w, key
		}
	}
	t.Fatal("the key in the state does not exist")
	return nil, sandbox.Key{}
}

// TestProof_RetriesWhilePropagating_I1 installs keys that the merchant API accepts only some time after they were
// generated.
func TestProof_RetriesWhilePropagating_I1(t *testing.T) {
	t.Parallel()
	// One shop, and a clock that only moves when somebody waits: neither the wait of another shop nor a busy
	// machine lets the key propagate before it is tried.
	seed := sandbox.FleetSeed(1)
	clk := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed, clock: clk, sandbox: sandbox.Options{PropagationDelay: 20 * time.Second}})
	w.useExample(t, "switch", seed)
	w.mustApply(t)
	refused := slices.ContainsFunc(w.sandbox.Requests(), func(r sandbox.Request) bool {
		// The invented credentials, whose caller nobody knows, is always refused.
		return r.API == sandbox.Merchant && r.Caller != "" && r.Status == http.StatusUnauthorized
	})
	if !refused {
		t.Error("no proof was refused at first: the test shows nothing")
	}
	w.mustBeEmpty(t)
	w.mustBeRight(t, seed, 0)
}

// withKnownKey reports whether the request has the credentials of a key in the sandbox.
func withKnownKey(r sandbox.Request) bool { return r.Caller != "" }

// TestProof_FailureWritesNothing_I1 lets the proof fail in each way. No shop is written to, and the error names the reason.
func TestProof_FailureWritesNothing_I1(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want string
		fault      sandbox.Fault
	}{
		{
			name: "contract lacks the product", want: "Kustom says: ask sales.",
			fault: sandbox.Fault{
				Status: http.StatusForbidden, ContentType: "application/json",
				Body:  `{"error_code":"FORBIDDEN","error_messages":["ask sales"],"correlation_id":"c"}`,
				Match: withKnownKey,
			},
		},
		{name: "accepts everything", want: "The server at api_url is not Kustom's merchant API",
			fault: sandbox.Fault{Status: http.StatusNotFound, ContentType: "text/plain"}},
		{name: "no route", want: "The server at api_url is not Kustom's merchant API",
			fault: sandbox.Fault{Status: http.StatusNotFound, ContentType: "application/json", Body: `{"message":"no Route matched with those values"}`}},
		{name: "no route for the pair", want: "answer of Kustom's merchant API was inconclusive",
			fault: sandbox.Fault{Status: http.StatusNotFound, ContentType: "application/json", Match: withKnownKey, Body: `{"message":"no Route matched with those values"}`}},
		{name: "refused", want: "rejects this Kustom ID",
			fault: sandbox.Fault{Kind: sandbox.FaultAnswer, Status: http.StatusUnauthorized}},
		{name: "region firewall", want: "it accepts no requests from this region",
			fault: sandbox.Fault{Kind: sandbox.FaultAnswer, Status: http.StatusForbidden, ContentType: "text/html", Body: "<html></html>"}},
		{name: "unreachable", want: "answer of Kustom's merchant API was inconclusive", fault: sandbox.Fault{Kind: sandbox.FaultDrop}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
			w.useExample(t, "switch", seed)
			test.fault.API = sandbox.Merchant
			armed := w.sandbox.Arm(test.fault)
			got := w.apply(t)
			if got.code == 0 || !strings.Contains(unwrapped(got.output), test.want) {
				t.Errorf("exit code %d, want the error %q in\n%s", got.code, test.want, got.output)
			}
			w.sandbox.wantCount(t, 0, sandbox.Mystore, http.MethodPatch, "")
			for _, shop := range seed.Shops {
				w.sandbox.mustTakePayments(shop.Name)
			}
			armed.Disarm()
			// One object comes after the other here. An old key may have its turn before its shop has.
			if again := w.apply(t); again.code != 0 {
				mustBeOnlyHeldKeys(t, again.output)
			}
			w.mustApply(t)
			w.mustBeRight(t, seed, 0)
		})
	}
}

// TestKey_ReplacesLostSecret_I5 replaces a key whose secret is lost, by -replace and by terraform taint.
func TestKey_ReplacesLostSecret_I5(t *testing.T) {
	t.Parallel()
	const address = `kustom_api_key.checkout["M00412871"]`
	for _, test := range []struct {
		name    string
		prepare []string
		apply   []string
	}{
		{name: "replaced", apply: []string{"-replace=" + address}},
		{name: "tainted", prepare: []string{"taint", address}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
			w.useExample(t, "switch", seed)
			w.mustApply(t)
			before := w.keysInState(t)
			if test.prepare != nil {
				w.mustRun(t, test.prepare...)
			}
			w.sandbox.ResetRequests()
			w.mustApply(t, test.apply...)
			after := w.keysInState(t)
			if after["M00412871"]["username"] == before["M00412871"]["username"] {
				t.Error("no new key was generated")
			}
			if after["M00537204"]["username"] != before["M00537204"]["username"] {
				t.Error("another store's key was replaced as well")
			}
			mustHaveChangedInOrder(t, w, http.MethodPost, http.MethodPatch, http.MethodDelete)
			w.mustBeEmpty(t)
			w.mustBeRight(t, seed, 0)
		})
	}
}

// mustHaveChangedInOrder expects the servers to have seen these changing requests and no others.
func mustHaveChangedInOrder(t *testing.T, w *testEnv, want ...string) {
	t.Helper()
	var got []string
	for _, request := range w.sandbox.Requests() {
		if request.Method != http.MethodGet {
			got = append(got, request.Method)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the servers saw the changes %v, want %v", got, want)
	}
}

// TestPlan_ReadsKeysInPages_I7 connects fifty shops. No token is used more often than Mystore allows (I6). The plan
// after it reads the keys in pages for all of them (I7).
func TestPlan_ReadsKeysInPages_I7(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayPair, wayConnection} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const shops, few = 50, 3
				seed := sandbox.FleetSeed(shops)
				w := rehearse(t, testEnvOptions{seed: &seed}, way)
				w.mustApply(t)
				for _, request := range w.sandbox.Requests() {
					if request.Status == http.StatusTooManyRequests {
						t.Errorf("I6: %s %s was refused for too many requests", request.Method, request.Path)
					}
				}
				w.mustBeRight(t, seed, 0)
				w.sandbox.ResetRequests()
				w.mustBeEmpty(t)
				if n := w.sandbox.Count(sandbox.Portal, "", ""); n > 1+few {
					t.Errorf("I7: the plan asks the portal %d times, want at most %d", n, 1+few)
				}
				w.sandbox.wantCount(t, shops, sandbox.Mystore, "", "")
			})
		})
	}
}
