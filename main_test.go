package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

func TestOwnVersion_PrefersLinked(t *testing.T) {
	t.Parallel()
	built := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}}
	}
	for _, test := range []struct {
		name, linked string
		info         *debug.BuildInfo
		want         string
	}{
		{"released", "1.2.3", built("v9.9.9"), "1.2.3"},
		{"go install", unreleased, built("v1.2.3"), "1.2.3"},
		{"go install, pre-release", unreleased, built("v1.2.3-rc.1"), "1.2.3-rc.1"},
		{"go build", unreleased, built("(devel)"), unreleased},
		{"go build, older", unreleased, built(""), unreleased},
		{"nothing is known", unreleased, nil, unreleased},
	} {
		if got := ownVersion(test.linked, test.info); got != test.want {
			t.Errorf("%s: it is version %q, want %q", test.name, got, test.want)
		}
	}
}

// releaseDirectory holds the binary that all tests share. runTests removes it at the end.
var releaseDirectory string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kustom")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	releaseDirectory = dir
	return m.Run()
}

// buildRelease builds version 1.2.3 of the provider as a release is built, once for all tests.
var buildRelease = sync.OnceValues(func() (string, error) {
	return build(releaseDirectory, ".", "-ldflags", "-s -w -X main.version=1.2.3")
})

// release returns the path of the provider's binary, version 1.2.3.
func release(t testing.TB) string {
	t.Helper()
	binary, err := buildRelease()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// build builds a program into dir, and returns the path of the binary.
func build(dir, program string, flags ...string) (string, error) {
	binary := filepath.Join(dir, "terraform-provider-kustom")
	args := append([]string{"build", "-trimpath", "-o", binary}, flags...)
	if output, err := exec.Command("go", append(args, program)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", program, err, output)
	}
	return binary, nil
}

// size returns the size of a file in MiB.
func size(t testing.TB, file string) float64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return float64(info.Size()) / (1 << 20)
}

// noopSize returns the size in MiB of a provider that does nothing.
func noopSize(t testing.TB, flags ...string) float64 {
	t.Helper()
	binary, err := build(t.TempDir(), "./internal/benchtest/noop", append(flags, "-ldflags", "-s -w")...)
	if err != nil {
		t.Fatal(err)
	}
	return size(t, binary)
}

// openTerminal opens a pseudo-terminal.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this system opens no terminal:", err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// A program that is not interactive never waits for an answer.
func TestIsInteractive_OnlyAtTerminal(t *testing.T) {
	t.Setenv("CI", "")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	file, err := os.Open("main_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.Open(os.DevNull) // Like a terminal, it is a character device. Background jobs read from it.
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stdin := range []*os.File{read, file, null, nil} {
		if isInteractive(stdin) {
			t.Errorf("%v is interactive", stdin)
		}
	}
	terminal := openTerminal(t)
	if !isInteractive(terminal) {
		t.Error("a terminal is not interactive")
	}
	t.Setenv("CI", "true")
	if isInteractive(terminal) {
		t.Error("a terminal in CI is interactive")
	}
}

func TestVersion_IsPrinted(t *testing.T) {
	t.Parallel()
	if got, want := output(t, ".", nil, release(t), "--version"), "terraform-provider-kustom 1.2.3\n"; got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
}

// handshake is the environment variable that Terraform sets for a plugin. Without it, the provider serves no plugin.
const handshake = "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

// BenchmarkStart measures the time from the start of the provider to the line with its address. Each command of
// Terraform waits for it several times. The benchmark also reports the size of the binary, and how much the browser adds
// to a provider that does nothing.
func BenchmarkStart(b *testing.B) {
	binary := release(b)
	pages := noopSize(b, "-tags", "browser") - noopSize(b)
	var took []time.Duration
	for b.Loop() {
		took = append(took, start(b, binary))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/start")
	b.ReportMetric(size(b, binary), "MiB")
	b.ReportMetric(pages, "MiB-browser")
}

// start starts the provider and returns how long it took to print its address.
func start(b *testing.B, binary string) time.Duration {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), handshake, "PLUGIN_PROTOCOL_VERSIONS=6")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	took := time.Since(began)
	stop()
	var killed *exec.ExitError
	if waitErr := cmd.Wait(); waitErr != nil && !errors.As(waitErr, &killed) {
		b.Fatal(waitErr)
	}
	if err != nil || !strings.HasPrefix(line, "1|6|") {
		b.Fatalf("its first line is %q (%v)", line, err)
	}
	return took
}

