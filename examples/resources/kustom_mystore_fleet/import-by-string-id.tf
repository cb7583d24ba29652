# <shop>/<merchant_id> of every shop. Shops with a Kustom key keep it.
import {
  to = kustom_mystore_fleet.norway
  id = "butikk/M00123456,fjellsport/M00412871,ullogtre/M00698335"
}
