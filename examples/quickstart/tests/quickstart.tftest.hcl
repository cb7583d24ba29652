# The provider is a mock. It sends no request and needs no token.
mock_provider "kustom" {}

run "the_shop_gets_a_key_of_its_store" {
  command = plan

  assert {
    condition     = kustom_mystore_connection.fjellsport.shop == "fjellsport"
    error_message = "The connection belongs to another shop, ${kustom_mystore_connection.fjellsport.shop}."
  }

  assert {
    condition     = kustom_mystore_connection.fjellsport.merchant_id == "M00412871"
    error_message = "The key is to be one of another store, ${kustom_mystore_connection.fjellsport.merchant_id}."
  }
}

run "the_output_is_the_shops_kustom_id" {
  assert {
    condition     = output.kustom_id == kustom_mystore_connection.fjellsport.username
    error_message = "The output is not the Kustom ID that the shop uses."
  }
}
