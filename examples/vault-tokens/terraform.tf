terraform {
  # The same version of OpenTofu works too.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
    vault = {
      source = "hashicorp/vault"
      # The first version with ephemeral resources.
      version = ">= 5.0"
    }
  }
}
