package browser

import (
	"os/exec"
	"syscall"
)

// detach keeps the browser out of the terminal's group: Ctrl-C is for Terraform, which lets what is
// under way end in order. It dies with this process, however this dies.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
