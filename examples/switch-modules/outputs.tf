output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = { for merchant_id, shop in var.stores : shop => module.shop[merchant_id].kustom_id }
}

output "hosts" {
  description = "The host that each store's key belongs to: merchant ID => host."
  value       = { for merchant_id, shop in module.shop : merchant_id => shop.host }
}
