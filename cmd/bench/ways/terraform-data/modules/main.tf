resource "terraform_data" "key" {
  input = { merchant_id = var.merchant_id, description = "terraform: ${var.shop}" }
}

# It refers to the key as often as the credentials of a pair do: to its username and to its secret.
resource "terraform_data" "credentials" {
  input = {
    shop          = var.shop
    kustom_id     = terraform_data.key.id
    kustom_secret = terraform_data.key.output
  }
}
