output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = { for shop, connected in module.shop : shop => connected.kustom_id }
}

output "old_keys_waiting" {
  description = "Shop => its old keys that wait until the portal shows no use of them. A later apply deletes them."
  value       = { for shop, connected in module.shop : shop => connected.old_keys_waiting if length(connected.old_keys_waiting) > 0 }
}
