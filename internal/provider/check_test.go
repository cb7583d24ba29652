package provider_test

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// checked is what came of a check.
type checked struct {
	*sandbox.Sandbox
	ready       bool
	out, report string
}

// checkSetup is what a test may change before the check.
type checkSetup struct {
	*sandbox.Sandbox
	env map[string]string
	*provider.CheckOptions
}

// checkOn checks a sandbox, reached in a way, and expects it to be as before.
func checkOn(t *testing.T, way string, seed sandbox.Seed, so sandbox.Options, change func(*checkSetup)) checked {
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
		change(&checkSetup{s, env, &o})
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

// TestCheck_IsReadyByEachWay checks the vendors by their APIs, their pages and both. The check says what it has seen.
func TestCheck_IsReadyByEachWay(t *testing.T) {
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
			if way == waysPages {
				c.says(t, `"Generate new"`, `"Key ID"`, "opens its menu", `"Credentials"`, `"Update ID and Secret"`, `"Kustom Secret"`)
			}
			if strings.Contains(c.out, "MISMATCH") {
				t.Error("it sees a mismatch")
			}
		})
	}
}

// TestCheck_GivesWordsToPaste renames a button. The check prints the block with the new word, and is ready with that block.
func TestCheck_GivesWordsToPaste(t *testing.T) {
	t.Parallel()
	rename := func(o *checkSetup) {
		o.Arm(sandbox.Fault{API: sandbox.PortalPages, Kind: sandbox.FaultRename, Times: 1000, Rename: map[string]string{"Generate new": "Generate secret key"}})
	}
	c := checkOn(t, waysPages, sandbox.ThreeShops(), sandbox.Options{}, rename)
	if c.ready {
		t.Error("it is ready")
	}
	c.says(t, `MISSING  a button, link or menu item "Generate new"; the nearest names there: "Generate secret key"`,
		"browser {\n  labels = {\n    \"portal.generate_new\" = \"Generate secret key\" # or", "Not ready. Nothing was changed.")
	c = checkOn(t, waysPages, sandbox.ThreeShops(), sandbox.Options{}, func(o *checkSetup) {
		rename(o)
		o.Labels = map[string]string{"portal.generate_new": "Generate secret key"}
	})
	if !c.ready {
		t.Errorf("with the word, it is not ready:%s", c.out)
	}
}

// TestCheck_GivesAddressToPaste moves a control panel to another host. The check prints the block with the new address.
func TestCheck_GivesAddressToPaste(t *testing.T) {
	t.Parallel()
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<h1>Fjellsport</h1>")
	}))
	t.Cleanup(moved.Close)
	// Another host, as a shop's own domain is: what is on another port of the same host is never asked.
	elsewhere := strings.Replace(moved.URL, "127.0.0.1", "localhost", 1)
	old := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusFound))
	t.Cleanup(old.Close)
	c := checkOn(t, waysMixed, sandbox.ThreeShops(), sandbox.Options{}, func(o *checkSetup) {
		delete(o.env, "MYSTORE_TOKENS")
		delete(o.env, "MYSTORE_ADMIN_URLS")
		o.Timeout, o.AdminURLs = "5s", map[string]string{"fjellsport": old.URL + "/kontrollpanel"}
		o.env["MYSTORE_LOGINS"] = `{"fjellsport": {"email": "owner@fjellsport.example", "password": "x"}}`
	})
	c.says(t, "browser {\n  mystore_admin_urls = {\n    \"fjellsport\" = \""+elsewhere+"/kontrollpanel\"\n  }\n}\n")
}

