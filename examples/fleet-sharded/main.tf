locals {
  # All shops of all shards. A mistake in the list is an error that names its row and column.
  list = provider::kustom::shop_list(filebase64(var.shops_file), var.shared_merchant_ids...)

  # The workspace decides the shard, so a run can't apply one shard's shops to another shard's
  # state.
  shard = try(tonumber(regex("^shard-(0|[1-9][0-9]*)$", terraform.workspace)[0]), -1)

  # The hash of the merchant ID decides the shard of a shop, so a shop stays in its shard when other
  # shops come and go. Shops that share a store may share a key. They must be in one shard, because
  # a run that does not know all of them might delete the key too early.
  shops = {
    for name, shop in local.list : name => { merchant_id = shop.merchant_id, description = shop.description }
    if parseint(substr(md5(shop.merchant_id), 0, 4), 16) % var.shards == local.shard && shop.wave <= var.wave
  }
}

resource "kustom_mystore_fleet" "shard" {
  # A shard may have no shops yet.
  count = length(local.shops) > 0 ? 1 : 0
  shops = local.shops

  # If you remove a shop from the list, it keeps its key. This is the default; "clear" would remove
  # the key.
  deletion_policy = "retain"
}
