variable "stores" {
  description = "The stores of the pairs: Kustom merchant ID => name of the Mystore shop."
  type        = map(string)

  # The sandbox's three shops (make sandbox).
  default = {
    M00412871 = "fjellsport"
    M00537204 = "kaffebonna"
    M00698335 = "ullogtre"
  }
}
