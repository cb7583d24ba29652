resource "kustom_api_key" "checkout" {
  merchant_id = "M00123456"

  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "butikk" {
  # The type's name does not begin with the provider's name, so name the provider.
  provider = kustom

  shop          = "butikk"
  kustom_id     = kustom_api_key.checkout.username
  kustom_secret = kustom_api_key.checkout.secret
}
