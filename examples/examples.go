// Package examples holds the published examples, so that tests and the demo run exactly what
// users read.
package examples

import "embed"

// FS has every configuration under the path that it has in this directory.
//
//go:embed provider resources data-sources switch connections
var FS embed.FS
