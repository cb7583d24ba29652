# Use this in place of kustom_api_key and mystore_klarna_checkout_credentials in a configuration
# like examples/switch. The shops and their keys do not change.
moved {
  from = mystore_klarna_checkout_credentials.shop
  to   = kustom_mystore_connection.shop
}

# The connection manages the key from now on.
removed {
  from = kustom_api_key.checkout

  lifecycle {
    destroy = false
  }
}

# Older versions of the state still have the secret, so rotate the key afterwards.
resource "kustom_mystore_connection" "shop" {
  for_each = var.stores

  shop        = each.value
  merchant_id = each.key
}
