output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.shop.username
}

output "why" {
  description = "Why the shop got its key."
  value       = kustom_mystore_connection.shop.reason
}

output "old_keys_waiting" {
  description = "The shop's old keys that wait until the portal shows no use of them. A later apply deletes them."
  value       = [for key in kustom_mystore_connection.shop.keys_to_delete : key.username if key.waits_for != null]
}
