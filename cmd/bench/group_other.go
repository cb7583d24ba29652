//go:build !unix

package main

import "os/exec"

// ownGroup does nothing on this system. The context kills only the command.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
