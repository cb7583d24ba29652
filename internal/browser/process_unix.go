//go:build unix && !linux

package browser

import (
	"os/exec"
	"syscall"
)

// detach keeps the browser out of the terminal's group: Ctrl-C is for Terraform, which lets what is
// under way end in order. It ends by itself when the pipe to this process breaks.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
