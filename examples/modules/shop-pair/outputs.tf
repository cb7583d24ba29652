output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = mystore_klarna_checkout_credentials.shop.kustom_id
}

output "kustom_secret" {
  description = "The key's Kustom Secret, for other uses."
  value       = mystore_klarna_checkout_credentials.shop.kustom_secret
  sensitive   = true
}

output "host" {
  description = "The host that the key belongs to."
  value       = kustom_api_key.checkout.host
}
