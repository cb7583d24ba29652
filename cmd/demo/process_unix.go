//go:build unix

package main

import (
	"errors"
	"os/exec"
	"syscall"
)

// interruptGroup interrupts the command when its context ends, and starts it in its own process group. Otherwise the
// terminal would interrupt it on Ctrl-C too, and Terraform aborts at the second interrupt.
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

// killGroup kills the processes that a command left running, such as Terraform's providers after a kill.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
