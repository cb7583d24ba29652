locals {
  # A mistake in the list is an error that names its row and column.
  list = provider::kustom::shop_list(filebase64(var.shops_file), var.shared_merchant_ids...)

  # The hash of a shop's name decides its chunk, so that other shops come and go without moving it.
  chunks = {
    for name, shop in local.list : parseint(substr(md5(name), 0, 4), 16) % var.chunks => name... if shop.wave <= var.wave
  }
}

# For each shop a new key is made, proven and added to Mystore, and the key that the shop used before
# is deleted. No secret is stored anywhere.
resource "kustom_mystore_fleet" "chunk" {
  for_each = local.chunks

  shops = { for name in each.value : name => { merchant_id = local.list[name].merchant_id, description = local.list[name].description } }

  # A shop that is taken off the list keeps its key. This is the default; "clear" would empty the shop.
  deletion_policy = "retain"
}
