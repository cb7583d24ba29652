# The whole guide for each shop: a new key is made, proven and added to Mystore, and the key that the
# shop used before is deleted. No secret is stored anywhere.
resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
