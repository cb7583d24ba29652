package provider_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccReport_TellsOfPlanAndState reports on a plan of an example and on the state after it, as the Terraform under test prints them.
func TestAccReport_TellsOfPlanAndState(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		example     string
		plan, state string
		// says is in the plan's report.
		says string
	}{
		{
			"connections",
			"Plan for 3 shops: 3 get a new key; 3 keys deleted now; nothing needs attention",
			"State of 3 shops: 3 done; nothing needs attention",
			"| fjellsport | `M00412871` | new key | `M00412871-qT7vA` → *new* | the shop uses M00412871-qT7vA, a key of api.klarna.com | `M00412871-qT7vA` |",
		},
		{
			"waves",
			"Plan for 1 shop: 1 gets a new key; 1 key deleted later; nothing needs attention",
			"State of 1 shop: 1 waiting; 1 key deleted later; 1 needs attention",
			"later: `M00412871-qT7vA` (waits for: no use of the key for 24h)",
		},
		{
			"switch",
			"Plan for 3 shops: 3 get a new key; 3 keys deleted now; nothing needs attention",
			"State of 3 shops: 3 done; nothing needs attention",
			"`M00412871-qT7vA` (last used ",
		},
	} {
		t.Run(test.example, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, way: waysAPIs}).checkOut(t, test.example)
			if got := w.terraform(t, "plan", "-input=false", "-no-color", "-out="+savedPlan); got.code != 0 {
				t.Fatal(got.output)
			}
			w.mustReport(t, []string{test.plan, test.says}, savedPlan)
			w.mustApplySaved(t)
			w.mustReport(t, []string{test.state})
		})
	}
}

// mustReport expects the report of what show -json prints to say something, and no secret.
func (w *testEnv) mustReport(t *testing.T, want []string, args ...string) {
	t.Helper()
	shown := w.terraform(t, append([]string{"show", "-json"}, args...)...)
	r, err := report.Read(strings.NewReader(shown.output))
	if err != nil {
		t.Fatalf("%v:\n%s", err, shown.output)
	}
	var text, page bytes.Buffer
	if err := errors.Join(r.Markdown(&text), r.HTML(&page)); err != nil {
		t.Fatal(err)
	}
	for _, want := range want {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, &text)
		}
	}
	if n := leaks(text.String()+page.String(), w.sandbox.Secrets()); n > 0 {
		t.Errorf("the report shows %d secrets", n)
	}
}
