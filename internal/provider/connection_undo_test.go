package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// mishap is something that goes wrong while a shop gets a key, for the whole of a run.
type mishap struct {
	fault sandbox.Fault
	// says is a part of the error or, where the run ends well, of the warning.
	says string
	// survived says that the shop gets its key all the same.
	survived bool
	// fails says that an update is an error all the same. A creation is not: Terraform would replace the shop's new key.
	fails bool
	// doubtful says that it is not certain what the shop holds.
	doubtful bool
	// course is what the servers see.
	course []string
}

func answered(api, method string, status int) sandbox.Fault {
	return sandbox.Fault{API: api, Method: method, Kind: sandbox.FaultAnswer, Status: status}
}

// afterWrite is a network that fails as soon as a shop has been written to.
func afterWrite() sandbox.Fault {
	var written atomic.Bool
	return sandbox.Fault{Kind: sandbox.FaultDrop, Match: func(r sandbox.Request) bool {
		if r.API == sandbox.Mystore && r.Method == http.MethodPatch {
			written.Store(true)
			return false
		}
		return written.Load()
	}}
}

// mishaps returns new ones: some are armed once only.
func mishaps() map[string]mishap {
	undone := []string{"make", "prove", "try invented credentials", "install", "delete"}
	return map[string]mishap{
		"proof refused": {fault: answered(sandbox.Merchant, "", http.StatusUnauthorized), says: "rejects this Kustom ID"},
		"write refused": {fault: answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity),
			says: "Mystore rejects the request", course: undone},
		"write not allowed": {fault: answered(sandbox.Mystore, http.MethodPatch, http.StatusForbidden),
			says: "does not allow this", course: undone},
		"answer to the write lost": {
			fault:    sandbox.Fault{API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultLoseAnswer},
			survived: true,
		},
		"write lost": {fault: sandbox.Fault{API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop},
			says: "The state keeps the key's ID", doubtful: true},
		"network lost after the write": {fault: afterWrite(), says: "The state keeps the key's ID", doubtful: true},
		"deletion refused": {fault: answered(sandbox.Portal, http.MethodDelete, http.StatusInternalServerError),
			says: "The next apply tries again", survived: true, fails: true},
	}
}

// TestConnectionCreate_RecoversFromFailure lets the first connection of a shop go wrong. The shop pays on; either
// nothing is left of the attempt or it is remembered; and the next run puts all right.
func TestConnectionCreate_RecoversFromFailure(t *testing.T) {
	for name, m := range mishaps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConnectionEnv(t, legacySeed("butikk"), sandbox.Options{})
			before := w.usernames()
			w.mustGoWrong(t, m, m.survived)
			if !m.survived && !m.doubtful {
				if got := w.usernames(); !slices.Equal(got, before) {
					t.Errorf("I3: the stores have the keys %q, had %q", got, before)
				}
				if got := w.state(t); len(got) != 0 {
					t.Errorf("the state has %+v", got)
				}
				if held := w.holds(t, "butikk"); held != legacyUsername {
					t.Errorf("the shop holds %s", held)
				}
			}
			w.mustRecover(t, m, legacyUsername)
		})
	}
}

// TestConnectionUpdate_RecoversFromFailure lets a rotation go wrong in the same ways.
func TestConnectionUpdate_RecoversFromFailure(t *testing.T) {
	for name, m := range mishaps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConnected(t)
			first := w.holds(t, "butikk")
			before := w.usernames()
			w.use(t, rotated(t, w.hcl))
			w.mustGoWrong(t, m, m.survived && !m.fails)
			if !m.survived {
				if inState := w.keysInState(t)[exampleStore]["username"]; inState != first {
					t.Errorf("the state has the key %v, want the old one, %s", inState, first)
				}
			}
			if !m.survived && !m.doubtful {
				if got := w.usernames(); !slices.Equal(got, before) {
					t.Errorf("I3: the stores have the keys %q, had %q", got, before)
				}
				w.mustHave(t, exampleUsername)
			}
			w.mustRecover(t, m, first)
			if w.holds(t, "butikk") == first {
				t.Error("the shop still has its old key")
			}
		})
	}
}

// mustGoWrong applies with the mishap, which ends well or not.
func (w *connectionEnv) mustGoWrong(t *testing.T, m mishap, well bool) {
	t.Helper()
	w.sandbox.ResetRequests()
	armed := w.sandbox.Arm(m.fault)
	r := w.apply(t)
	armed.Disarm()
	if armed.Fired() == 0 {
		t.Fatalf("the fault never happened:\n%s", r.output)
	}
	if (r.code == 0) != well || !strings.Contains(unwrapped(r.output), m.says) {
		t.Errorf("exit code %d, want %q in\n%s", r.code, m.says, r.output)
	}
	if got := course(w.sandbox.Requests()); m.course != nil && !slices.Equal(got, m.course) {
		t.Errorf("the servers saw %q, want %q", got, m.course)
	}
	w.sandbox.mustTakePayments("butikk")
	w.sandbox.wantViolations(t)
}

// mustRecover expects one clean run to put everything right. Old is the key that the shop had.
func (w *connectionEnv) mustRecover(t *testing.T, m mishap, old string) {
	t.Helper()
	got := w.plan(t)
	leftBehind := m.survived && slices.Contains(w.usernames(), old)
	switch {
	case leftBehind:
		if want := (planOf{actions: "update", reason: unfinished, toDelete: []string{old}}); !slices.Equal(got.toDelete, want.toDelete) ||
			got.actions != want.actions || got.reason != want.reason || got.kept != nil {
			t.Errorf("the plan is %+v, want %+v", got, want)
		}
	case m.survived:
		if got.actions != "no-op" {
			t.Errorf("the plan is %+v", got)
		}
	case len(got.toDelete) == 0:
		t.Errorf("the plan is %+v: it does not replace what the shop holds", got)
	}
	if names := slices.Sorted(slices.Values(got.toDelete)); len(slices.Compact(names)) != len(got.toDelete) {
		t.Errorf("the plan replaces %q: one of them twice", got.toDelete)
	}
	w.mustApplySaved(t)
	w.mustBeEmpty(t)
	w.mustHave(t, exampleUsername)
}

// TestConnectionCreate_FindsLostKey has the portal make a key and never say so. The state keeps what is needed to
// find it, whatever is run next.
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
			for _, shop := range []string{"butikk", "nettbutikk"} {
				w.sandbox.mustTakePayments(shop)
			}
			w.sandbox.wantViolations(t)
		})
	}
}

// TestConnection_AdviceNamesOnlyItsSettings expects no error of a connection to name a setting that it does not have.
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
