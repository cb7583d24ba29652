data "kustom_legacy_integrations" "all" {
  merchant_ids = keys(var.stores)
}

# The data source finds the keys to replace: keys of Klarna's host that a shop takes payments with.
# After the switch there are none, and this block imports nothing.
import {
  for_each = {
    for i in data.kustom_legacy_integrations.all.integrations : i.merchant_id => i if i.current
  }
  to = kustom_api_key.checkout[each.key]
  id = each.value.id
}

# Steps 1 and 3 of the vendor's guide: generate a new key, and delete the old key. An imported key
# belongs to api.klarna.com. It can't change to api.kustom.co, so Terraform replaces the key.
resource "kustom_api_key" "checkout" {
  for_each    = var.stores
  merchant_id = each.key

  # This puts step 2 in between: the provider deletes the old key when the shop no longer uses it.
  lifecycle {
    create_before_destroy = true
  }
}

# Step 2: install the new key in Klarna Checkout V3 in Mystore. The state has the secret, marked as
# sensitive. Give access to the state only to people who may know the secret.
resource "mystore_klarna_checkout_credentials" "shop" {
  for_each = var.stores
  provider = kustom

  shop          = each.value
  kustom_id     = kustom_api_key.checkout[each.key].username
  kustom_secret = kustom_api_key.checkout[each.key].secret
}
