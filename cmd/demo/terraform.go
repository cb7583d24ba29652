package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/terraformcmd"
)

// gracePeriod is the time that Terraform gets to stop after an interrupt.
const gracePeriod = 30 * time.Second

// terraform runs Terraform or OpenTofu.
type terraform struct {
	bin   string
	env   []string
	color bool
}

// run runs a command in dir, and copies its output to out.
func (t terraform) run(ctx context.Context, dir string, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, t.bin, t.args(args)...)
	cmd.Dir = dir
	cmd.Env = t.env
	cmd.Stdout = out
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = gracePeriod
	terraformcmd.InterruptibleGroup(cmd)
	err := cmd.Run()
	terraformcmd.KillGroup(cmd)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", t.command(args), err, &stderr)
	}
	return nil
}

// output runs a command in dir and returns its output.
func (t terraform) output(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := t.run(ctx, dir, &out, args...)
	return out.Bytes(), err
}

// args adds the option without colors to a command's arguments.
func (t terraform) args(args []string) []string {
	if t.color {
		return args
	}
	return append([]string{args[0], "-no-color"}, args[1:]...)
}

// command returns a command line as a person would type it.
func (t terraform) command(args []string) string {
	return filepath.Base(t.bin) + " " + strings.Join(args, " ")
}

// exitCode returns the exit code in an error of [terraform.run]; false if it has none.
func exitCode(err error) (int, bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	return exit.ExitCode(), true
}
