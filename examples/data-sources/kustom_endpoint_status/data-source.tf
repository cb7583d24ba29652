data "kustom_endpoint_status" "butikk" {
  merchant_id = "M00123456"
}

# A warning, in every plan, for as long as the store calls Klarna.
check "butikk_has_switched" {
  assert {
    condition     = data.kustom_endpoint_status.butikk.switched
    error_message = "Store M00123456 still calls Klarna."
  }
}

output "left_to_do" {
  value = {
    for s in data.kustom_endpoint_status.butikk.services : s.service => s.action_required
    if s.action_required != null
  }
}
