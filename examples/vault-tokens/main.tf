# The resources are in a separate module, so that terraform test can run it without Vault.
module "shops" {
  source = "./shops"

  shops = var.shops
}

output "old_keys_waiting" {
  description = "Shop => its old keys that are still to be deleted."
  value       = module.shops.old_keys_waiting
}
