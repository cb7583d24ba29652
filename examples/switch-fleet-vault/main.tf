locals {
  # A mistake in the list is an error that names its row and column.
  list = provider::kustom::shop_list(filebase64(var.shops_file), var.shared_merchant_ids...)

  # The hash of a shop's name decides its chunk, so a shop stays in its chunk when other shops come
  # and go.
  chunks = {
    for name, shop in local.list : parseint(substr(md5(name), 0, 4), 16) % var.chunks => name... if shop.wave <= var.wave
  }
}

# For each shop, the provider generates a new key, proves it, installs it in the shop, and deletes
# the key that the shop used before. Only the shop stores the secret.
resource "kustom_mystore_fleet" "chunk" {
  for_each = local.chunks

  shops = { for name in each.value : name => { merchant_id = local.list[name].merchant_id, description = local.list[name].description } }

  # If you remove a shop from the list, it keeps its key. This is the default; "clear" would remove
  # the key.
  deletion_policy = "retain"
}
