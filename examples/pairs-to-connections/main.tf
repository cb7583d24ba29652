# In place of kustom_api_key and mystore_klarna_checkout_credentials in a configuration like
# examples/switch. The shops and their keys stay as they are.
removed {
  from = kustom_api_key.checkout

  lifecycle {
    destroy = false
  }
}

removed {
  from = mystore_klarna_checkout_credentials.shop

  lifecycle {
    destroy = false
  }
}

import {
  for_each = var.shops
  to       = kustom_mystore_connection.shop[each.key]
  id       = "${each.key}/${each.value}"
}

# A rotation afterwards replaces the secret that older versions of the state still have.
resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
