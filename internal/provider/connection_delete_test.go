package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestConnectionDelete_RetainsShopAndKey leaves shop and key as they are, and says so.
func TestConnectionDelete_RetainsShopAndKey(t *testing.T) {
	t.Parallel()
	w := newConnected(t)
	key := w.holds(t, "butikk")
	r := w.destroy(t)
	if r.code != 0 || !strings.Contains(unwrapped(r.output), "The provider left shop butikk and its key "+key+" as they are") {
		t.Errorf("exit code %d:\n%s", r.code, r.output)
	}
	w.mustBeUntouched(t)
	if len(w.state(t)) != 0 || w.holds(t, "butikk") != key || !slices.Contains(w.usernames(), key) {
		t.Errorf("the shop holds %s, the state has %v", w.holds(t, "butikk"), w.state(t))
	}
	w.sandbox.wantWorking(t, "butikk")
}

// newClearing returns an environment with a connection whose destruction clears the shop.
func newClearing(t *testing.T) *connectionEnv {
	t.Helper()
	w := newConnectionEnv(t, exampleSeed(), sandbox.Options{})
	w.use(t, setting(t, `deletion_policy = "clear"`))
	w.mustApply(t)
	w.sandbox.ResetRequests()
	return w
}

// TestConnectionDelete_ClearsShopBeforeItsKey empties the shop, and only then deletes its key.
func TestConnectionDelete_ClearsShopBeforeItsKey(t *testing.T) {
	t.Parallel()
	w := newClearing(t)
	w.mustDestroy(t)
	mustHaveChangedInOrder(t, w.testEnv, http.MethodPatch, http.MethodDelete)
	if held := w.holds(t, "butikk"); held != "" {
		t.Errorf("the shop still holds %s", held)
	}
	if got := w.usernames(); !slices.Equal(got, []string{exampleUsername}) {
		t.Errorf("the stores have the keys %q", got)
	}
	w.sandbox.wantViolations(t, sandbox.ViolationShopCleared)
}

// TestConnectionDelete_ResumesAfterFailure fails in the middle of a destroy. The next destroy continues.
func TestConnectionDelete_ResumesAfterFailure(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"shop not cleared": answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden),
		"key not deleted":  answered(sandbox.Portal, http.MethodDelete, http.StatusForbidden),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newClearing(t)
			key := w.holds(t, "butikk")
			armed := w.sandbox.Arm(fault)
			r := w.destroy(t)
			armed.Disarm()
			if r.code == 0 || !slices.Contains(w.usernames(), key) || w.keysInState(t)[exampleStore]["username"] != key {
				t.Errorf("exit code %d, keys %q, state %v:\n%s", r.code, w.usernames(), w.keysInState(t), r.output)
			}
			w.mustDestroy(t)
			if slices.Contains(w.usernames(), key) || w.holds(t, "butikk") != "" || len(w.state(t)) != 0 {
				t.Errorf("the shop holds %q, the stores have the keys %q", w.holds(t, "butikk"), w.usernames())
			}
			w.sandbox.wantViolations(t, sandbox.ViolationShopCleared)
		})
	}
}

// TestConnectionDelete_KeepsKeyOfAnotherShop keeps the key of a cleared shop while another shop uses it.
func TestConnectionDelete_KeepsKeyOfAnotherShop(t *testing.T) {
	t.Parallel()
	w := newClearing(t)
	key := w.sandbox.Keys(exampleStore)[1]
	w.sandbox.mustInstall("nettbutikk", key.Username, key.Secret)
	r := w.destroy(t)
	output := unwrapped(r.output)
	if r.code == 0 || !strings.Contains(output, "Shop nettbutikk takes payments with it") {
		t.Errorf("exit code %d:\n%s", r.code, r.output)
	}
	if strings.Contains(output, "force_destroy") {
		t.Error("the error names force_destroy, which a connection does not have")
	}
	w.sandbox.mustTakePayments("nettbutikk")
	w.sandbox.byHand("nettbutikk", exampleStore)
	if r := w.destroy(t); r.code != 0 || slices.Contains(w.usernames(), key.Username) {
		t.Errorf("exit code %d, keys %q:\n%s", r.code, w.usernames(), r.output)
	}
	w.sandbox.wantViolations(t, sandbox.ViolationShopCleared)
}

// TestConnection_ReplacementLeavesOneKey replaces the connection of a shop. Then the shop takes payments with the only new key,
// which is in the state.
func TestConnection_ReplacementLeavesOneKey(t *testing.T) {
	first := "lifecycle {\n    create_before_destroy = true\n  }"
	tests := map[string]string{
		"retain":             "",
		"retain, first made": first,
		"clear":              `deletion_policy = "clear"`,
		"clear, first made":  "deletion_policy = \"clear\"\n  " + first,
	}
	for name, lines := range tests {
		for _, way := range []string{"replaced", "tainted"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				w := newConnectionEnv(t, exampleSeed(), sandbox.Options{})
				w.use(t, setting(t, lines))
				w.mustApply(t)
				old := w.holds(t, "butikk")
				args := []string{"-replace=" + connectionAddress}
				if way == "tainted" {
					w.mustRun(t, "taint", connectionAddress)
					args = nil
				}
				w.mustApply(t, args...)
				w.mustBeEmpty(t)
				w.sandbox.mustTakePayments("butikk")
				held := w.holds(t, "butikk")
				if got, want := w.usernames(), []string{exampleUsername, held}; !slices.Equal(got, want) || held == old {
					t.Errorf("the stores have the keys %q, want %q", got, want)
				}
				if inState := w.keysInState(t)[exampleStore]["username"]; inState != held {
					t.Errorf("the shop uses %s, in the state is %v", held, inState)
				}
			})
		}
	}
}

// TestConnectionDelete_CleansUpFailedCreate destroys what a failed apply has left. No key of the attempt is left, and the shop
// keeps its key.
func TestConnectionDelete_CleansUpFailedCreate(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"write lost":       {API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop},
		"deletion refused": answered(sandbox.Portal, http.MethodDelete, http.StatusInternalServerError),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConnectionEnv(t, legacySeed("butikk"), sandbox.Options{})
			armed := w.sandbox.Arm(fault)
			w.apply(t)
			armed.Disarm()
			w.mustDestroy(t)
			if got, want := w.usernames(), []string{exampleUsername, w.holds(t, "butikk")}; !slices.Equal(got, want) {
				t.Errorf("the stores have the keys %q, want %q", got, want)
			}
			w.sandbox.wantWorking(t, "butikk")
		})
	}
}
