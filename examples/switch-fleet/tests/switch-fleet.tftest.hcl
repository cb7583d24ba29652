# The provider is a mock. It sends no request and needs no token.
mock_provider "kustom" {}

run "each_shop_of_the_list_is_in_one_chunk" {
  command = plan

  assert {
    condition     = sort(flatten(values(local.chunks))) == sort(keys(local.list))
    error_message = "These are in the chunks: ${jsonencode(local.chunks)}"
  }

  assert {
    condition = alltrue([for name, shop in local.list : anytrue([
      for fleet in kustom_mystore_fleet.chunk : try(fleet.shops[name].merchant_id == shop.merchant_id, false)
    ])])
    error_message = "A shop would get a key of another store, or none."
  }
}

# If you remove a shop from the list, it keeps its key.
run "nothing_empties_a_shop" {
  command = plan

  assert {
    condition     = alltrue([for fleet in kustom_mystore_fleet.chunk : fleet.deletion_policy == "retain"])
    error_message = "A shop that is taken off the list would take no payments any more."
  }
}

run "one_chunk_has_them_all" {
  command = plan

  variables {
    chunks = 1
  }

  assert {
    condition     = length(kustom_mystore_fleet.chunk) == 1 && length(local.chunks["0"]) == length(local.list)
    error_message = "These are in the chunks: ${jsonencode(local.chunks)}"
  }
}

# If the list has waves, later shops wait.
run "only_the_waves_whose_turn_it_is" {
  command = plan

  variables {
    shops_file = "tests/waves.csv"
    wave       = 2
  }

  assert {
    condition     = sort(flatten(values(local.chunks))) == tolist(["fjellsport", "kaffebonna"])
    error_message = "These are in the chunks: ${jsonencode(local.chunks)}"
  }
}
