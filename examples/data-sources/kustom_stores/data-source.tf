data "kustom_stores" "all" {}

# The actions that the portal asks for, in every store that the portal user can see.
data "kustom_endpoint_status" "each" {
  for_each    = toset(data.kustom_stores.all.stores[*].merchant_id)
  merchant_id = each.key
}

output "to_switch" {
  value = {
    for s in data.kustom_stores.all.stores : s.merchant_id => s.name
    if data.kustom_endpoint_status.each[s.merchant_id].action_required
  }
}
