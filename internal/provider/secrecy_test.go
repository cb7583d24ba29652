package provider_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// leaks counts the secrets that are in a text.
func leaks(text string, secrets []string) int {
	n := 0
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			n++
		}
	}
	return n
}

// traced makes Terraform and the provider log all that they can, and returns where.
func traced(t *testing.T, w *testEnv) string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "trace.log")
	w.env = append(w.env, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
	return log
}

func read(t testing.TB, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestAccSecrets_StayInState_I2 switches three shops and looks for every secret and token in all that was printed and logged.
// The state and the plans made from it, where the new secrets are meant to be, show that they can be found.
func TestAccSecrets_StayInState_I2(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	s := newSearch(t, testEnvOptions{seed: &seed})
	s.w.useExample(t, wayPair, seed)
	s.planAndApply(t, "created")
	s.run(t, "to be replaced", 0, append(plannedApply[0], `-replace=kustom_api_key.checkout["M00412871"]`)...)
	for name, args := range map[string][]string{"state shown": {"show"}, "plan shown": {"show", savedPlan}} {
		s.seen[name+": output"] = s.w.terraform(t, args...).output
	}
	// The shops keep the new keys, which therefore can't be destroyed.
	s.run(t, "destroyed", 1, "destroy", "-auto-approve", "-input=false")
	for _, where := range []string{
		"created: terraform.tfstate", "created: show -json",
		"to be replaced: " + savedPlan + "!tfstate", "to be replaced: " + savedPlan + "!tfplan", "to be replaced: show -json of the plan",
	} {
		if s.found(where) != 1 {
			t.Errorf("no secret was found in %s", where)
		}
	}
	secrets := s.w.sandbox.Secrets()
	if n := leaks(s.seen["created: terraform.tfstate"], secrets); n != len(seed.Stores) {
		t.Errorf("%d secrets were found in the state, want the %d new ones", n, len(seed.Stores))
	}
	if s.found(": output") != 0 {
		t.Error("I2: a secret was printed")
	}
	s.mustHaveLogged(t, secrets)
	s.w.sandbox.wantViolations(t)
}

// echo is a vendor that repeats, in an answer, what it should not.
type echo struct {
	name, hcl string
	fault     sandbox.Fault
	// says is what shows that the answer was met.
	says string
}

// plantedSecret is one that only an echo has.
const plantedSecret = "kco_live_api_PLANTEDr8Tq2LmX"

func echoes(t *testing.T) []echo {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte(exampleUsername + ":" + exampleSecret))
	kustomSays := func(text string) string {
		return `{"error_code":"ODD","error_messages":["seen: ` + text + `"],"correlation_id":"c-1"}`
	}
	mystoreSays := func(text string) string {
		return `{"errors":[{"status":"422","code":"odd","title":"odd","detail":"seen: ` + text + `"}]}`
	}
	key := raw(keyOnly)(t)
	impatient := edit(t, pasted(t), versionOne, versionOne+"\n  timeouts { create = \"2s\" }")
	return []echo{
		{"portal repeats the token", key, sandbox.Fault{
			API: sandbox.Portal, Status: http.StatusUnauthorized, ContentType: "application/json", Body: kustomSays("example-token-admin"),
		}, "seen:"},
		{"portal repeats the token to a data source", integrationsHCL(t), sandbox.Fault{
			API: sandbox.Portal, Status: http.StatusForbidden, ContentType: "application/json", Body: kustomSays("example-token-admin"),
		}, "seen:"},
		{"portal's key can't be read", key, sandbox.Fault{
			API: sandbox.Portal, Method: http.MethodPost, Status: http.StatusCreated, ContentType: "application/json",
			Body: `{"credential_id": 5, "secret": "` + plantedSecret + `"}`,
		}, "not the expected JSON"},
		{"portal's key is cut short", key, sandbox.Fault{
			API: sandbox.Portal, Method: http.MethodPost, Kind: sandbox.FaultTruncate,
		}, "did not answer the request for an API key"},
		{"merchant API repeats the pair", impatient, sandbox.Fault{
			API: sandbox.Merchant, Status: http.StatusUnauthorized, ContentType: "application/json", Body: kustomSays(exampleSecret + " " + basic),
		}, "seen:"},
		{"merchant API repeats the pair in HTML", impatient, sandbox.Fault{
			API: sandbox.Merchant, Status: http.StatusForbidden, ContentType: "text/html", Body: exampleSecret,
		}, "firewall"},
		{"Mystore repeats the secret", pasted(t), sandbox.Fault{
			API: sandbox.Mystore, Method: http.MethodPatch, Status: http.StatusUnprocessableEntity, ContentType: "application/vnd.api+json",
			Body: mystoreSays(exampleSecret),
		}, "seen:"},
		{"Mystore repeats the token", pasted(t), sandbox.Fault{
			API: sandbox.Mystore, Status: http.StatusForbidden, ContentType: "application/vnd.api+json", Body: mystoreSays("example-token-nettbutikk"),
		}, "seen:"},
	}
}

