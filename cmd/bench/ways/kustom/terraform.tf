terraform {
  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}
