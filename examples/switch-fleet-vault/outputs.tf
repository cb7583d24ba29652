locals {
  connected = merge([for fleet in kustom_mystore_fleet.chunk : fleet.shops]...)
  errors    = { for name, shop in local.connected : name => shop.last_error if shop.last_error != null }
}

# If the provider can't switch a shop, it continues with the others. The run fails here, and not in a
# postcondition of the fleet, so that the other outputs are complete.
output "errors" {
  description = "The shops that keep their old key, and the reason."
  value       = local.errors

  precondition {
    condition     = length(local.errors) == 0
    error_message = "These shops could not be connected:\n${join("\n", [for name, error in local.errors : "${name}: ${error}"])}"
  }
}

locals {
  old_keys = { for name, shop in local.connected : name => shop.keys_left == null ? [] : tolist(shop.keys_left) }
  undeleted = flatten([
    for shop, keys in local.old_keys : [for key in keys : "${shop}: ${key.username}: ${key.last_error}" if key.last_error != null]
  ])
}

# A key may wait until the portal shows no use of it. If a key could not be deleted, the run fails here.
output "old_keys_waiting" {
  description = "Shop => its old keys that are still to be deleted: they wait, or could not be deleted. A later apply deletes them."
  value       = { for shop, keys in local.old_keys : shop => [for key in keys : key.username] if length(keys) > 0 }

  precondition {
    condition     = length(local.undeleted) == 0
    error_message = "These shops have their new keys, and ${length(local.undeleted)} of their old keys could not be deleted:\n${join("\n", slice(local.undeleted, 0, min(10, length(local.undeleted))))}"
  }
}
