resource "terraform_data" "key" {
  for_each = var.shops
  input    = { merchant_id = each.value, description = "terraform: ${each.key}" }
}

resource "terraform_data" "credentials" {
  for_each = var.shops
  input    = { shop = each.key, kustom_id = terraform_data.key[each.key].id }
}
