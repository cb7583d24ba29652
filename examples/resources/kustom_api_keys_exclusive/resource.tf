resource "kustom_mystore_connection" "butikk" {
  shop        = "butikk"
  merchant_id = "M00123456"
}

# The store has the shop's key and no other. What else there is, or turns up later, is in the plan
# with its last use, and is deleted.
resource "kustom_api_keys_exclusive" "butikk" {
  merchant_id = "M00123456"
  credential_ids     = [kustom_mystore_connection.butikk.credential_id]
}
