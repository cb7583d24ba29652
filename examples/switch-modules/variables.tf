variable "stores" {
  description = "The stores to switch: Kustom merchant ID => name of the Mystore shop."
  type        = map(string)

  # The sandbox's three shops (make sandbox).
  default = {
    M00412871 = "fjellsport"
    M00537204 = "kaffebonna"
    M00698335 = "ullogtre"
  }
}
