terraform {
  required_providers {
    kustom = { source = "registry.terraform.io/storefront-iac/kustom" }
  }
}

resource "kustom_api_key" "fjellsport" {
  merchant_id          = "M00412871"
  description          = "terraform: fjellsport"
  host                 = "api.kustom.co"
  rotate_after_days    = 365
  rotate_before_expiry = "336h"
  rotate_when_changed  = { ticket = "1" }
  deletion_policy      = "delete"
  unused_for           = "720h"
  force_destroy        = true

  lifecycle {
    create_before_destroy = true
  }
  timeouts {
    create = "5m"
    delete = "5m"
  }
}

resource "mystore_klarna_checkout_credentials" "fjellsport" {
  provider = kustom

  shop               = "fjellsport"
  kustom_id          = kustom_api_key.fjellsport.username
  kustom_secret      = kustom_api_key.fjellsport.secret
  allow_store_change = true
  deletion_policy    = "clear"
  verify             = true

  timeouts {
    update = "5m"
  }
}

resource "kustom_api_key" "kaffebonna" {
  merchant_id = "M00537204"

  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "kaffebonna" {
  provider = kustom

  shop                     = "kaffebonna"
  kustom_id                = kustom_api_key.kaffebonna.username
  kustom_secret_wo         = kustom_api_key.kaffebonna.secret
  kustom_secret_wo_version = 1
}
