resource "noop_api_key" "checkout" {
  merchant_id = var.merchant_id
  description = "terraform: ${var.shop}"
}

resource "noop_checkout_credentials" "shop" {
  shop          = var.shop
  kustom_id     = noop_api_key.checkout.username
  kustom_secret = noop_api_key.checkout.secret
}
