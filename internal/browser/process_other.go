//go:build !unix

package browser

import "os/exec"

// detach leaves the command as it is: the browser ends by itself when the pipe to this process breaks.
func detach(*exec.Cmd) {}

// kill leaves the processes alone: they end when the pipe to this process breaks.
func kill(int) {}
