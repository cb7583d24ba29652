package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

func answered(api, method string, status int) sandbox.Fault {
	return sandbox.Fault{API: api, Method: method, Kind: sandbox.FaultAnswer, Status: status}
}

// TestConnectionCreate_FindsLostKey loses the answer to the request for a key. The state has what the next run needs to find
// that key.
func TestConnectionCreate_FindsLostKey(t *testing.T) {
	next := map[string]func(*testing.T, *connectionEnv){
		"applied": func(t *testing.T, w *connectionEnv) {
			w.mustApply(t)
			w.mustBeEmpty(t)
			w.mustHave(t, exampleUsername)
		},
		"destroyed": func(t *testing.T, w *connectionEnv) {
			w.mustDestroy(t)
			if got := w.usernames(); !slices.Equal(got, []string{exampleUsername, legacyUsername}) {
				t.Errorf("I3: the store has the keys %q", got)
			}
		},
		"untainted": func(t *testing.T, w *connectionEnv) {
			w.mustRun(t, "untaint", connectionAddress)
			w.mustApply(t)
			w.mustBeEmpty(t)
			w.mustHave(t, exampleUsername)
		},
	}
	for name, next := range next {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConnectionEnv(t, legacySeed("butikk"), sandbox.Options{})
			armed := w.sandbox.Arm(sandbox.Fault{API: sandbox.Portal, Method: http.MethodPost, Kind: sandbox.FaultLoseAnswer})
			r := w.apply(t)
			armed.Disarm()
			if r.code == 0 || len(w.usernames()) != 3 {
				t.Fatalf("exit code %d, keys %q:\n%s", r.code, w.usernames(), r.output)
			}
			next(t, w)
			w.sandbox.wantWorking(t, "butikk", "nettbutikk")
		})
	}
}

// TestConnection_AdviceNamesOnlyItsSettings expects no error of a connection to name a setting that connections do not have.
func TestConnection_AdviceNamesOnlyItsSettings(t *testing.T) {
	tests := map[string]struct {
		fault sandbox.Fault
		says  string
	}{
		"region firewall": {
			sandbox.Fault{API: sandbox.Merchant, Status: http.StatusForbidden, ContentType: "text/html", Body: "<html></html>"},
			"accepts no requests from this region",
		},
		"merchant API silent": {sandbox.Fault{API: sandbox.Merchant, Kind: sandbox.FaultDrop}, "answer of Kustom's merchant API was inconclusive"},
		"another shop can't be read": {
			sandbox.Fault{
				API: sandbox.Mystore, Kind: sandbox.FaultAnswer, Status: http.StatusUnauthorized,
				Match: func(r sandbox.Request) bool { return r.Shop == "nettbutikk" },
			},
			"was not deleted. Shop nettbutikk may use it, but the provider can't read that shop",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConnectionEnv(t, legacySeed("butikk"), sandbox.Options{})
			armed := w.sandbox.Arm(test.fault)
			r := w.apply(t)
			armed.Disarm()
			output := unwrapped(r.output)
			if !strings.Contains(output, test.says) {
				t.Errorf("want %q in\n%s", test.says, r.output)
			}
			for _, setting := range []string{"force_destroy", "verify"} {
				if strings.Contains(output, setting+" =") {
					t.Errorf("a connection has no %s:\n%s", setting, r.output)
				}
			}
		})
	}
}
