resource "kustom_mystore_connection" "butikk" {
  shop        = "butikk"
  merchant_id = "M00123456"

  # The first plan after this age rotates the key.
  rotate_after_days = 90

  # A change of any value rotates the key too.
  rotate_when_changed = {
    incident = "none"
  }
}
