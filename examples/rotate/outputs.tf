output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value = {
    for c in mystore_klarna_checkout_credentials.shop : c.shop => c.kustom_id
  }
}

output "hosts" {
  description = "The host that each store's key belongs to: merchant ID => host."
  value = {
    for k in kustom_api_key.checkout : k.merchant_id => k.host
  }
}
