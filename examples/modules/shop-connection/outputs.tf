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

output "old_keys_waiting" {
  description = "The shop's old keys whose deletion waits, until the portal shows no use of them. A later apply deletes them."
  value       = [for key in kustom_mystore_connection.shop.keys_to_delete : key.username if key.waits_for != null]
}
