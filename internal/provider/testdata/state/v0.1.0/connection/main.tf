terraform {
  required_providers {
    kustom = { source = "registry.terraform.io/storefront-iac/kustom" }
  }
}

resource "kustom_mystore_connection" "fjellsport" {
  shop                 = "fjellsport"
  merchant_id          = "M00412871"
  description          = "terraform: fjellsport"
  rotate_after_days    = 365
  rotate_before_expiry = "336h"
  rotate_when_changed  = { ticket = "1" }
  allow_store_change   = true
  deletion_policy      = "clear"
  replaced_key_policy  = "delete_when_unused"
  unused_for           = "8760h"

  timeouts {
    create = "5m"
  }
}

resource "kustom_mystore_connection" "ullogtre" {
  shop        = "ullogtre"
  merchant_id = "M00698335"
}
