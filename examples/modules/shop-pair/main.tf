resource "kustom_api_key" "checkout" {
  merchant_id         = var.merchant_id
  description         = var.description
  rotate_when_changed = var.rotate_when_changed
  rotate_after_days   = var.rotate_after_days

  # The shop gets the new key before Terraform deletes the old key.
  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "shop" {
  provider = kustom

  shop          = var.shop
  kustom_id     = kustom_api_key.checkout.username
  kustom_secret = kustom_api_key.checkout.secret
}
