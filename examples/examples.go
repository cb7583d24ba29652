// Package examples holds the published examples, so that tests and the demo run exactly what
// users read.
package examples

import "embed"

// FS has every configuration under the path that it has in this directory.
//
//go:embed provider resources data-sources list-resources actions functions
//go:embed switch connections rotate pairs-to-connections connections-to-pairs ephemeral-tokens encrypted-state confirm browser
//go:embed verify-after-change fleet modules switch-modules connections-modules switch-fleet switch-fleet-vault
//go:embed fleet-sharded fleet-sharded-terragrunt
//go:embed secret-from-vault rotate-connections vault-tokens github-actions
//go:embed quickstart switch-one-shop pairs-to-fleet connections-to-fleet fleet-to-connections waves
var FS embed.FS
