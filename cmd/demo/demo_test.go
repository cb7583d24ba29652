package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

func TestReadPlan_CountsChanges(t *testing.T) {
	const content = `{"resource_changes": [
		{"type": "kustom_mystore_connection", "change": {"actions": ["create"], "after": {"previous_username": "PM2-b", "keys_to_delete": [{"username": "PM2-b"}]}}},
		{"type": "kustom_mystore_connection", "change": {"actions": ["create"], "after": {"previous_username": "PM1-a", "keys_to_delete": [{"username": "PM1-a"}]}}},
		{"type": "kustom_legacy_integrations", "change": {"actions": ["read"]}},
		{"type": "kustom_mystore_connection", "change": {"actions": ["no-op"]}}
	]}`
	s, err := readPlan([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"PM1-a", "PM2-b"}; !slices.Equal(s.replaced, want) || !slices.Equal(s.deleted, want) || s.other != 0 {
		t.Errorf("replaced %q, deleted %q, other %d, want %q twice and 0", s.replaced, s.deleted, s.other, want)
	}
}

func TestReadPlan_CountsOtherChanges(t *testing.T) {
	for _, content := range []string{
		`{"resource_changes": [{"type": "kustom_mystore_connection", "change": {"actions": ["delete", "create"]}}]}`,
		`{"resource_changes": [{"type": "kustom_mystore_connection", "change": {"actions": ["delete"]}}]}`,
		`{"resource_changes": [{"type": "kustom_api_key", "change": {"actions": ["create"]}}]}`,
	} {
		s, err := readPlan([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if s.other != 1 || len(s.replaced) > 0 {
			t.Errorf("%s: replaced %q, other %d, want none and 1", content, s.replaced, s.other)
		}
	}
}

func TestReadPlan_RefusesOtherText(t *testing.T) {
	if _, err := readPlan([]byte("Error: no such file")); err == nil {
		t.Error("no error")
	}
}

func TestArgs_TurnsColorsOff(t *testing.T) {
	args := []string{"plan", "-out=p"}
	if got := (terraform{}).args(args); !slices.Equal(got, []string{"plan", "-no-color", "-out=p"}) {
		t.Errorf("without colors: %q", got)
	}
	if got := (terraform{color: true}).args(args); !slices.Equal(got, args) {
		t.Errorf("with colors: %q", got)
	}
}

// The pages stay open until the interrupt, and their links do not count as leaked secrets.
func TestShowPages_WaitsForInterrupt(t *testing.T) {
	s, server := sandboxtest.Start(t, sandbox.ThreeShops(), sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var screen bytes.Buffer
	d := &demo{out: newPrinter(&screen, false), sandbox: s, server: server, keep: true, screen: &screen}
	steps := d.steps()
	cancel()
	if err := steps[len(steps)-2].do(ctx); err != nil || !d.looked {
		t.Errorf("the pages were shown: %t, %v", d.looked, err)
	}
	for _, want := range []string{server.PortalPagesURL() + "/", server.MystoreAdminURL("fjellsport")} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("no %s in %s", want, screen.String())
		}
	}
	if n := d.out.leaks(s.Secrets()); n != 0 {
		t.Errorf("%d leaks", n)
	}
}

func TestPrinter_FindsLeaks(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out, false)
	p.say("kustom_secret = (sensitive value)")
	secrets := []string{"secret-1", "token-1"}
	if n := p.leaks(secrets); n != 0 {
		t.Errorf("%d leaks in output without secrets", n)
	}
	p.say("secret = secret-1, token = token-1")
	if n := p.leaks(secrets); n != 2 {
		t.Errorf("%d leaks, want 2", n)
	}
}

func TestPrinter_SummarizesChecks(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out, false)
	if err := p.check("this holds", nil); err != nil {
		t.Errorf("a check that passes: %v", err)
	}
	if err := p.check("this does not", equal(1, 2)); err == nil {
		t.Error("a check that fails has no error")
	}
	if want := []string{"this holds"}; !slices.Equal(p.checks, want) {
		t.Errorf("the summary has %q, want %q", p.checks, want)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("the output has colors")
	}
}

func TestNewWorkspace_MirrorsBothRegistries(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	provider, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorkspace(provider)
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{
		"mirror/registry.terraform.io/storefront-iac/kustom/0.1.0/*/terraform-provider-kustom_v0.1.0*",
		"mirror/registry.opentofu.org/storefront-iac/kustom/0.1.0/*/terraform-provider-kustom_v0.1.0*",
		"connections/main.tf",
		"inventory/data-source.tf",
	} {
		found, err := filepath.Glob(filepath.Join(w.dir, filepath.FromSlash(pattern)))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: found %q, %v", pattern, found, err)
		}
	}
}

func TestNewWorkspace_LeavesNothingWhenItFails(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if _, err := newWorkspace(filepath.Join(tmp, "missing")); err == nil {
		t.Error("no error")
	}
	if found, _ := filepath.Glob(filepath.Join(tmp, "*")); len(found) > 0 {
		t.Errorf("left behind: %q", found)
	}
}
