package browser

import (
	"os/exec"
	"syscall"
)

// detach moves the browser out of the terminal's process group: Ctrl-C is for Terraform, which lets running
// operations finish. The browser dies with this process, however that ends.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
