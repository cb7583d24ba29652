resource "terraform_data" "key" {
  input = { merchant_id = var.merchant_id, description = "terraform: ${var.shop}" }
}

resource "terraform_data" "credentials" {
  input = { shop = var.shop, kustom_id = terraform_data.key.id }
}
