package main

import (
	"runtime/debug"
	"strings"
)

// unreleased is the version of a build of which nobody has said what version it is.
const unreleased = "dev"

// buildInfo returns what the go command has recorded of this build, nil if it has recorded nothing.
func buildInfo() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	return info
}

// ownVersion returns the version of this binary: the one that the linker was given or, of a provider
// that go install has built, the one that was asked for.
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
