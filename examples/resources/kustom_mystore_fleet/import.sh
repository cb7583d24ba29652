# <shop>/<merchant_id> of every shop, separated by commas. Shops with a Kustom key keep it.
terraform import kustom_mystore_fleet.norway butikk/M00123456,fjellsport/M00412871,ullogtre/M00698335
