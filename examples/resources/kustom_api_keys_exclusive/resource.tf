resource "kustom_mystore_connection" "butikk" {
  shop        = "butikk"
  merchant_id = "M00123456"
}

# The store keeps the shop's key and no other. The plan names every other key, and the apply deletes
# it.
resource "kustom_api_keys_exclusive" "butikk" {
  merchant_id    = "M00123456"
  credential_ids = [kustom_mystore_connection.butikk.credential_id]
}
