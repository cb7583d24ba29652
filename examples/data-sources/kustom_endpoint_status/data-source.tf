data "kustom_endpoint_status" "butikk" {
  merchant_id = "M00123456"
}

# A warning, in every plan, for as long as the portal asks for something. No warning proves no switch: a
# user of the portal can dismiss what it asks for.
check "nothing_left_to_do_in_butikk" {
  assert {
    condition     = !data.kustom_endpoint_status.butikk.action_required
    error_message = "Kustom Portal asks for something to be done in store M00123456."
  }
}

output "left_to_do" {
  value = {
    for s in data.kustom_endpoint_status.butikk.services : s.service => s.action_required
    if s.action_required != null
  }
}
