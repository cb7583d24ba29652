locals {
  shops = provider::kustom::shop_list(filebase64("${path.module}/shops.csv"))
}

resource "kustom_mystore_connection" "shop" {
  for_each = { for name, shop in local.shops : name => shop if shop.wave <= var.wave }

  shop        = each.key
  merchant_id = each.value.merchant_id
  description = each.value.description

  # A shop's old key stays until the portal shows no use of it.
  replaced_key_policy = "delete_when_unused"
}
