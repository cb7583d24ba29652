# Use this in place of kustom_api_key and mystore_klarna_checkout_credentials in a configuration
# like examples/switch. The shops and their keys do not change.
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

# The keys keep their descriptions. Other descriptions would rotate the keys. Older versions of the
# state still have the secrets, so rotate the keys afterwards.
resource "kustom_mystore_fleet" "all" {
  shops = { for shop, merchant_id in var.shops : shop => { merchant_id = merchant_id } }

  lifecycle {
    # The run fails if the provider could not connect a shop, also when it creates the fleet.
    postcondition {
      condition     = alltrue([for shop in self.shops : shop.last_error == null])
      error_message = join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])
    }
  }
}
