# Use this in place of kustom_mystore_fleet in a configuration like examples/fleet. The shops and
# their keys do not change.
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

# The keys keep their descriptions. Other descriptions would rotate the keys.
resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
