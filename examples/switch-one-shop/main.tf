# The whole switch: the provider generates a new key, proves it, installs it in the shop, and
# deletes the key that the shop used before. Only the shop stores the secret.
resource "kustom_mystore_connection" "shop" {
  shop        = var.shop
  merchant_id = var.merchant_id
}

# The actions that Kustom Portal asks for in the store after the switch.
data "kustom_endpoint_status" "store" {
  merchant_id = var.merchant_id
  depends_on  = [kustom_mystore_connection.shop]
}

# The portal shows a service as switched when that service has sent a request to Kustom, up to a day
# late. The checkout does so with the next order. The order management does so when you capture or
# change an order. Until then, this check warns in every plan and apply, and stops nothing.
# The end of the warning does not prove the switch, because a portal user can dismiss the
# request. To prove the switch, edit, capture and refund a new order.
check "nothing_left_to_do" {
  assert {
    condition = !data.kustom_endpoint_status.store.action_required
    error_message = format("Traffic of store %s still goes to Klarna: %s.", var.merchant_id, join(", ", [
      for s in data.kustom_endpoint_status.store.services : s.service if s.action_required != null
    ]))
  }
}
