output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.shop.username
}

output "host" {
  description = "The host that the key belongs to."
  value       = kustom_mystore_connection.shop.host
}

output "reason" {
  description = "Why the last apply changed the shop's key, or the planned one will."
  value       = kustom_mystore_connection.shop.reason
}
