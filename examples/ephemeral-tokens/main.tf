# For each shop, the provider generates a new key, proves it, installs it in the shop, and deletes
# the key that the shop used before. Only the shop stores the secret.
resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
