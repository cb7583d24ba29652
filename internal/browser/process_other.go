//go:build !unix

package browser

import (
	"os"
	"os/exec"
)

// detach leaves the command as it is: the browser ends by itself when the pipe to this process breaks.
func detach(*exec.Cmd) {}

// runs tells whether there is a process with that ID.
func runs(pid int) bool {
	_, err := os.FindProcess(pid)
	return err == nil
}

// kill leaves the processes alone: they end when the pipe to this process breaks.
func kill(int) {}
