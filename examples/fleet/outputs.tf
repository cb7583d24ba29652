output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = { for name, shop in kustom_mystore_fleet.all.shops : name => shop.username }
}

locals {
  old_keys_waiting = {
    for name, shop in kustom_mystore_fleet.all.shops : name => [for key in shop.keys_to_delete == null ? [] : tolist(shop.keys_to_delete) : key.username if key.waits_for != null]
  }
}

output "old_keys_waiting" {
  description = "Shop => its old keys that wait until the portal shows no use of them. A later apply deletes them."
  value       = { for shop, keys in local.old_keys_waiting : shop => keys if length(keys) > 0 }
}