const installedConfiguration = `
terraform {
  required_providers {
    kustom = { source = "storefront-iac/kustom" }
  }
}

data "kustom_legacy_integrations" "all" {
  merchant_ids = ["M00412871"]
}

output "usernames" {
  value = data.kustom_legacy_integrations.all.integrations[*].username
}
`

// TestAccInstall_InstallsForUser installs the provider with make for a user with an empty home, uses it without a setting
// in Terraform's CLI configuration, and removes it.
func TestAccInstall_InstallsForUser(t *testing.T) {
	t.Parallel()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("needs a Terraform: run make test")
	}
	const version = "0.0.7"
	home, dir := t.TempDir(), t.TempDir()
	// By default, the go command has its caches in the home directory.
	atHome := append(os.Environ(), "HOME="+home, "GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"))
	output(t, ".", atHome, "make", "install", "VERSION="+version)
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(installedConfiguration), 0o600); err != nil {
		t.Fatal(err)
	}
	env, userAgents := startSandbox(t)
	env = append(env, "HOME="+home, "PATH="+os.Getenv("PATH"), "TF_CLI_CONFIG_FILE=", "CHECKPOINT_DISABLE=1")
	terraform := func(args ...string) string {
		t.Helper()
		return output(t, dir, env, os.Getenv("TF_ACC_TERRAFORM_PATH"), args...)
	}
	if found := terraform("init", "-input=false", "-no-color"); !strings.Contains(found, "v"+version) {
		t.Errorf("terraform init did not find version %s:\n%s", version, found)
	}
	terraform("validate", "-no-color")
	if plan := terraform("plan", "-input=false", "-no-color"); !strings.Contains(plan, "M00412871-qT7vA") {
		t.Errorf("the plan does not show the store's key:\n%s", plan)
	}
	if got, want := userAgents(), "terraform-provider-kustom/"+version; !slices.Equal(got, []string{want}) {
		t.Errorf("the requests have the user agents %q, want %q", got, want)
	}
	output(t, ".", atHome, "make", "uninstall", "VERSION="+version)
	if left, err := filepath.Glob(filepath.Join(home, ".terraform.d/plugins/*/storefront-iac/kustom/*")); err != nil || len(left) > 0 {
		t.Errorf("make uninstall leaves %q behind (%v)", left, err)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(output(t, ".", nil, "go", "env", name))
}

// output runs a program in a folder, and returns what it prints. It fails the test if the program fails.
func output(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, env
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, printed)
	}
	return string(printed)
}

// startSandbox serves a sandbox. It returns the environment of a provider that uses it, and the user agents that have
// called it.
func startSandbox(t *testing.T) (env []string, userAgents func() []string) {
	t.Helper()
	box, err := sandbox.New(sandbox.ThreeShops(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var agents sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents.Store(r.UserAgent(), true)
		box.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	for name, value := range box.Env(server.URL) {
		env = append(env, name+"="+value)
	}
	return env, func() (all []string) {
		agents.Range(func(agent, _ any) bool {
			all = append(all, fmt.Sprint(agent))
			return true
		})
		return all
	}
}

// Package net/http logs an answer that a server sends without a request. It may contain a secret.
func TestDiscardStandardLog_DropsUnaskedAnswer(t *testing.T) {
	var logged strings.Builder
	before := log.Writer()
	log.SetOutput(&logged)
	defer log.SetOutput(before)
	restore := discardStandardLog()
	log.Print("Unsolicited response received on idle HTTP channel starting with secret")
	restore()
	log.Print("restored")
	if text := logged.String(); strings.Contains(text, "secret") || !strings.Contains(text, "restored") {
		t.Errorf("the log is %q", text)
	}
}
