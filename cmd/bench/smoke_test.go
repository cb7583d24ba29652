package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAccBench_MeasuresEachWay(t *testing.T) {
	if os.Getenv("TF_ACC") == "" {
		t.Skip("needs a Terraform: run make test")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	provider := filepath.Join(dir, "terraform-provider-kustom")
	if output, err := exec.Command("go", "build", "-o", provider, "../..").CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v: %s", err, output)
	}
	report := filepath.Join(dir, "out", "bench.md")
	args := []string{
		"-tf", os.Getenv("TF_ACC_TERRAFORM_PATH"), "-provider", provider, "-out", report,
		"-sizes", "3", "-latencies", "0", "-runs", "1", "-ways", "terraform-data,connections",
	}
	var out bytes.Buffer
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	content, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `terraform_data` pairs | 3 | apply | 1 |", "| `terraform_data` pairs | 3 | plan | 1 |",
		"| connections | 3 | apply | 1 |", "| connections | 3 | plan | 1 |",
		"3 `portal POST /stores/{merchant_id}/credentials`",
	} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the report lacks %q:\n%s", want, content)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "kustom-bench*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
