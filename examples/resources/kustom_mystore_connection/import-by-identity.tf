# A shop that has a key of Kustom's keeps it.
import {
  to = kustom_mystore_connection.butikk
  identity = {
    shop        = "butikk"
    merchant_id = "M00123456"
  }
}
