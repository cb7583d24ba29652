# The provider is a mock. It sends no request and needs no token.
mock_provider "kustom" {}

variables {
  shops = {
    butikk     = "M00123456"
    fjellsport = "M00412871"
  }
}

run "each_shop_gets_a_key_of_its_own_store" {
  command = plan

  assert {
    condition     = tomap({ for c in kustom_mystore_connection.shop : c.shop => c.merchant_id }) == tomap(var.shops)
    error_message = "These are connected: ${jsonencode({ for c in kustom_mystore_connection.shop : c.shop => c.merchant_id })}"
  }
}

run "the_output_has_each_shops_kustom_id" {
  assert {
    condition     = alltrue([for shop, id in output.kustom_ids : id == kustom_mystore_connection.shop[shop].username])
    error_message = "The output is not what the shops use: ${jsonencode(output.kustom_ids)}"
  }

  assert {
    condition     = toset(keys(output.kustom_ids)) == toset(keys(var.shops))
    error_message = "The output is not about the same shops: ${jsonencode(output.kustom_ids)}"
  }
}
