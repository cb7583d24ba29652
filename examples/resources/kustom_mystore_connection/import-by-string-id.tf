# <shop>/<merchant_id>. A shop that has a key of Kustom's keeps it.
import {
  to = kustom_mystore_connection.butikk
  id = "butikk/M00123456"
}
