resource "kustom_mystore_fleet" "norway" {
  shops = {
    butikk     = { merchant_id = "M00123456" }
    fjellsport = { merchant_id = "M00412871", description = "webshop" }

    # A change of any value rotates this shop's key, and no other's.
    ullogtre = { merchant_id = "M00698335", rotate_when_changed = { incident = "none" } }
  }

  # The first plan that finds a key this old rotates it.
  rotate_after_days = 365

  lifecycle {
    # The run fails when a shop could not be connected, be the fleet new or not.
    postcondition {
      condition     = alltrue([for shop in self.shops : shop.last_error == null])
      error_message = join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])
    }
  }
}
