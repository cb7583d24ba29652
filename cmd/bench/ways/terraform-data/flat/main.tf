resource "terraform_data" "key" {
  for_each = var.shops
  input    = { merchant_id = each.value, description = "terraform: ${each.key}" }
}

# It refers to the key as often as the credentials of a pair do: to its username and to its secret.
resource "terraform_data" "credentials" {
  for_each = var.shops
  input = {
    shop          = each.key
    kustom_id     = terraform_data.key[each.key].id
    kustom_secret = terraform_data.key[each.key].output
  }
}
