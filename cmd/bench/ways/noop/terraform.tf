terraform {
  required_providers {
    noop = {
      source = "storefront-iac/noop"
    }
  }
}
