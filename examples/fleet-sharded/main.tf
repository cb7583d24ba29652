locals {
  # All shops, of whatever shard. A mistake in the list is an error that names its row and column.
  list = provider::kustom::shop_list(filebase64(var.shops_file), var.shared_merchant_ids...)

  # The workspace decides the shard: a run can't take one shard's shops for another shard's state.
  shard = try(tonumber(regex("^shard-(0|[1-9][0-9]*)$", terraform.workspace)[0]), -1)

  # The hash of the merchant ID decides which shard a shop is in, so that other shops come and go
  # without moving it. It is not the shop's name because shops that share a store may share a key,
  # and a run that doesn't know all of them might delete it too early.
  shops = {
    for name, shop in local.list : name => { merchant_id = shop.merchant_id, description = shop.description }
    if parseint(substr(md5(shop.merchant_id), 0, 4), 16) % var.shards == local.shard && shop.wave <= var.wave
  }
}

resource "kustom_mystore_fleet" "shard" {
  # A shard may have no shops yet.
  count = length(local.shops) > 0 ? 1 : 0
  shops = local.shops

  # A shop that is taken off the list keeps its key. This is the default; "clear" would empty the shop.
  deletion_policy = "retain"
}
