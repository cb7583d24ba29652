variable "shops" {
  description = "The shops that were switched: name of the Mystore shop => Kustom merchant ID."
  type        = map(string)

  # The sandbox's three shops (make sandbox).
  default = {
    fjellsport = "M00412871"
    kaffebonna = "M00537204"
    ullogtre   = "M00698335"
  }
}

variable "switched_at" {
  description = "The time of the last switch, such as 2026-03-01T12:00:00Z (RFC 3339)."
  type        = string
}
