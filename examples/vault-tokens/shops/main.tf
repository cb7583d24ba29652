# The switch of each shop: the provider makes a new key, proves it, adds it to Mystore, and deletes
# the key that the shop used before. No secret is stored.
resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
