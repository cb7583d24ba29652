terraform {
  # 1.11 is also the first version of OpenTofu that runs this.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}
