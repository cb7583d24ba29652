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

variable "incidents" {
  description = "The last incident that exposed a shop's key: name of the Mystore shop => a ticket."
  type        = map(string)
  default     = {}
}

variable "people" {
  description = "The people who can see Integrations in Kustom Portal."
  type        = set(string)
  default     = ["admin@butikk.example"]
}
