resource "kustom_api_key" "checkout" {
  merchant_id = var.merchant_id
  description = "terraform: ${var.shop}"
}

resource "mystore_klarna_checkout_credentials" "shop" {
  provider = kustom

  shop          = var.shop
  kustom_id     = kustom_api_key.checkout.username
  kustom_secret = kustom_api_key.checkout.secret
}
