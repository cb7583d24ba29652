# The whole guide: a new key is made, proven and added to Mystore, and the key that the shop used
# before is deleted. The secret is stored nowhere.
resource "kustom_mystore_connection" "shop" {
  shop        = var.shop
  merchant_id = var.merchant_id
}

# What Kustom Portal asks for in the store, after the switch.
data "kustom_endpoint_status" "store" {
  merchant_id = var.merchant_id
  depends_on  = [kustom_mystore_connection.shop]
}

# The services follow their own traffic: the checkout goes to Kustom's host from the proof of the new
# key on, the order management from the first order that is captured or changed, and the portal takes up
# to a day. Until then this warns, in every plan and apply, and stops nothing. That it does not warn proves
# no switch: a user can dismiss what the portal asks for. Edit, capture and refund a new order.
check "nothing_left_to_do" {
  assert {
    condition = !data.kustom_endpoint_status.store.action_required
    error_message = format("Traffic of store %s still goes to Klarna: %s.", var.merchant_id, join(", ", [
      for s in data.kustom_endpoint_status.store.services : s.service if s.action_required != null
    ]))
  }
}
