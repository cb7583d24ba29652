# The provider is a mock. It sends no request and needs no token. The test leaves Vault out, because
# ephemeral resources have no mocks.
mock_provider "kustom" {}

variables {
  shops = {
    butikk     = "M00123456"
    fjellsport = "M00412871"
  }
}

run "each_shop_gets_a_key_of_its_own_store" {
  module {
    source = "./shops"
  }

  assert {
    condition     = tomap({ for c in kustom_mystore_connection.shop : c.shop => c.merchant_id }) == tomap(var.shops)
    error_message = "These are connected: ${jsonencode({ for c in kustom_mystore_connection.shop : c.shop => c.merchant_id })}"
  }
}

run "no_old_key_is_left" {
  module {
    source = "./shops"
  }

  assert {
    condition     = length(output.old_keys_waiting) == 0
    error_message = "Old keys are left: ${jsonencode(output.old_keys_waiting)}"
  }
}
