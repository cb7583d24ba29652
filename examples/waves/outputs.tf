locals {
  old_keys = { for c in kustom_mystore_connection.shop : c.shop => c.keys_left }
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
