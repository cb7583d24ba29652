//go:build !unix

package main

import "os/exec"

// interruptGroup does nothing on this system. The context kills the command.
func interruptGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
