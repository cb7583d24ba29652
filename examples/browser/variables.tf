variable "shops" {
  description = "The shops to connect: name of the Mystore shop => Kustom merchant ID."
  type        = map(string)

  # The sandbox's three shops (make sandbox).
  default = {
    fjellsport = "M00412871"
    kaffebonna = "M00537204"
    ullogtre   = "M00698335"
  }
}
