locals {
  shared = {
    for id, shops in { for row in var.rows : row.merchant_id => row.shop... } : id => shops
    if length(shops) > 1 && !contains(var.shared_merchant_ids, id)
  }
}
