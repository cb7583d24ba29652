resource "noop_fleet" "all" {
  shops = { for shop, merchant_id in var.shops : shop => { merchant_id = merchant_id } }
}
