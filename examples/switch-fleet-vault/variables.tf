variable "shops_file" {
  description = "CSV file of the shops, with the columns shop and merchant_id, and optionally description and wave."
  type        = string
  default     = "shops.csv"
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

variable "chunks" {
  description = "The number of fleets, with a few hundred shops each. Another number moves shops between fleets, and each moved shop gets a new key."
  type        = number
  default     = 2
}

variable "wave" {
  description = "The last wave of shops to switch, if the list has the column wave. Only raise it: a shop of a later wave leaves the configuration."
  type        = number
  default     = 1
}
