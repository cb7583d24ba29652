# What the tokens are for is in a module of its own, which terraform test can run without Vault.
module "shops" {
  source = "./shops"

  shops = var.shops
}

output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = module.shops.kustom_ids
}
