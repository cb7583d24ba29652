//go:build !unix

package browser

import "os/exec"

// detach does not change the command: the browser ends when the pipe to this process breaks.
func detach(*exec.Cmd) {}

// kill does nothing: the processes end when the pipe to this process breaks.
func kill(int) {}
