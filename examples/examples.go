// Package examples embeds the published examples, so that tests and the demo run exactly what users read.
package examples

import "embed"

// FS has every configuration, under its path in this directory.
//
//go:embed provider resources data-sources list-resources actions functions
//go:embed switch connections rotate pairs-to-connections connections-to-pairs ephemeral-tokens encrypted-state confirm browser
//go:embed verify-after-change fleet modules switch-modules connections-modules switch-fleet switch-fleet-vault
//go:embed fleet-sharded fleet-sharded-terragrunt
//go:embed secret-from-vault rotate-connections vault-tokens github-actions gitlab-ci
//go:embed quickstart switch-one-shop pairs-to-fleet connections-to-fleet fleet-to-connections waves
var FS embed.FS

// Starter has the files for the folder of terraform-provider-kustom init. It is smaller than [FS], so that the
// provider does not embed everything.
//
//go:embed functions/shop_list/function.tf connections/outputs.tf connections/terraform.tf
//go:embed switch-fleet/main.tf switch-fleet/outputs.tf switch-fleet/variables.tf
//go:embed github-actions/terraform.tf github-actions/workflow.yml gitlab-ci/gitlab-ci.yml
var Starter embed.FS
