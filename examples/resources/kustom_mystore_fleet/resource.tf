resource "kustom_mystore_fleet" "norway" {
  shops = {
    butikk     = { merchant_id = "M00123456" }
    fjellsport = { merchant_id = "M00412871", description = "webshop" }

    # A change of any value rotates this shop's key only.
    ullogtre = { merchant_id = "M00698335", rotate_when_changed = { incident = "none" } }
  }

  # The first plan after this age rotates the key.
  rotate_after_days = 365

  lifecycle {
    # The run fails if the provider could not connect a shop, also when it creates the fleet.
    postcondition {
      condition     = alltrue([for shop in self.shops : shop.last_error == null])
      error_message = join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])
    }
  }
}
