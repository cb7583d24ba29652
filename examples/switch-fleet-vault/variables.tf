variable "shops_file" {
  description = "CSV file of the shops, with the columns shop and merchant_id, and description and wave if you like."
  type        = string
  default     = "shops.csv"
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

variable "chunks" {
  description = "How many objects the shops are divided into, a few hundred shops each. Another number moves shops between them, and each shop that is moved gets a new key."
  type        = number
  default     = 2
}

variable "wave" {
  description = "The last wave of shops whose turn it is, where the list has the column wave. Only raise it: a shop whose wave is later than this leaves the configuration."
  type        = number
  default     = 1
}
