# <shop>/<merchant_id>. A shop with a Kustom key keeps it.
terraform import kustom_mystore_connection.butikk butikk/M00123456