// TestProvider_RedactsEchoedSecrets_I2 has the vendors repeat secrets and tokens in their answers, and expects
// none of them in the errors and logs.
func TestProvider_RedactsEchoedSecrets_I2(t *testing.T) {
	for _, e := range echoes(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			seed := exampleSeed()
			w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
			w.inProcess.log = new(bytes.Buffer)
			w.env = append(w.env, "TF_VAR_kustom_secret="+exampleSecret)
			w.write(t, "main.tf", e.hcl)
			w.write(t, "provider.tf", "provider \"kustom\" {\n  max_retries = 0\n}\n")
			armed := w.sandbox.Arm(e.fault)
			r := w.apply(t)
			if r.code == 0 || armed.Fired() == 0 || !words(e.says).MatchString(r.output) {
				t.Errorf("exit code %d, %d faults, output:\n%s", r.code, armed.Fired(), r.output)
			}
			secrets := append(w.sandbox.Secrets(), plantedSecret)
			if n := leaks(e.fault.Body, secrets); n == 0 && e.fault.Kind == sandbox.FaultAnswer {
				t.Error("the answer has no secret to repeat")
			}
			if n := leaks(r.output, secrets); n > 0 {
				t.Errorf("the output has %d secrets:\n%s", n, r.output)
			}
			logged := w.inProcess.log.String()
			if n := leaks(logged, secrets); n > 0 || !strings.Contains(logged, "vendor request") {
				t.Errorf("the log has %d secrets:\n%s", n, logged)
			}
		})
	}
}

// TestShop_HidesSecretInPlaceOfID_I2 corrects a shop in which somebody has swapped ID and secret. The secret is neither shown
// nor stored.
func TestShop_HidesSecretInPlaceOfID_I2(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayPair, wayConnection} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed})
			w.useExample(t, way, seed)
			w.mustApply(t)
			swapped := "kco_live_api_SWAPPEDn4T8vLq2ZsX6cWj9BfRk3Hd7Yp"
			w.sandbox.mustInstall("fjellsport", swapped, "M00412871-aB3dE")
			var shown strings.Builder
			for _, args := range [][]string{
				{"plan", "-input=false", "-out=saved.tfplan"}, {"show", "-json", "saved.tfplan"}, {"apply", "-refresh-only", "-auto-approve"},
			} {
				shown.WriteString(w.terraform(t, args...).output)
			}
			shown.WriteString(read(t, filepath.Join(w.dir, "terraform.tfstate")))
			if strings.Contains(shown.String(), swapped) {
				t.Error("I2: the secret is shown or stored")
			}
			if !strings.Contains(shown.String(), "secret") {
				t.Error("nobody is told what is wrong")
			}
			w.mustApply(t)
			w.mustBeEmpty(t)
			w.mustBeRight(t, seed, 0)
		})
	}
}
