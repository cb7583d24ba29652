module "shop" {
  for_each = var.shops
  source   = "./shop"

  shop        = each.key
  merchant_id = each.value
}
