locals {
  # Each store belongs to one of four waves. It stays in its wave when other stores come and go.
  wave = { for id, shop in var.stores : id => parseint(substr(sha256(id), 0, 4), 16) % 4 }
}

resource "kustom_api_key" "checkout" {
  for_each    = var.stores
  merchant_id = each.key

  # Any change rotates the key. To rotate a quarter of the fleet at a time, raise waves from 0 to 4
  # with one apply each.
  rotate_when_changed = {
    campaign = local.wave[each.key] < var.waves ? var.campaign : var.previous_campaign
  }

  # The next plan also rotates keys that a campaign has missed.
  rotate_after_days = 180

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
}
