resource "kustom_mystore_connection" "shop" {
  for_each    = var.shops
  shop        = each.key
  merchant_id = each.value
  description = "terraform: ${each.key}"
}
