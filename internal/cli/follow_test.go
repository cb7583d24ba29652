package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
)

// followAt runs report --follow.
func followAt(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	return run(ctx, cli.Deps{Getenv: func(string) string { return "" }}, append([]string{"report", "--follow"}, args...)...)
}

func TestFollow_ExitsWithOutcome(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string]int{"done": 0, "failed": 1} {
		file := filepath.Join(t.TempDir(), "progress.jsonl")
		line := `{"time":"2026-03-10T12:00:00Z","run":"1","shop":"fjellsport","merchant_id":"M1","step":"shop","key":"","outcome":"` + outcome + `","error":""}`
		if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := followAt(t.Context(), "--until-done", file)
		if code != want || stdout != "2026-03-10T12:00:00Z  fjellsport  M1  shop  "+outcome+"\n" || stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q", outcome, code, stdout, stderr)
		}
	}
}

// TestFollow_EndsWhenItIsInterrupted, as a shell expects it after Ctrl-C.
func TestFollow_EndsWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	missing, empty := filepath.Join(t.TempDir(), "progress.jsonl"), filepath.Join(t.TempDir(), "progress.jsonl")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{
		missing: " does not exist yet. Waiting until a run of the provider creates it. Press Ctrl-C to end.\n",
		empty:   " is empty. Waiting until a run of the provider writes to it. Press Ctrl-C to end.\n",
	} {
		code, stdout, stderr := followAt(ctx, "--until-done", file)
		if code != 130 || stdout != "" || stderr != file+says {
			t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
		}
	}
}

func TestFollow_TakesOneFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says string
	}{
		{nil, "--follow takes a file"},
		{[]string{"a", "b"}, "report takes one file"},
		{[]string{"a", "--format", "html"}, "can't be used with --follow"},
		{[]string{"a", "--detailed-exitcode"}, "can't be used with --follow"},
		{[]string{"a", "--follow=false", "--all"}, "need --follow"},
	} {
		if code, _, stderr := followAt(t.Context(), test.args...); code != 2 || !strings.Contains(stderr, test.says) {
			t.Errorf("%q: exit code %d, %q", test.args, code, stderr)
		}
	}
	if code, _, stderr := followAt(t.Context(), t.TempDir()); code != 1 || stderr == "" {
		t.Errorf("a folder: exit code %d, %q", code, stderr)
	}
}
