resource "kustom_mystore_connection" "shop" {
  shop                = var.shop
  merchant_id         = var.merchant_id
  description         = var.description
  rotate_when_changed = var.rotate_when_changed
  rotate_after_days   = var.rotate_after_days
}
