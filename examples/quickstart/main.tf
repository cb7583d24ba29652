terraform {
  # 1.11 is also the first version of OpenTofu that runs this.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}

# All that the provider has to know is in the environment: KUSTOM_PORTAL_TOKEN, MYSTORE_TOKENS and,
# for the sandbox, the addresses.
provider "kustom" {}

# A new key is made, proven and added to the shop, and the key that the shop used before is deleted.
resource "kustom_mystore_connection" "fjellsport" {
  shop        = "fjellsport"
  merchant_id = "M00412871"
}

output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.fjellsport.username
}
