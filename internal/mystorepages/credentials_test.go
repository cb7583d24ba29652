package mystorepages_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// If the answer to the click is missing, the client reads what the shop has installed, or returns an uncertain error.
func TestInstall_ReadsOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind sandbox.FaultKind
		// written reports that the shop has the new pair in the end.
		written bool
	}{
		"signed out at the click":   {kind: sandbox.FaultSignOut},
		"server error":              {kind: sandbox.FaultAnswer},
		"never answered":            {kind: sandbox.FaultSilence},
		"written, not answered":     {kind: sandbox.FaultWorkThenSilence, written: true},
		"written, answer truncated": {kind: sandbox.FaultTruncate, written: true},
		"nothing is shown":          {kind: sandbox.FaultStay},
		"written, not shown":        {kind: sandbox.FaultWorkThenStay, written: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{timeout: 2 * short})
			e.InjectFault(t, sandbox.Fault{Method: "POST", Template: "/data/extensions/{extension_id}/credentials", Kind: test.kind, Times: 1})
			before := e.shop(t, kaffebonna)
			username, secret := e.generateKey(t, kaffebonnaStore)
			_, err := e.Install(t.Context(), kaffebonna, username, secret)
			if (err == nil) != test.written || err != nil && !transport.IsUncertain(err) {
				t.Errorf("the error is %v", err)
			}
			if test.written {
				e.wantPair(t, kaffebonna, username, secret)
			} else {
				if after := e.shop(t, kaffebonna); !reflect.DeepEqual(after, before) {
					t.Errorf("the shop changes to %+v", after)
				}
				e.WantNoViolations(t)
			}
		})
	}
}

// Installed credentials count once the page has settled. Before a write, and for typed text, a short wait is enough.
func TestPages_WaitNoLongerThanNeeded(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{})
	if _, err := e.Credentials(t.Context(), kaffebonna); err != nil {
		t.Fatal(err)
	}
	e.waits.Reset()
	if _, err := e.Credentials(t.Context(), kaffebonna); err != nil {
		t.Fatal(err)
	}
	if n, quiet := e.waits.Reset(); n != 1 || quiet != browser.Settled {
		t.Errorf("a read takes %d waits of %v, want 1 of %v", n, quiet, browser.Settled)
	}
	username, secret := e.generateKey(t, kaffebonnaStore)
	if _, err := e.Install(t.Context(), kaffebonna, username, secret); err != nil {
		t.Fatal(err)
	}
	// The form, the typed text, the answer, the form after another load.
	const want = 4 * 300 * time.Millisecond
	if _, quiet := e.waits.Reset(); quiet != want {
		t.Errorf("a write waits %v, want %v", quiet, want)
	}
	e.wantPair(t, kaffebonna, username, secret)
}

func TestClear_ClearsShop(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{})
	holds, err := e.Clear(t.Context(), kaffebonna)
	if err != nil || holds.KustomID != "" {
		t.Errorf("Clear returns the Kustom ID %q: %v", holds.KustomID, err)
	}
	e.wantPair(t, kaffebonna, "", "")
	if holds, err := e.Credentials(t.Context(), kaffebonna); err != nil || holds.KustomID != "" {
		t.Errorf("the Kustom ID is read as %q: %v", holds.KustomID, err)
	}
}

func TestExtension_ReadsShop(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{})
	if extension, err := e.Extension(t.Context(), kaffebonna); err != nil || !extension.Active {
		t.Errorf("the extension is %+v: %v", extension, err)
	}
}
