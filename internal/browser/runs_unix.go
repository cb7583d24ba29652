//go:build unix

package browser

import (
	"errors"
	"syscall"
)

// runs tells whether there is a process with that ID.
func runs(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// kill ends a process that was detached, and those that it has started. They may have ended already.
func kill(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
