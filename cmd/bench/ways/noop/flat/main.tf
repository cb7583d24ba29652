resource "noop_api_key" "checkout" {
  for_each    = var.shops
  merchant_id = each.value
  description = "terraform: ${each.key}"
}

resource "noop_checkout_credentials" "shop" {
  for_each      = var.shops
  shop          = each.key
  kustom_id     = noop_api_key.checkout[each.key].username
  kustom_secret = noop_api_key.checkout[each.key].secret
}
