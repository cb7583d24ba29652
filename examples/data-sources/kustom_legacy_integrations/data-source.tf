data "kustom_legacy_integrations" "all" {}

# The keys that still belong to Klarna's host. A shop takes payments with a current key. Nobody
# needs the others.
output "legacy_keys" {
  value = {
    for i in data.kustom_legacy_integrations.all.integrations : i.username => {
      merchant_id   = i.merchant_id
      host          = i.host
      last_used_at  = i.last_used_at
      mystore_shops = i.mystore_shops
      current       = i.current
    }
  }
}
