package provider_test

import (
	"archive/zip"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// everything returns the content of all files that Terraform has left in the working directory, and of the files in saved
// plans, which are archives. Text that is encoded in base64, as private state is, is added decoded.
func (w *testEnv) everything(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(w.dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(w.dir, file)
		if err != nil {
			return err
		}
		found[name] = read(t, file)
		return unzip(file, name, found)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range found {
		found[name] = content + decoded(content)
	}
	return found
}

var encoded = regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}`)

// decoded is what is in a text in base64, also where that has further base64 in it.
func decoded(text string) string {
	var all strings.Builder
	for _, run := range encoded.FindAllString(text, -1) {
		if plain, err := base64.StdEncoding.DecodeString(run); err == nil {
			all.WriteString("\n" + string(plain) + decoded(string(plain)))
		}
	}
	return all.String()
}

// unzip adds the files in an archive to found; of what is no archive it adds nothing.
func unzip(file, name string, found map[string]string) error {
	archive, err := zip.OpenReader(file)
	if errors.Is(err, zip.ErrFormat) {
		return nil
	}
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, member := range archive.File {
		reader, err := member.Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return err
		}
		found[name+"!"+member.Name] = string(content)
	}
	return nil
}

// search is a run of Terraform whose every trace is kept.
type search struct {
	w    *testEnv
	logs string
	// seen is what was printed, shown and left behind so far, by where.
	seen map[string]string
}

func newSearch(t *testing.T, o testEnvOptions) *search {
	t.Helper()
	o.external = true
	w := newTestEnv(t, o)
	return &search{w: w, logs: traced(t, w), seen: map[string]string{}}
}

// run runs a command and keeps its traces. Name is what to call them.
func (s *search) run(t *testing.T, name string, code int, args ...string) {
	t.Helper()
	r := s.w.terraform(t, append(args, "-no-color")...)
	if r.code != code {
		t.Fatalf("%s: exit code %d, want %d:\n%s", name, r.code, code, r.output)
	}
	s.keep(t, name, r.output)
}

// keep keeps an output, the files as they are now, and what Terraform shows of them.
func (s *search) keep(t *testing.T, name, output string) {
	t.Helper()
	s.seen[name+": output"] = output
	for file, content := range s.w.everything(t) {
		s.seen[name+": "+file] = content
	}
	s.seen[name+": show -json"] = s.w.terraform(t, "show", "-json").output
	if _, err := os.Stat(filepath.Join(s.w.dir, savedPlan)); err == nil {
		s.seen[name+": show -json of the plan"] = s.w.terraform(t, "show", "-json", savedPlan).output
	}
}

// found returns in how many of the traces whose name has the suffix there is a secret.
func (s *search) found(suffix string) int {
	n := 0
	secrets := s.w.sandbox.Secrets()
	for where, text := range s.seen {
		if strings.HasSuffix(where, suffix) && leaks(text, secrets) > 0 {
			n++
		}
	}
	return n
}

// mustFindNone expects no secret in any trace, nor in the log, and that there are traces of each kind.
func (s *search) mustFindNone(t *testing.T) {
	t.Helper()
	secrets := s.w.sandbox.Secrets()
	for where, text := range s.seen {
		if n := leaks(text, secrets); n > 0 {
			t.Errorf("I2: %d secrets are in %s", n, where)
		}
	}
	s.mustHaveLogged(t, secrets)
}

// mustHaveLogged expects a log of the provider's that has no secret.
func (s *search) mustHaveLogged(t *testing.T, secrets []string) {
	t.Helper()
	logged := read(t, s.logs)
	if !strings.Contains(logged, "vendor request") || !strings.Contains(logged, "[TRACE]") {
		t.Error("the log has no records of the provider's")
	}
	if n := leaks(logged, secrets); n > 0 {
		t.Errorf("I2: the log has %d secrets", n)
	}
}

// must expects that the traces are of these places: a search of nothing finds nothing.
func (s *search) must(t *testing.T, have ...string) {
	t.Helper()
	for _, where := range have {
		if s.seen[where] == "" {
			t.Errorf("there is no %s", where)
		}
	}
}

var plannedApply = [2][]string{
	{"plan", "-input=false", "-out=" + savedPlan},
	{"apply", "-input=false", savedPlan},
}

// planAndApply keeps the traces of both commands: those of the plan are still there after the apply.
func (s *search) planAndApply(t *testing.T, name string) {
	t.Helper()
	plan := s.w.terraform(t, append(plannedApply[0], "-no-color")...)
	if plan.code != 0 {
		t.Fatalf("%s, planned: exit code %d:\n%s", name, plan.code, plan.output)
	}
	s.seen[name+", planned: output"] = plan.output
	s.run(t, name, 0, plannedApply[1]...)
}

// TestAccConnection_ShowsAndStoresNoSecret_I2 takes connections, and a fleet, through their lives, and looks for every
// secret and token that there ever was in all that Terraform prints, logs and leaves on disk.
func TestAccConnection_ShowsAndStoresNoSecret_I2(t *testing.T) {
	t.Parallel()
	for _, way := range []string{wayConnection, wayFleet} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			livesWithoutSecret(t, way)
		})
	}
}

// livesWithoutSecret is such a life.
func livesWithoutSecret(t *testing.T, way string) {
	t.Helper()
	seed := sandbox.ThreeShops()
	s := newSearch(t, testEnvOptions{seed: &seed, requestTimeout: "2s"})
	s.w.useExample(t, way, seed)
	s.planAndApply(t, "created")

	describe := func(text string) { s.w.addToShops(t, way, "description = \""+text+"\"") }
	describe("second key")
	s.planAndApply(t, "rotated")

	key := s.w.sandbox.mustGenerate("M00412871", "by hand")
	s.w.sandbox.mustInstall("fjellsport", key.Username, key.Secret)
	s.planAndApply(t, "drift put right")

	// Something goes wrong in each shop.
	about := func(shop, merchantID string) func(sandbox.Request) bool {
		return func(r sandbox.Request) bool { return r.Shop == shop || r.MerchantID == merchantID }
	}
	refused := answered(sandbox.Mystore, http.MethodPatch, http.StatusUnprocessableEntity)
	refused.Match = about("fjellsport", "M00412871")
	var armed []*sandbox.Armed
	for _, fault := range []sandbox.Fault{
		refused,
		{API: sandbox.Mystore, Method: http.MethodPatch, Kind: sandbox.FaultDrop, Match: about("kaffebonna", "M00537204")},
		{API: sandbox.Portal, Method: http.MethodPost, Kind: sandbox.FaultTruncate, Match: about("ullogtre", "M00698335")},
	} {
		armed = append(armed, s.w.sandbox.Arm(fault))
	}
	describe("failures")
	s.run(t, "failures", 1, "apply", "-auto-approve", "-input=false")
	for i, fault := range armed {
		if fault.Disarm(); fault.Fired() == 0 {
			t.Errorf("fault %d never happened", i)
		}
	}
	s.run(t, "failures, planned again", 0, plannedApply[0]...)

	describe("interrupted")
	delayed := s.w.sandbox.Arm(sandbox.Fault{
		API: sandbox.Portal, Method: http.MethodPost, Times: 1, Kind: sandbox.FaultDelay, Latency: 400 * time.Millisecond,
	})
	apply := s.w.start(t, "apply", "-auto-approve", "-input=false", "-no-color")
	apply.await(t, func() bool { return delayed.Fired() == 1 })
	apply.interrupt(t)
	s.keep(t, "interrupted", apply.wait(t).output)
	s.planAndApply(t, "finished")
	s.run(t, "nothing to do", 0, "plan", "-input=false", "-detailed-exitcode")

	s.mustFindNone(t)
	s.must(t, "rotated: terraform.tfstate", "rotated: terraform.tfstate.backup", "rotated: "+savedPlan, "rotated: "+savedPlan+"!tfplan",
		"rotated: "+savedPlan+"!tfstate", "rotated: show -json", "rotated: show -json of the plan", "interrupted: terraform.tfstate")
	if !strings.Contains(s.seen["rotated: terraform.tfstate"], `{"updated_at":`) {
		t.Error("the private state was not decoded")
	}
	s.w.mustBeRight(t, seed, 0)
}

// TestAccShop_StoresNoWriteOnlySecret_I2 gives a shop a secret that is write-only: it is handed to the shop, and is
// neither in the state nor in a plan.
func TestAccShop_StoresNoWriteOnlySecret_I2(t *testing.T) {
	t.Parallel()
	seed := exampleSeed()
	s := newSearch(t, testEnvOptions{seed: &seed})
	s.w.env = append(s.w.env, "TF_VAR_kustom_secret="+exampleSecret)
	s.w.sandbox.mustInstall("nettbutikk", "", "")
	s.w.write(t, "main.tf", pasted(t))
	s.planAndApply(t, "created")
	s.w.write(t, "main.tf", edit(t, pasted(t), versionOne, "kustom_secret_wo_version = 2"))
	s.planAndApply(t, "written again")
	if n := s.w.sandbox.Count(sandbox.Mystore, http.MethodPatch, credentialsCall); n != 2 {
		t.Errorf("the secret was written %d times, want 2", n)
	}
	s.w.sandbox.mustTakePayments("nettbutikk")
	s.mustFindNone(t)
	s.must(t, "written again: terraform.tfstate", "written again: terraform.tfstate.backup", "written again: "+savedPlan,
		"written again: "+savedPlan+"!tfplan", "written again: "+savedPlan+"!tfstate", "written again: show -json of the plan")
}
