package mystorepages_test

import (
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// TestInstall_ReadsOutcome holds for everything that can become of the click: it is made once, and what is
// returned is what the shop holds, or says that nobody knows.
func TestInstall_ReadsOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind sandbox.FaultKind
		// written says that the shop holds the pair in the end, which the client then knows.
		written bool
	}{
		"signed out":            {kind: sandbox.FaultSignOut},
		"500":                   {kind: sandbox.FaultAnswer},
		"never answered":        {kind: sandbox.FaultSilence},
		"written, not answered": {kind: sandbox.FaultWorkThenSilence, written: true},
		"written, answer torn":  {kind: sandbox.FaultTruncate, written: true},
		"nothing is shown":      {kind: sandbox.FaultStay},
		"written, not shown":    {kind: sandbox.FaultWorkThenStay, written: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: 2 * short})
			b.arm(t, sandbox.Fault{Method: "POST", Template: "/data/extensions/{extension_id}/credentials", Kind: test.kind, Times: 1})
			username, secret := b.newKey(t, "M00537204")
			_, err := b.Client.Install(t.Context(), kaffebonna, username, secret)
			if (err == nil) != test.written || err != nil && !transport.IsUncertain(err) {
				t.Errorf("the error is %v", err)
			}
			if test.written {
				b.holds(t, kaffebonna, username, secret)
			} else {
				b.untouched(t, kaffebonna)
			}
		})
	}
}

// TestPages_WaitOnlyForWhatMayCome: what a shop holds is read for a while. What is about to be replaced, or is what was
// typed, is not.
func TestPages_WaitOnlyForWhatMayCome(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	if _, err := b.Credentials(t.Context(), kaffebonna); err != nil {
		t.Fatal(err)
	}
	b.waited()
	if _, err := b.Credentials(t.Context(), kaffebonna); err != nil {
		t.Fatal(err)
	}
	if got := b.waited(); got != browser.Settled {
		t.Errorf("a read waits for %v, want %v", got, browser.Settled)
	}
	username, secret := b.newKey(t, "M00537204")
	if _, err := b.Client.Install(t.Context(), kaffebonna, username, secret); err != nil {
		t.Fatal(err)
	}
	// The form, what was typed into it, the answer, the form loaded anew.
	const want = 4 * 300 * time.Millisecond
	if got := b.waited(); got != want {
		t.Errorf("a write waits for %v, want %v", got, want)
	}
	b.holds(t, kaffebonna, username, secret)
}

func TestClear_EmptiesTheShop(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	holds, err := b.Clear(t.Context(), kaffebonna)
	if err != nil || holds.KustomID != "" {
		t.Errorf("the shop holds %q: %v", holds.KustomID, err)
	}
	b.holds(t, kaffebonna, "", "")
	if holds, err := b.Credentials(t.Context(), kaffebonna); err != nil || holds.KustomID != "" {
		t.Errorf("the shop is taken to hold %q: %v", holds.KustomID, err)
	}
}

func TestExtension_ReadsShop(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	if extension, err := b.Extension(t.Context(), kaffebonna); err != nil || !extension.Active {
		t.Errorf("the extension is %+v: %v", extension, err)
	}
}
