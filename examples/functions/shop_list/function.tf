variable "wave" {
  description = "The last wave of shops whose turn it is."
  type        = number
  default     = 1
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

locals {
  shops = provider::kustom::shop_list(filebase64("${path.module}/shops.csv"), var.shared_merchant_ids...)
}

resource "kustom_mystore_connection" "shop" {
  for_each = { for name, shop in local.shops : name => shop if shop.wave <= var.wave }

  shop        = each.key
  merchant_id = each.value.merchant_id
  description = each.value.description
}
