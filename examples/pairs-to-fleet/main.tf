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
  to = kustom_mystore_fleet.all
  id = join(",", [for shop, merchant_id in var.shops : "${shop}/${merchant_id}"])
}

# The keys keep the descriptions that they have: to give them others would rotate them. A rotation
# afterwards replaces the secrets that older versions of the state still have.
resource "kustom_mystore_fleet" "all" {
  shops = { for shop, merchant_id in var.shops : shop => { merchant_id = merchant_id } }

  lifecycle {
    # The run fails when a shop could not be connected, be the fleet new or not.
    postcondition {
      condition     = alltrue([for shop in self.shops : shop.last_error == null])
      error_message = join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])
    }
  }
}
