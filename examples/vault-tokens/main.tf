# The resources are in a separate module, so that terraform test can run it without Vault.
module "shops" {
  source = "./shops"

  shops = var.shops
}

output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = module.shops.kustom_ids
}
