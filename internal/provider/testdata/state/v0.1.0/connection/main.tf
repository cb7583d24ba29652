terraform {
  required_providers {
    kustom = { source = "registry.terraform.io/storefront-iac/kustom" }
  }
}

resource "kustom_mystore_connection" "fjellsport" {
  shop                = "fjellsport"
  merchant_id         = "M00412871"
  description         = "terraform: fjellsport"
  rotate_after_days   = 365
  rotate_when_changed = { ticket = "1" }
  deletion_policy     = "clear"
  replaced_key_policy       = "keep"

  timeouts {
    create = "5m"
  }
}

resource "kustom_mystore_connection" "ullogtre" {
  shop        = "ullogtre"
  merchant_id = "M00698335"
}
