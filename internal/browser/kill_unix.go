//go:build unix

package browser

import "syscall"

// kill ends a detached process and its children. They may have ended already.
func kill(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
