variable "wave" {
  description = "The last wave of shops whose turn it is, where the list has the column wave. Only raise it: a shop whose wave is later than this leaves the configuration."
  type        = number
  default     = 1
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

# A mistake in the list is an error that names its row and column.
locals {
  shops = provider::kustom::shop_list(filebase64("${path.module}/shops.csv"), var.shared_merchant_ids...)
}

# For each shop a new key is made, proven and added to Mystore, and the key that the shop used before
# is deleted. No secret is stored anywhere.
resource "kustom_mystore_connection" "shop" {
  for_each = { for name, shop in local.shops : name => shop if shop.wave <= var.wave }

  shop        = each.key
  merchant_id = each.value.merchant_id
  description = each.value.description
}
