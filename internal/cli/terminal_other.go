//go:build !windows

package cli

import "os"

// drawsInPlace reports whether a terminal understands the codes that move its cursor.
func drawsInPlace(*os.File) bool { return true }
