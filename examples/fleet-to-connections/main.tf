# In place of kustom_mystore_fleet in a configuration like examples/fleet. The shops and their keys
# stay as they are.
removed {
  from = kustom_mystore_fleet.all

  lifecycle {
    destroy = false
  }
}

import {
  for_each = var.shops
  to       = kustom_mystore_connection.shop[each.key]
  id       = "${each.key}/${each.value}"
}

# The keys keep the descriptions that they have: to give them others would rotate them.
resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
