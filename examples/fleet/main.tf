# One resource switches all shops. For each shop, the provider generates a new key, proves it,
# installs it in the shop, and deletes the key that the shop used before. Only the shop stores the
# secret.
resource "kustom_mystore_fleet" "all" {
  shops = {
    for shop, merchant_id in var.shops : shop => {
      merchant_id = merchant_id
    }
  }

  # If you remove a shop from the list, it keeps its key. This is the default; "clear" would remove
  # the key.
  deletion_policy = "retain"

  lifecycle {
    # The run fails if the provider could not connect a shop, also when it creates the fleet.
    postcondition {
      condition     = alltrue([for shop in self.shops : shop.last_error == null])
      error_message = join("\n", [for name, shop in self.shops : "${name}: ${shop.last_error}" if shop.last_error != null])
    }
  }
}
