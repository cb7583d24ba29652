data "kustom_endpoint_status" "butikk" {
  merchant_id = "M00123456"
}

# Each plan warns while the portal asks for an action. The end of the warning does not prove the
# switch, because a portal user can dismiss the request.
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
