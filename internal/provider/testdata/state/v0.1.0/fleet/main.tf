terraform {
  required_providers {
    kustom = { source = "registry.terraform.io/storefront-iac/kustom" }
  }
}

resource "kustom_mystore_fleet" "all" {
  shops = {
    fjellsport = { merchant_id = "M00412871", description = "terraform: fjellsport", rotate_when_changed = { ticket = "1" } }
    kaffebonna = { merchant_id = "M00537204" }
    ullogtre   = { merchant_id = "M00698335" }
  }
  rotate_after_days    = 365
  rotate_before_expiry = "336h"
  allow_store_change   = true
  deletion_policy      = "clear"
  replaced_key_policy  = "keep"
  unused_for           = "72h"
  max_concurrency      = 2

  timeouts {
    create = "5m"
  }
}
