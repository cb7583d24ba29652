# <shop>/<merchant_id> of every shop. Shops that have a key of Kustom's keep it.
import {
  to = kustom_mystore_fleet.norway
  id = "butikk/M00123456,fjellsport/M00412871,ullogtre/M00698335"
}
