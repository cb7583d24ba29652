# <shop>/<merchant_id>. A shop that has a key of Kustom's keeps it.
terraform import kustom_mystore_connection.butikk butikk/M00123456
