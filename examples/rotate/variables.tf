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

variable "campaign" {
  description = "Name of the current rotation, such as 2027-q1."
  type        = string
  default     = "2026-q4"
}

variable "previous_campaign" {
  description = "Name of the previous rotation. Shops of later waves still have its name."
  type        = string
  default     = "2026-q3"
}

variable "waves" {
  description = "How many quarters of the fleet this rotation includes: 0 to 4."
  type        = number
  default     = 0

  validation {
    condition     = contains([0, 1, 2, 3, 4], var.waves)
    error_message = "There are four waves: waves is a number from 0 to 4."
  }
}
