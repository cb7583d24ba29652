resource "kustom_api_key" "checkout" {
  merchant_id = "M00123456"

  # Terraform installs the new key before it deletes the old key, so the checkout always has a key.
  lifecycle {
    create_before_destroy = true
  }
}
