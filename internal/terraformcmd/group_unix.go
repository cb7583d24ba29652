//go:build unix

package terraformcmd

import (
	"errors"
	"os/exec"
	"syscall"
)

// Group runs a command that was not started yet in its own process group. The end of the command's context kills the
// group.
func Group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// InterruptibleGroup runs a command that was not started yet in its own process group. The end of the command's context
// interrupts the command, and not the group: Terraform stops its providers itself. In the group of the terminal,
// Ctrl-C would interrupt it too, and Terraform aborts at the second interrupt.
func InterruptibleGroup(cmd *exec.Cmd) {
	Group(cmd)
	cmd.Cancel = func() error {
		err := syscall.Kill(cmd.Process.Pid, syscall.SIGINT)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return err
	}
}

// KillGroup kills the processes that a command left running in its group, such as Terraform's providers after a kill.
func KillGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
