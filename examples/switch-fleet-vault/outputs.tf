locals {
  connected = merge([for fleet in kustom_mystore_fleet.chunk : fleet.shops]...)
  errors    = { for name, shop in local.connected : name => shop.last_error if shop.last_error != null }
}

output "table" {
  description = "The key of each shop. Read it with: terraform output -raw table"
  value = join("\n", [
    for row in concat([["SHOP", "MERCHANT ID", "USERNAME", "HOST", "LAST ERROR"]], [
      for name, shop in local.connected :
      [name, shop.merchant_id, shop.username, shop.username == null ? null : shop.host, shop.last_error]
    ]) : format("%-24s %-12s %-18s %-15s %s", [for cell in row : cell == null ? "-" : cell]...)
  ])
}

# If the provider can't connect a shop, the other shops go on. This output then fails the run. A
# postcondition of the fleet would leave the shop out of the table.
output "errors" {
  description = "The shops that keep their old key, and why."
  value       = local.errors

  precondition {
    condition     = length(local.errors) == 0
    error_message = "These shops could not be connected:\n${join("\n", [for name, error in local.errors : "${name}: ${error}"])}"
  }
}

locals {
  old_keys_waiting = {
    for name, shop in local.connected : name => [for key in shop.keys_to_delete == null ? [] : tolist(shop.keys_to_delete) : key.username if key.waits_for != null]
  }
}

output "old_keys_waiting" {
  description = "Shop => its old keys that wait until the portal shows no use of them. A later apply deletes them."
  value       = { for shop, keys in local.old_keys_waiting : shop => keys if length(keys) > 0 }
}
