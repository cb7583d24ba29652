# A check warns and goes on. This one is about all stores that the portal user can see, also those
# that nobody has thought of.
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

# The services follow their own traffic: the order management when the first order is captured or changed
# with the new key. That the portal asks for nothing proves no switch, since its users can dismiss that.
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

# A postcondition that is not met fails the run.
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
