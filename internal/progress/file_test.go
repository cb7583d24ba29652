package progress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// open opens a progress file in a folder of the test.
func open(t *testing.T, redactor *vendortext.Redactor) (path string, f *progress.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "progress.jsonl")
	f, err := progress.Open(path, redactor)
	if err != nil {
		t.Fatal(err)
	}
	return path, f
}

// lines returns the lines of a progress file.
func lines(t *testing.T, path string) []progress.Line {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []progress.Line
	for text := range strings.Lines(string(content)) {
		var line progress.Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestFile_WritesOneLineForEachStep(t *testing.T) {
	t.Parallel()
	path, f := open(t, vendortext.NewRedactor())
	entry := rotation.Entry{
		Time: noon.In(time.FixedZone("", 7200)), Shop: "fjellsport", MerchantID: "M1", Step: rotation.StepInstall, Key: "M1_new",
		Outcome: rotation.Failed, Err: errors.New("503\nService Unavailable"),
	}
	if err := f.Record(entry); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	want := progress.Line{
		Time: noon, Run: got[0].Run, Shop: "fjellsport", MerchantID: "M1", Step: "install", Key: "M1_new", Outcome: "failed",
		Error: "503 Service Unavailable",
	}
	if len(got) != 1 || got[0] != want || got[0].Run == "" {
		t.Errorf("the file has %+v", got)
	}
	content, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(content), `{"time":"2026-03-10T12:00:00Z","run":"`) {
		t.Errorf("the file has %s", content)
	}
}

func TestFile_IsReadableByOwnerOnly(t *testing.T) {
	t.Parallel()
	path, _ := open(t, nil)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v", info.Mode())
	}
}

func TestFile_ConcurrentWritersKeepLinesWhole(t *testing.T) {
	t.Parallel()
	path, _ := open(t, nil)
	const processes, steps = 8, 100
	var all sync.WaitGroup
	for p := range processes {
		f, err := progress.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for n := range steps {
				e := rotation.Entry{Shop: fmt.Sprint(p), Key: fmt.Sprint(n), Err: errors.New(strings.Repeat("x", n))}
				if err := f.Record(e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	seen, runs := map[string]bool{}, map[string]bool{}
	for _, line := range lines(t, path) {
		seen[line.Shop+"/"+line.Key] = true
		runs[line.Run] = true
	}
	if len(seen) != processes*steps || len(runs) != processes {
		t.Errorf("the file has %d lines of %d runs, want %d of %d", len(seen), len(runs), processes*steps, processes)
	}
}

func TestFile_HoldsNoSecret(t *testing.T) {
	t.Parallel()
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets("hunter2-hunter2")
	path, f := open(t, redactor)
	if err := f.Record(rotation.Entry{Shop: "hunter2-hunter2", Key: "hunter2-hunter2", Err: errors.New("refused: hunter2-hunter2")}); err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(path); strings.Contains(string(content), "hunter2") {
		t.Errorf("the file has %s", content)
	}
}

func TestFile_SurvivesLogRotation(t *testing.T) {
	t.Parallel()
	path, f := open(t, nil)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Record(rotation.Entry{Shop: "a"}); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, path); len(got) != 1 {
		t.Errorf("the file has %v", got)
	}
}

func TestOpen_RefusesUnwritablePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing", "progress.jsonl")} {
		if _, err := progress.Open(path, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error is %v", path, err)
		}
	}
}
