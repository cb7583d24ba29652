data "kustom_legacy_integrations" "all" {
  merchant_ids = keys(var.stores)
}

# The data source finds the keys to replace: keys of Klarna's host that a shop takes payments with.
# After the switch there are none, and this block imports nothing.
import {
  for_each = {
    for i in data.kustom_legacy_integrations.all.integrations : i.merchant_id => i if i.current
  }
  to = module.shop[each.key].kustom_api_key.checkout
  id = each.value.id
}

# An imported key belongs to api.klarna.com. It can't change to api.kustom.co, so the module
# replaces the key.
module "shop" {
  source   = "../modules/shop-pair"
  for_each = var.stores

  merchant_id = each.key
  shop        = each.value
}
