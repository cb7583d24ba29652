//go:build !unix

package terraformcmd

import "os/exec"

// Group does nothing on this system. The end of the context kills only the command.
func Group(*exec.Cmd) {}

// InterruptibleGroup does nothing on this system. The end of the context kills the command.
func InterruptibleGroup(*exec.Cmd) {}

// KillGroup does nothing on this system.
func KillGroup(*exec.Cmd) {}
