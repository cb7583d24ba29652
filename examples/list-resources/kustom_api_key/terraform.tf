terraform {
  # The first version with list resources.
  required_version = ">= 1.14"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}
