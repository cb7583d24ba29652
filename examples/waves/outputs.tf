locals {
  old_keys_waiting = {
    for c in kustom_mystore_connection.shop : c.shop => [for key in c.keys_to_delete : key.username if key.waits_for != null]
  }
}

output "old_keys_waiting" {
  description = "Shop => its old keys that wait until the portal shows no use of them. A later apply deletes them."
  value       = { for shop, keys in local.old_keys_waiting : shop => keys if length(keys) > 0 }
}
