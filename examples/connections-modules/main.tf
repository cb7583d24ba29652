module "shop" {
  source   = "../modules/shop-connection"
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value
}
