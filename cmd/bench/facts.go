package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/storefront-iac/terraform-provider-kustom/internal/terraformcmd"
)

// facts describe the machine.
type facts struct {
	cores     int
	platform  string
	terraform string
	golang    string
}

func machine(ctx context.Context, set settings) (facts, error) {
	cmd := exec.CommandContext(ctx, set.terraform, "version", "-json")
	cmd.Env = terraformcmd.Environment(cmd.Environ(), map[string]string{"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": ""})
	content, err := cmd.Output()
	if err != nil {
		return facts{}, fmt.Errorf("ask %s for its version: %w", set.terraform, err)
	}
	// OpenTofu has the same field.
	var version struct {
		Terraform string `json:"terraform_version"`
	}
	if err := json.Unmarshal(content, &version); err != nil {
		return facts{}, fmt.Errorf("read the version of %s: %w", set.terraform, err)
	}
	return facts{
		cores: runtime.NumCPU(), platform: runtime.GOOS + "/" + runtime.GOARCH, golang: runtime.Version(),
		terraform: filepath.Base(set.terraform) + " " + version.Terraform,
	}, nil
}
