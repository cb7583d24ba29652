# Use this in place of kustom_mystore_connection in a configuration like examples/connections.
removed {
  from = kustom_mystore_connection.shop

  lifecycle {
    destroy = false
  }
}

data "kustom_api_keys" "all" {
  merchant_ids = keys(var.stores)
}

import {
  for_each = {
    for k in data.kustom_api_keys.all.api_keys : k.merchant_id => k if k.current
  }
  to = kustom_api_key.checkout[each.key]
  id = each.value.id
}

# Nobody knows the secret of a connection's key. So each shop gets a new key here. The new
# description rotates it.
resource "kustom_api_key" "checkout" {
  for_each    = var.stores
  merchant_id = each.key
  description = "terraform: ${each.value} pair"

  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "shop" {
  for_each = var.stores
  provider = kustom

  shop          = each.value
  kustom_id     = kustom_api_key.checkout[each.key].username
  kustom_secret = kustom_api_key.checkout[each.key].secret
}
