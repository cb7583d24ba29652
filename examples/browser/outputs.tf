output "kustom_ids" {
  description = "The Kustom ID that each shop uses: shop => username."
  value       = { for c in kustom_mystore_connection.shop : c.shop => c.username }
}
