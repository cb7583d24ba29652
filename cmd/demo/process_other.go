//go:build !unix

package main

import "os/exec"

// interruptGroup does nothing here: the end of a command's context kills it.
func interruptGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
