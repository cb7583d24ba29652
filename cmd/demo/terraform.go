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
)

// gracePeriod is what Terraform gets to end an operation in order after an interrupt.
const gracePeriod = 30 * time.Second

// terraform runs Terraform or OpenTofu.
type terraform struct {
	bin   string
	env   []string
	color bool
}

// run runs one command in dir, and shows what it prints on out.
func (t terraform) run(ctx context.Context, dir string, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, t.bin, t.args(args)...)
	cmd.Dir = dir
	cmd.Env = t.env
	cmd.Stdout = out
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = gracePeriod
	interruptGroup(cmd)
	err := cmd.Run()
	killGroup(cmd)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", t.command(args), err, &stderr)
	}
	return nil
}

// output runs one command in dir and returns what it prints.
func (t terraform) output(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := t.run(ctx, dir, &out, args...)
	return out.Bytes(), err
}

// args adds the option that turns colors off to the arguments of a command.
func (t terraform) args(args []string) []string {
	if t.color {
		return args
	}
	return append([]string{args[0], "-no-color"}, args[1:]...)
}

// command is a command line as a person would type it.
func (t terraform) command(args []string) string {
	return filepath.Base(t.bin) + " " + strings.Join(args, " ")
}

// exitCode returns the exit code behind an error of [terraform.run], and false if there is none.
func exitCode(err error) (int, bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	return exit.ExitCode(), true
}

// environment returns the parent's environment without what would make Terraform or the provider
// behave in another way than the demo intends, with own added.
func environment(parent []string, own map[string]string) []string {
	var env []string
	for _, variable := range parent {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "TF_") && !strings.HasPrefix(name, "KUSTOM_") && !strings.HasPrefix(name, "MYSTORE_") {
			env = append(env, variable)
		}
	}
	for name, value := range own {
		env = append(env, name+"="+value)
	}
	return env
}
