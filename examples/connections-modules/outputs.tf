output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = { for shop, connected in module.shop : shop => connected.kustom_id }
}
