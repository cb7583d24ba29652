data "kustom_legacy_integrations" "all" {
  merchant_ids = keys(var.stores)
}

# The keys to replace are found, not typed in: those that a shop takes payments with and that
# still point at Klarna. After the switch there are none, and this block imports nothing.
import {
  for_each = {
    for i in data.kustom_legacy_integrations.all.integrations : i.merchant_id => i if i.current
  }
  to = kustom_api_key.checkout[each.key]
  id = each.value.id
}

# Step 1 of the guide, generate a new key, and step 3, delete the old one. An imported key's host
# is api.klarna.com; it cannot be changed to api.kustom.co, so the key is replaced.
resource "kustom_api_key" "checkout" {
  for_each    = var.stores
  merchant_id = each.key

  # Puts step 2 between the two: the old key is deleted when the shop no longer uses it.
  lifecycle {
    create_before_destroy = true
  }
}

# Step 2, add the new key to Klarna Checkout V3 in Mystore. The secret is stored in the state,
# marked as sensitive: keep the state where only those who may see it can read it.
resource "mystore_klarna_checkout_credentials" "shop" {
  for_each = var.stores
  provider = kustom

  shop          = each.value
  kustom_id     = kustom_api_key.checkout[each.key].username
  kustom_secret = kustom_api_key.checkout[each.key].secret
}
