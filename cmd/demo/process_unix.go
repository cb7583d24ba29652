//go:build unix

package main

import (
	"errors"
	"os/exec"
	"syscall"
)

// interruptGroup makes the end of a command's context an interrupt, and puts the command in a
// process group of its own. Otherwise Ctrl-C would reach it from the terminal as well, and
// Terraform takes the second interrupt as an order to drop everything.
func interruptGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(cmd.Process.Pid, syscall.SIGINT)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return err
	}
}

// killGroup ends what a command that has ended left running: after a kill, Terraform's providers.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
