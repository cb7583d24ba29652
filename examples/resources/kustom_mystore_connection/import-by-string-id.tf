# <shop>/<merchant_id>. A shop with a Kustom key keeps it.
import {
  to = kustom_mystore_connection.butikk
  id = "butikk/M00123456"
}
