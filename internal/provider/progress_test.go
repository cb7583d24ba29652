package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// recordIn makes the provider record its steps, and returns where.
func (w *testEnv) recordIn(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "progress.jsonl")
	w.configure(t, fmt.Sprintf("progress_file = %q", file))
	return file
}

// progressOf reads a progress file, and fails the test where a line can't be read.
func progressOf(t *testing.T, file string) []progress.Line {
	t.Helper()
	var lines []progress.Line
	for text := range strings.Lines(read(t, file)) {
		var line progress.Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

// stepsOf returns what the lines tell of a shop: the step and the outcome of each.
func stepsOf(lines []progress.Line, shop string) []string {
	var steps []string
	for _, line := range lines {
		if line.Shop == shop {
			steps = append(steps, string(line.Step)+" "+string(line.Outcome))
		}
	}
	return steps
}

// repeatingVendors refuse a call with an answer that repeats a token and a secret.
func repeatingVendors(token string) map[string]sandbox.Fault {
	kustomSays := `{"error_code":"ODD","error_messages":["seen: ` + token + `, ` + plantedSecret + `"],"correlation_id":"c-1"}`
	return map[string]sandbox.Fault{
		"portal, making a key": {
			API: sandbox.Portal, Method: http.MethodPost, Status: http.StatusUnauthorized, ContentType: "application/json", Body: kustomSays,
		},
		"merchant API": {API: sandbox.Merchant, Status: http.StatusUnauthorized, ContentType: "application/json", Body: kustomSays},
		"Mystore, taking a key": {
			API: sandbox.Mystore, Method: http.MethodPatch, Status: http.StatusUnprocessableEntity, ContentType: "application/json",
			Body: `{"errors":[{"status":"422","code":"odd","title":"odd","detail":"seen: ` + token + `, ` + plantedSecret + `"}]}`,
		},
	}
}

// TestProgressFile_RecordsSwitchWithoutSecret disturbs a switch by vendors that repeat tokens and secrets. A clean run follows.
// The file has all steps and no secret.
func TestProgressFile_RecordsSwitchWithoutSecret(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayPair, wayConnection, wayFleet} {
		for name := range repeatingVendors("") {
			t.Run(way+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { mustRecordFaultySwitch(t, way, name) })
			})
		}
	}
}

func mustRecordFaultySwitch(t *testing.T, way, vendor string) {
	t.Helper()
	seed := sandbox.ThreeShops()
	r := rehearse(t, testEnvOptions{seed: &seed}, way)
	file := r.recordIn(t)
	token := r.sandbox.Env("")["KUSTOM_PORTAL_TOKEN"]
	armed := r.sandbox.Arm(repeatingVendors(token)[vendor])
	faulty := r.apply(t)
	armed.Disarm()
	if armed.Fired() == 0 {
		t.Fatalf("the fault never happened:\n%s", faulty.output)
	}
	if !strings.Contains(read(t, file), "seen: (sensitive)") {
		t.Errorf("the file does not say what failed:\n%s", read(t, file))
	}
	r.mustApply(t)
	r.mustBeEmpty(t)
	r.mustTell(t, way, seed, file)
}

// mustTell fails the test unless the file tells of each shop's switch, and of no secret.
func (w *testEnv) mustTell(t *testing.T, way string, seed sandbox.Seed, file string) {
	t.Helper()
	lines := progressOf(t, file)
	if n := leaks(read(t, file), append(w.sandbox.Secrets(), plantedSecret)); n > 0 {
		t.Errorf("the file has %d secrets:\n%s", n, read(t, file))
	}
	for _, shop := range seed.Shops {
		want := []string{"shop started", "prove started", "prove done", "install started", "install done", "confirm done", "shop done"}
		if way != wayPair {
			want = append(want, "shop planned", "generate started", "generate done", "delete started", "delete done")
		}
		got := stepsOf(lines, shop.Name)
		for _, step := range want {
			if !slices.Contains(got, step) {
				t.Errorf("of shop %s the file lacks %q: it has %q", shop.Name, step, got)
			}
		}
	}
	for _, line := range lines {
		if line.Run == "" || line.MerchantID == "" || line.Time.IsZero() || line.Shop == "" && way != wayPair {
			t.Errorf("a line is %+v", line)
		}
	}
}

// TestProgressFile_RecordsSwitchOverPages expects the same steps as over the APIs.
func TestProgressFile_RecordsSwitchOverPages(t *testing.T) {
	t.Parallel()
	pagesOnly(t)
	browsertest.Need(t)
	seed := klarnasForm(loneShop())
	for _, way := range []string{wayPair, wayConnection} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := rehearseOnPages(t, seed, way, testEnvOptions{})
			file := r.recordIn(t)
			r.mustApply(t)
			r.mustTell(t, way, seed, file)
		})
	}
}

// TestProgressFile_FailsBeforeAnyRequest expects an error before any request if the file can't be written.
func TestProgressFile_FailsBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	r := rehearse(t, testEnvOptions{seed: &seed}, wayConnection)
	missing := filepath.Join(t.TempDir(), "missing", "progress.jsonl")
	r.configure(t, fmt.Sprintf("progress_file = %q", missing))
	got := r.apply(t)
	if got.code == 0 || !strings.Contains(got.output, "Progress file can't be written") || !strings.Contains(got.output, missing) {
		t.Errorf("the run ended with %d:\n%s", got.code, got.output)
	}
	if n := len(r.sandbox.Requests()); n > 0 {
		t.Errorf("the vendors have seen %d requests", n)
	}
}

// TestProgressFile_NeverFailsRotation removes the file during the switch. The shops are switched all the same.
func TestProgressFile_NeverFailsRotation(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	taken := new(fileRemover)
	r := rehearse(t, testEnvOptions{seed: &seed, carrier: taken}, wayFleet)
	taken.file = r.recordIn(t)
	r.mustApply(t)
	r.mustBeRight(t, seed, 0)
	if info, err := os.Stat(taken.file); err != nil || !info.IsDir() {
		t.Fatalf("the file was not taken away: %v", err)
	}
}

// fileRemover carries requests. At the first that makes a key, it puts a folder in the place of a file.
type fileRemover struct {
	pool http.RoundTripper
	file string
	once sync.Once
}

// take goes on until the folder is there: meanwhile another shop's step may have made the file anew.
func (h *fileRemover) take() {
	for {
		_ = os.Remove(h.file)
		if os.Mkdir(h.file, 0o700) == nil {
			return
		}
	}
}

func (h *fileRemover) over(pool http.RoundTripper) { h.pool = pool }

func (h *fileRemover) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		h.once.Do(h.take)
	}
	return h.pool.RoundTrip(req)
}