// TestCheck_SaysWhyItIsNotReady expects the check to name shops that would take payments for another merchant, and users
// without access.
func TestCheck_SaysWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	impostor := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(impostor.Close)
	for name, test := range map[string]struct {
		way      string
		seed     func(*sandbox.Seed)
		expected map[string]string
		change   func(*checkSetup)
		says     []string
	}{
		"swapped": {seed: func(s *sandbox.Seed) {
			a, b := &s.Shops[0], &s.Shops[1]
			a.KustomID, b.KustomID, a.KustomSecret, b.KustomSecret = b.KustomID, a.KustomID, b.KustomSecret, a.KustomSecret
			a.MerchantID, b.MerchantID = "", ""
		}, says: []string{
			"MISMATCH: shop fjellsport has a key of store M00537204 (Kaffebønna), but store M00412871 (Fjellsport) has a " +
				"similar name",
		}},
		"expected": {expected: map[string]string{"fjellsport": "M00698335", "kaffebonna": "M00537204"}, says: []string{
			"MISMATCH: shop fjellsport has a key of store M00412871 (Fjellsport), but must belong to store M00698335 (Ull og Tre)",
		}},
		"expected and unknown": {expected: map[string]string{"nowhere": "M00412871"}, says: []string{"Shop nowhere"}},
		"shared": {seed: func(s *sandbox.Seed) {
			s.Shops[2].KustomID, s.Shops[2].KustomSecret, s.Shops[2].MerchantID = s.Shops[0].KustomID, s.Shops[0].KustomSecret, ""
		}, says: []string{"MISMATCH: shops fjellsport and ullogtre both have a key of store M00412871"}},
		"unseen": {seed: func(s *sandbox.Seed) { s.Users[0].Stores = []string{"M00412871", "M00698335"} }, says: []string{
			"MISMATCH: shop kaffebonna has a key of store M00537204, which the signed-in user of Kustom Portal can't see",
		}},
		"no rights by API": {seed: func(s *sandbox.Seed) { s.Users[0].Role = sandbox.RoleStaff }, says: []string{"failed"}},
		"nobody signed in": {way: waysPages, change: func(o *checkSetup) {
			delete(o.env, "KUSTOM_PORTAL_SESSION")
			delete(o.env, "MYSTORE_SESSIONS")
		}, says: []string{"Nobody has signed in to Kustom Portal", "login", "Shops\n  failed   no shop is known"}},
		"impostor": {change: func(o *checkSetup) { o.env["KUSTOM_API_URL"] = impostor.URL }, says: []string{"failed   whether it refuses a wrong secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			if test.seed != nil {
				test.seed(&seed)
			}
			c := checkOn(t, cmp.Or(test.way, waysAPIs), seed, sandbox.Options{}, func(o *checkSetup) {
				o.Expected = test.expected
				if test.change != nil {
					test.change(o)
				}
			})
			if c.ready {
				t.Error("it is ready")
			}
			c.says(t, test.says...)
		})
	}
}

// TestCheck_RefusesBadSettings expects the errors that a plan has for the same settings.
func TestCheck_RefusesBadSettings(t *testing.T) {
	t.Parallel()
	_, err := provider.Check(t.Context(), provider.Options{Getenv: func(string) string { return "" }},
		provider.CheckOptions{Environment: "moon", Labels: map[string]string{"portal.nothing": "x"}, Out: &bytes.Buffer{}})
	if err == nil || !strings.Contains(err.Error(), "Unknown environment") || !strings.Contains(err.Error(), "Unknown label") {
		t.Errorf("the error is %v", err)
	}
}

// TestCheck_WarnsAsPlanDoes has a file of tokens that others can read. The check warns and goes on, as a plan does.
func TestCheck_WarnsAsPlanDoes(t *testing.T) {
	t.Parallel()
	c := checkOn(t, waysAPIs, sandbox.ThreeShops(), sandbox.Options{}, func(o *checkSetup) {
		file := filepath.Join(t.TempDir(), "tokens.json")
		if err := os.WriteFile(file, []byte(o.env["MYSTORE_TOKENS"]), 0o644); err != nil {
			t.Fatal(err)
		}
		delete(o.env, "MYSTORE_TOKENS")
		o.env["MYSTORE_TOKENS_FILE"] = file
	})
	if !c.ready {
		t.Error("it is not ready")
	}
	c.says(t, "File of Mystore tokens is readable by others", "chmod 600")
}

// TestCheck_ReportHoldsNoValue looks in the report for everything that the sandbox knows.
func TestCheck_ReportHoldsNoValue(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	c := checkOn(t, waysPages, seed, sandbox.Options{}, nil)
	for _, want := range []string{"Kustom Portal", "table", "columnheader “Key ID”", "Generate new", "Update ID and Secret"} {
		if !strings.Contains(c.report, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	var values []string
	for _, user := range seed.Users {
		values = append(values, user.Email, user.Token)
	}
	for _, store := range seed.Stores {
		values = append(values, store.MerchantID, store.Name, store.Website)
		for _, key := range c.Keys(store.MerchantID) {
			values = append(values, key.Username, key.Secret, key.CredentialID)
		}
	}
	for _, shop := range seed.Shops {
		values = append(values, shop.Name, shop.KustomSecret, "owner@"+shop.Name)
	}
	for _, value := range values {
		if value != "" && strings.Contains(strings.ToLower(c.report), strings.ToLower(value)) {
			t.Errorf("the report has %q", value)
		}
	}
	if lines := strings.Count(c.report, "\n"); lines > 700 {
		t.Errorf("the report has %d lines", lines)
	}
	if t.Failed() {
		t.Log(c.report)
	}
}
