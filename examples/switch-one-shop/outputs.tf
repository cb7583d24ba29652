output "kustom_id" {
  description = "The Kustom ID that the shop uses."
  value       = kustom_mystore_connection.shop.username
}

output "why" {
  description = "Why the shop got its key."
  value       = kustom_mystore_connection.shop.reason
}

output "old_keys_waiting" {
  description = "The shop's old keys that are still to be deleted: they wait, or could not be deleted. A later apply deletes them."
  value       = [for key in kustom_mystore_connection.shop.keys_left : key.username]

  # A key may wait until the portal shows no use of it. If a key could not be deleted, the run fails.
  precondition {
    condition     = alltrue([for key in kustom_mystore_connection.shop.keys_left : key.last_error == null])
    error_message = "The shop has its new key, and an old one could not be deleted:\n${join("\n", [for key in kustom_mystore_connection.shop.keys_left : "${key.username}: ${key.last_error}" if key.last_error != null])}"
  }
}
