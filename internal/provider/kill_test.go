package provider_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestAccKill_NextRunPutsShopsRight_I5 kills the provider's process at a request of the migration of three shops, in each way,
// when the server has done the work and not answered yet. One clean run must put everything right.
// TestKill_NextRunPutsShopsRightAtEachRequest_I5 does so in this process at all requests.
func TestAccKill_NextRunPutsShopsRight_I5(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("finds the provider's process in /proc")
	}
	atChanges(t, "kills of the provider's process", killedMigration)
}

// TestAccInterrupt_NextRunPutsShopsRight_I5 interrupts Terraform, as Ctrl-C does, while the answer to one of the same requests is
// on its way. One further run must put everything right.
func TestAccInterrupt_NextRunPutsShopsRight_I5(t *testing.T) {
	t.Parallel()
	atChanges(t, "interruptions of Terraform", interruptedMigration)
}

// atChanges disturbs the migration in each way, at the first request that generates a key or the first that writes to a shop,
// and reports the results.
func atChanges(t *testing.T, what string, migration func(t *testing.T, way string, at sandbox.Fault) (broken, orphans, violations int)) {
	t.Helper()
	made := sandbox.Fault{API: sandbox.Portal, Method: http.MethodPost, Template: storeKeysCall, Times: 1}
	written := sandbox.Fault{API: sandbox.Mystore, Method: http.MethodPatch, Template: credentialsCall, Times: 1}
	var counts faultCounts
	for way, at := range map[string]sandbox.Fault{wayPair: made, wayConnection: written, wayFleet: made} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			counts.add(migration(t, way, at))
		})
	}
	t.Cleanup(func() { counts.report(t, what) })
}

func killedMigration(t *testing.T, way string, at sandbox.Fault) (broken, orphans, violations int) {
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed, hastened: true})
	w.env = append(w.env, "XDG_CACHE_HOME="+t.TempDir())
	if way == wayFleet {
		w.write(t, "override.tf", fmt.Sprintf("resource %q \"all\" {\n  max_concurrency = 1\n}\n", fleetType))
	}
	w.useExample(t, way, seed)
	at.Kind = sandbox.FaultWorkThenSilence
	armed := w.sandbox.Arm(at)
	// One operation at a time, so that one kill hits one operation; in a fleet, one shop at a time.
	apply := w.start(t, "apply", "-input=false", "-no-color", "-parallelism=1", "-auto-approve")
	apply.await(t, func() bool { return armed.Fired() == 1 })
	killProvider(t, apply.cmd.Process.Pid)
	killed := apply.wait(t)
	if killed.code == 0 {
		t.Fatalf("the killed run ended well:\n%s", killed.output)
	}
	w.mustApply(t)
	w.mustBeEmpty(t)
	broken, orphans, violations = w.mustBeRight(t, seed, 0)
	w.mustShowOrphans(t, seed)
	if t.Failed() {
		t.Logf("the killed run:\n%s", killed.output)
	}
	return broken, orphans, violations
}

func interruptedMigration(t *testing.T, way string, at sandbox.Fault) (broken, orphans, violations int) {
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed})
	w.useExample(t, way, seed)
	at.Kind, at.Latency = sandbox.FaultDelay, 400*time.Millisecond
	armed := w.sandbox.Arm(at)
	apply := w.start(t, "apply", "-input=false", "-no-color", "-auto-approve")
	apply.await(t, func() bool { return armed.Fired() == 1 })
	apply.interrupt(t)
	interrupted := apply.wait(t)
	w.mustApply(t)
	w.mustBeEmpty(t)
	broken, orphans, violations = w.mustBeRight(t, seed, 0)
	if t.Failed() {
		t.Logf("the interrupted run:\n%s", interrupted.output)
	}
	return broken, orphans, violations
}

// TestAccInterrupt_EndsWaits_I6 interrupts a deletion that would wait for a shop for an hour.
func TestAccInterrupt_EndsWaits_I6(t *testing.T) {
	t.Parallel()
	w, key := oneKeyEnv(t, "1h", testEnvOptions{external: true})
	asked := w.sandbox.Count(sandbox.Mystore, "GET", credentialsCall)
	destroy := w.start(t, "destroy", "-auto-approve", "-input=false", "-no-color")
	// Each shop is read once, and the one that holds the key again: then the wait begins.
	destroy.await(t, func() bool { return w.sandbox.Count(sandbox.Mystore, "GET", credentialsCall) >= asked+4 })
	destroy.interrupt(t)
	interrupted := time.Now()
	got := destroy.wait(t)
	if took := time.Since(interrupted); took > 5*time.Second {
		t.Errorf("Terraform ended %v after the interrupt", took)
	}
	// The wait is a look at the shop, again and again. The interrupt ends one of them, or what is between two.
	if !strings.Contains(got.output, "API key not deleted") || !strings.Contains(got.output, key.Username) || w.sandbox.Working("fjellsport") != nil {
		t.Errorf("the key was not protected:\n%s", got.output)
	}
}

// process is a Terraform command under way.
type process struct {
	cmd    *exec.Cmd
	output *bytes.Buffer
	done   chan error
}

func (w *testEnv) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: w.command(t.Context(), args...), output: new(bytes.Buffer), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p
}

// await returns when happened does. That the process ends before is an error.
func (p *process) await(t *testing.T, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case err := <-p.done:
			t.Fatalf("Terraform ended early: %v\n%s", err, p.output)
		case <-tick.C:
		}
	}
}

func (p *process) interrupt(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

func (p *process) wait(t *testing.T) run {
	t.Helper()
	err := <-p.done
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run{code: p.cmd.ProcessState.ExitCode(), output: p.output.String()}
}

// killProvider kills the provider's process that the Terraform process parent has started.
func killProvider(t *testing.T, parent int) {
	t.Helper()
	for _, pid := range children(t, parent) {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !strings.Contains(string(name), "terraform-provider-kustom") {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("the provider's process was not found")
}

func children(t *testing.T, parent int) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// "pid (name) state ppid …"; the name may contain anything.
		_, rest, _ := strings.Cut(string(raw[bytes.LastIndexByte(raw, ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mustShowOrphans expects the published example of the data source to show every key that the state does
// not have, so that none stays unnoticed.
func (w *testEnv) mustShowOrphans(t *testing.T, seed sandbox.Seed) {
	t.Helper()
	w.write(t, "strays.tf", example(t, "data-sources/kustom_api_keys/data-source.tf"))
	w.mustApply(t)
	shown := w.terraform(t, "output", "-json", "strays").output
	inState := w.keysInState(t)
	for _, store := range seed.Stores {
		for _, key := range w.sandbox.Keys(store.MerchantID) {
			stray := key.Host == "api.kustom.co" && key.Username != inState[store.MerchantID]["username"]
			if stray != strings.Contains(shown, strconv.Quote(key.Username)) {
				t.Errorf("I3: key %s is a stray: %t; the data source shows as strays %s", key.Username, stray, shown)
			}
		}
	}
}
