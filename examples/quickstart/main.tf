terraform {
  # The same version of OpenTofu works too.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}

# All settings are environment variables: KUSTOM_PORTAL_TOKEN, MYSTORE_TOKENS and, for the sandbox,
# the addresses.
provider "kustom" {}

# The provider generates a new key, proves it, installs it in the shop, and deletes the key that the
# shop used before.
resource "kustom_mystore_connection" "fjellsport" {
  shop        = "fjellsport"
  merchant_id = "M00412871"
}

output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.fjellsport.username
}
