# A check warns, and the run continues. This check covers all stores that the portal user can see,
# also forgotten ones.
check "no_integration_left_on_klarna" {
  data "kustom_legacy_integrations" "left" {}

  assert {
    condition     = !data.kustom_legacy_integrations.left.action_required
    error_message = "Keys of api.klarna.com are left: ${join(", ", data.kustom_legacy_integrations.left.integrations[*].username)}."
  }
}

data "kustom_endpoint_status" "store" {
  for_each    = toset(values(var.shops))
  merchant_id = each.key
}

# The portal shows a service as switched when that service has sent a request to Kustom. The order
# management does so when you capture or change the first order with the new key. If the portal asks
# for no action, that proves nothing, because its users can dismiss the request.
check "no_service_left_on_klarna" {
  assert {
    condition = alltrue([for s in data.kustom_endpoint_status.store : !s.action_required])
    error_message = format("Traffic still goes to api.klarna.com: %s.", join(", ", flatten([
      for s in data.kustom_endpoint_status.store : [
        for service in s.services : "${s.merchant_id} (${service.service})" if service.action_required != null
      ]
    ])))
  }
}

# A failed postcondition fails the run.
data "kustom_api_keys" "shop" {
  for_each     = var.shops
  merchant_ids = [each.value]
  legacy       = false

  lifecycle {
    postcondition {
      condition = anytrue([
        for k in self.api_keys : contains(k.mystore_shops, each.key) && try(timecmp(k.last_used_at, var.switched_at) > 0, false)
      ])
      error_message = "Shop ${each.key} has not used a key of Kustom's since ${var.switched_at}. Place a test order in it."
    }
  }
}
