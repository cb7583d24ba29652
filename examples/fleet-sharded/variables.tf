variable "shops_file" {
  description = "CSV file of all shops of all shards, with the columns shop and merchant_id, and optionally description and wave."
  type        = string
  default     = "shops.csv"
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

variable "shards" {
  description = "The number of shards. Another number moves shops between shards, and each moved shop gets a new key. Begin with enough shards for the next years, at a few hundred shops each."
  type        = number
  default     = 4
}

variable "wave" {
  description = "The last wave of shops to switch, if the list has the column wave. Only raise it: a shop of a later wave leaves the configuration."
  type        = number
  default     = 1
}
