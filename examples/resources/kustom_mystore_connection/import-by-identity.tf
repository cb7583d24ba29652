# A shop with a Kustom key keeps it.
import {
  to = kustom_mystore_connection.butikk
  identity = {
    shop        = "butikk"
    merchant_id = "M00123456"
  }
}
