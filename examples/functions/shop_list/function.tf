variable "wave" {
  description = "The last wave of shops to switch, if the list has the column wave. Only raise it: a shop of a later wave leaves the configuration."
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

# For each shop, the provider generates a new key, proves it, installs it in the shop, and deletes
# the key that the shop used before. Only the shop stores the secret.
resource "kustom_mystore_connection" "shop" {
  for_each = { for name, shop in local.shops : name => shop if shop.wave <= var.wave }

  shop        = each.key
  merchant_id = each.value.merchant_id
  description = each.value.description
}
