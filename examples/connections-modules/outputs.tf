output "old_keys_waiting" {
  description = "Shop => its old keys that are still to be deleted: they wait, or could not be deleted. A later apply deletes them."
  value       = { for shop, connected in module.shop : shop => connected.old_keys_waiting if length(connected.old_keys_waiting) > 0 }
}
