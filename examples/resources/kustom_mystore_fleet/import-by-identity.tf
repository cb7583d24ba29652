# Shops with a Kustom key keep it.
import {
  to = kustom_mystore_fleet.norway
  identity = {
    shops = ["butikk/M00123456", "fjellsport/M00412871", "ullogtre/M00698335"]
  }
}
