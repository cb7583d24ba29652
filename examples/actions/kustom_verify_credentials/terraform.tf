terraform {
  # The first version with actions.
  required_version = ">= 1.14"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}
