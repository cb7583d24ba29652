package cli_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
)

// reportOn runs report with something on standard input.
func reportOn(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return run(t.Context(), cli.Deps{Stdin: stdin}, append([]string{"report"}, args...)...)
}

func TestReport_EndsWithWhatNeedsAttention(t *testing.T) {
	t.Parallel()
	const fine, waiting = "../report/testdata/connections-plan.json", "../report/testdata/waves-state.json"
	other := filepath.Join(t.TempDir(), "terraform.tfstate")
	if err := os.WriteFile(other, []byte(`{"version":4}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args       []string
		code       int
		says, errs string
	}{
		{[]string{fine}, 0, "**Plan for 3 shops", ""},
		{[]string{fine, "--detailed-exitcode"}, 0, "**Plan for 3 shops", ""},
		{[]string{waiting}, 0, "**State of 1 shop", ""},
		{[]string{waiting, "--detailed-exitcode"}, 3, "**State of 1 shop", ""},
		{[]string{waiting, "--detailed-exitcode", "--format", "html"}, 3, "<!DOCTYPE html>", ""},
		{[]string{fine, "--format=html"}, 0, "<!DOCTYPE html>", ""},
		{[]string{fine, "--format", "pdf"}, 2, "", `"pdf"`},
		{[]string{fine, waiting}, 2, "", "one file"},
		{[]string{"nowhere.json"}, 1, "", "nowhere.json"},
		{[]string{other, "--detailed-exitcode"}, 1, "", other + ": this is a state file itself"},
		{nil, 2, "", "standard input"},
		{[]string{"--html"}, 2, "", "report --help"},
		{[]string{"--help"}, 0, "--detailed-exitcode", ""},
	} {
		code, out, errs := reportOn(t, nil, test.args...)
		if code != test.code || !strings.Contains(out, test.says) || !strings.Contains(errs, test.errs) || (test.errs == "") != (errs == "") {
			t.Errorf("report %v ends with %d, and says: %s%s", test.args, code, out, errs)
		}
	}
}

func TestReport_ReadsStandardInput(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../report/testdata/waves-state.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"-"}} {
		if code, out, errs := reportOn(t, bytes.NewReader(document), args...); code != 0 || !strings.Contains(out, "fjellsport") {
			t.Errorf("report %q ends with %d, and says: %s%s", args, code, out, errs)
		}
	}
	if code, _, errs := reportOn(t, strings.NewReader("")); code != 1 || !strings.Contains(errs, "standard input: there is nothing to read") {
		t.Errorf("without anything, report ends with %d, and says: %s", code, errs)
	}
	null, err := os.Open(os.DevNull) // A device, as a terminal is: a job in the background has it.
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	if code, _, errs := reportOn(t, null); code != 1 || !strings.Contains(errs, "standard input: there is nothing to read") {
		t.Errorf("at the null device, report ends with %d, and says: %s", code, errs)
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this system opens no terminal:", err)
	}
	defer func() { _ = terminal.Close() }()
	if code, _, errs := reportOn(t, terminal); code != 2 || !strings.Contains(errs, "give a file") {
		t.Errorf("at a terminal, report ends with %d, and says: %s", code, errs)
	}
}
