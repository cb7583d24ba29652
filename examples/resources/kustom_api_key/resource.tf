resource "kustom_api_key" "checkout" {
  merchant_id = "M00123456"

  # The new key is installed before the old one is deleted: the checkout is never without one.
  lifecycle {
    create_before_destroy = true
  }
}
