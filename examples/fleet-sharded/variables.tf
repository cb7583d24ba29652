variable "shops_file" {
  description = "CSV file of all shops, of whatever shard, with the columns shop and merchant_id, and description and wave if you like."
  type        = string
  default     = "shops.csv"
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

variable "shards" {
  description = "How many shards there are. Another number moves shops between shards, and each shop that is moved gets a new key: begin with enough for the shops of the years to come, at a few hundred each."
  type        = number
  default     = 4
}

variable "wave" {
  description = "The last wave of shops whose turn it is, where the list has the column wave. Only raise it: a shop whose wave is later than this leaves the configuration."
  type        = number
  default     = 1
}
