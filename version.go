package main

import (
	"runtime/debug"
	"strings"
)

// unreleased is the version of a build without a version.
const unreleased = "dev"

// buildInfo returns what the go command has recorded about this build; nil if nothing.
func buildInfo() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	return info
}

// ownVersion returns the version of this binary: the linked one or, after go install, the installed one.
func ownVersion(linked string, info *debug.BuildInfo) string {
	if linked != unreleased || info == nil {
		return linked
	}
	built, ok := strings.CutPrefix(info.Main.Version, "v")
	if !ok {
		return linked
	}
	return built
}
