//go:build unix

package browser

import "syscall"

// kill ends a process that was detached, and those that it has started. They may have ended already.
func kill(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
