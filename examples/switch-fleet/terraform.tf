terraform {
  # The same version of OpenTofu works too.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}
