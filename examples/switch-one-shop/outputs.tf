output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.shop.username
}

output "why" {
  description = "Why the shop got its key."
  value       = kustom_mystore_connection.shop.reason
}
