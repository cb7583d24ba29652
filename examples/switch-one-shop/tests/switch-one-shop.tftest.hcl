# The provider is a mock. It sends no request and needs no token.
mock_provider "kustom" {
  mock_data "kustom_endpoint_status" {
    defaults = { action_required = false }
  }
}

variables {
  shop        = "butikk"
  merchant_id = "M00123456"
}

run "the_shop_gets_a_key_of_its_store" {
  assert {
    condition     = kustom_mystore_connection.shop.shop == "butikk" && kustom_mystore_connection.shop.merchant_id == "M00123456"
    error_message = "Shop ${kustom_mystore_connection.shop.shop} would get a key of store ${kustom_mystore_connection.shop.merchant_id}."
  }
}

run "a_store_that_still_calls_klarna_is_warned_of" {
  override_data {
    target = data.kustom_endpoint_status.store
    values = { action_required = true }
  }

  expect_failures = [check.nothing_left_to_do]
}
