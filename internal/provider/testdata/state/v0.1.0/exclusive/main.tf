terraform {
  required_providers {
    kustom = { source = "registry.terraform.io/storefront-iac/kustom" }
  }
}

resource "kustom_mystore_connection" "kaffebonna" {
  shop        = "kaffebonna"
  merchant_id = "M00537204"
}

resource "kustom_api_keys_exclusive" "kaffebonna" {
  merchant_id    = "M00537204"
  credential_ids = [kustom_mystore_connection.kaffebonna.credential_id]

  timeouts {
    create = "5m"
  }
}
