package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/terraformcmd"
)

// usage is the usage of a process, or of several that run one after the other.
type usage struct {
	cpu time.Duration
	// memory is the peak of resident memory in bytes.
	memory int64
}

// spent is the usage of a command.
type spent struct {
	wall time.Duration
	// terraform is the usage of Terraform itself, and provider that of all its providers.
	terraform, provider usage
	// servers is the CPU time of this process, which serves both vendors.
	servers time.Duration
	// stderr is the number of bytes that Terraform wrote to standard error, and logged that of the provider, if it
	// goes to a file.
	stderr, logged int64
}

// terraform runs Terraform in a workspace.
type terraform struct {
	bin string
	*workspace
}

// run runs a command, which must exit with 0.
func (t terraform) run(ctx context.Context, args ...string) (spent, error) {
	s, err := t.start(ctx, args)
	if err == nil {
		return s, nil
	}
	return s, fmt.Errorf("terraform %s: %w\n%s", strings.Join(args, " "), err, t.tail())
}

// start runs a command. Its output goes to files, because reading it would distort the measurement.
func (t terraform) start(ctx context.Context, args []string) (s spent, err error) {
	stdout, err := os.Create(t.file("stdout"))
	if err != nil {
		return spent{}, err
	}
	defer stdout.Close()
	stderr, err := os.Create(t.file("stderr"))
	if err != nil {
		return spent{}, err
	}
	defer stderr.Close()
	cmd := exec.CommandContext(ctx, t.bin, args...)
	cmd.Dir, cmd.Env = t.work, t.env
	cmd.Stdout, cmd.Stderr = stdout, stderr
	terraformcmd.Group(cmd)
	s, err = measure(cmd)
	terraformcmd.KillGroup(cmd)
	if ctx.Err() != nil {
		return s, context.Cause(ctx)
	}
	s.stderr, s.logged = fileSize(stderr.Name()), fileSize(t.log)
	// Each command's log is counted separately.
	return s, errors.Join(err, os.RemoveAll(t.log))
}

// measure runs a command to its end.
func measure(cmd *exec.Cmd) (spent, error) {
	var s spent
	servers, start := ownCPU(), time.Now()
	if err := cmd.Start(); err != nil {
		return spent{}, err
	}
	observed := observe(cmd.Process.Pid, &s)
	err := cmd.Wait()
	s.wall = time.Since(start)
	s.servers = ownCPU() - servers
	return s, errors.Join(err, observed)
}

func (t terraform) file(name string) string { return filepath.Join(t.dir, name) }

// tail returns the end of the last command's output.
func (t terraform) tail() string {
	const most = 4 << 10
	var text strings.Builder
	for _, name := range []string{"stdout", "stderr"} {
		content, err := os.ReadFile(t.file(name))
		if err != nil {
			continue
		}
		text.Write(content[max(0, len(content)-most):])
	}
	return text.String()
}

// fileSize returns a file's size; 0 if it is missing.
func fileSize(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}
