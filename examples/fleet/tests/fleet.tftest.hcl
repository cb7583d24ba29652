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
    condition     = tomap({ for name, shop in kustom_mystore_fleet.all.shops : name => shop.merchant_id }) == tomap(var.shops)
    error_message = "These are in the fleet: ${jsonencode({ for name, shop in kustom_mystore_fleet.all.shops : name => shop.merchant_id })}"
  }
}

# If you remove a shop from the list, it keeps its key.
run "nothing_empties_a_shop" {
  command = plan

  assert {
    condition     = kustom_mystore_fleet.all.deletion_policy == "retain"
    error_message = "A shop that is taken off the list would take no payments any more."
  }
}
