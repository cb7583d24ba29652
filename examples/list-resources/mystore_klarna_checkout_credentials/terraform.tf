terraform {
  # The first version that has list resources.
  required_version = ">= 1.14"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}
