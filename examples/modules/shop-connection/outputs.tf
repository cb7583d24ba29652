output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.shop.username
}

output "host" {
  description = "The host that the key belongs to."
  value       = kustom_mystore_connection.shop.host
}

output "reason" {
  description = "Why the planned apply will change the shop's key, or the last apply has changed it."
  value       = kustom_mystore_connection.shop.reason
}

output "old_keys_waiting" {
  description = "The shop's old keys that wait until the portal shows no use of them. A later apply deletes them."
  value       = [for key in kustom_mystore_connection.shop.keys_to_delete : key.username if key.waits_for != null]
}
