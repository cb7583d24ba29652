terraform {
  # 1.11 is also OpenTofu's first version that runs this.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
    vault = {
      source = "hashicorp/vault"
      # The first version that has ephemeral resources.
      version = ">= 5.0"
    }
  }
}
