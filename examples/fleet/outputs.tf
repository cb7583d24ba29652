output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = { for name, shop in kustom_mystore_fleet.all.shops : name => shop.username }
}
