# What the tokens are for is in a module of its own, which terraform test can run without Vault.
module "shops" {
  source = "./shops"

  shops = var.shops
}

output "old_keys_waiting" {
  description = "Shop => its old keys that are still to be deleted."
  value       = module.shops.old_keys_waiting
}
