resource "kustom_api_key" "checkout" {
  for_each    = var.shops
  merchant_id = each.value
  description = "terraform: ${each.key}"
}

resource "mystore_klarna_checkout_credentials" "shop" {
  for_each = var.shops
  provider = kustom

  shop          = each.key
  kustom_id     = kustom_api_key.checkout[each.key].username
  kustom_secret = kustom_api_key.checkout[each.key].secret
}
