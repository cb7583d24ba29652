# The whole guide for all shops, as one object: for each a new key is made, proven and added to
# Mystore, and the key that the shop used before is deleted. No secret is stored anywhere.
resource "kustom_mystore_fleet" "all" {
  shops = {
    for shop, merchant_id in var.shops : shop => {
      merchant_id = merchant_id
    }
  }

  # A shop that is taken off the list keeps its key. This is the default; "clear" would empty the shop.
  deletion_policy = "retain"

  lifecycle {
    # The run fails when a shop could not be connected, be the fleet new or not.
    postcondition {
      condition     = alltrue([for shop in self.shops : shop.last_error == null])
      error_message = join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])
    }
  }
}
