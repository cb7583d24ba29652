resource "kustom_api_key" "checkout" {
  for_each = var.stores

  merchant_id = each.key

  lifecycle {
    create_before_destroy = true
  }
}

resource "mystore_klarna_checkout_credentials" "shop" {
  for_each = var.stores
  provider = kustom

  shop          = each.value
  kustom_id     = kustom_api_key.checkout[each.key].username
  kustom_secret = kustom_api_key.checkout[each.key].secret

  # Each time a shop's credentials change, the action checks them from both sides.
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.kustom_verify_credentials.shop[each.key]]
    }
  }
}

action "kustom_verify_credentials" "shop" {
  for_each = var.stores

  config {
    shop          = each.value
    kustom_id     = kustom_api_key.checkout[each.key].username
    kustom_secret = kustom_api_key.checkout[each.key].secret
  }
}
